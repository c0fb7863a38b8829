import { dial, stopPrograms, until } from '../support/peers.js';
import { type Service, startService } from '../support/service.js';
import { PipeClient, StreamClient, terminateClients } from '../support/ws-client.js';

let service: Service;

beforeEach(async () => {
  service = await startService();
});

afterEach(async () => {
  terminateClients();
  await stopPrograms();
});

/** Asks for readiness until the port is closed, and says all that was answered. */
async function readinessToTheEnd(): Promise<number[]> {
  const answers: number[] = [];
  await until('the port is closed', async () => {
    const status = await service.status('/health/ready', {}).catch(() => 0);
    if (status !== 0 && answers.at(-1) !== status) answers.push(status);
    return status === 0;
  });
  return answers;
}

it('SIGTERM closes WebSockets with 1001, ends open sockets, and exits with 0 within 10 s', async () => {
  const listener = await service.listen();
  const [read, piped, unread] = [
    await dial(listener.port),
    await dial(listener.port),
    await dial(listener.port),
  ];
  const stream = await StreamClient.open(service);
  const { channel } = await stream.attach({
    socketId: (await service.connection(listener.id, read.localPort)).id,
  });
  await read.send('read');
  expect(await stream.bytes(channel, 4)).toEqual(Buffer.from('read'));
  const { id } = await service.connection(listener.id, piped.localPort);
  const pipe = await PipeClient.open(service, `socketId=${id}`);
  await unread.send('unread');

  service.signal('SIGTERM');
  const closings = [stream.closing(), pipe.closing()];
  // After 200 for as long as the signal was on its way, only 503, until nobody answers.
  const answers = await readinessToTheEnd();
  expect([[], [200], [503], [200, 503]]).toContainEqual(answers);
  expect((await Promise.all(closings)).map(({ code }) => code)).toEqual([1001, 1001]);
  expect(await service.exit()).toEqual({ code: 0, signal: null });
  for (const peer of [read, piped, unread]) {
    peer.tell({ do: 'drain' });
    await Promise.any([peer.event('eof'), peer.event('error')]);
  }
}, 30_000);

it('SIGTERM without anything open exits with 0', async () => {
  expect(await service.stop()).toBe(0);
});

it('SIGINT does the same', async () => {
  const stream = await StreamClient.open(service);
  service.signal('SIGINT');
  expect((await stream.closing()).code).toBe(1001);
  expect((await service.exit()).code).toBe(0);
});

it('the lines of the last requests are written before the process ends', async () => {
  const chatty = await startService({ SOCKEYE_LOG_LEVEL: 'info' });
  for (let i = 0; i < 20; i += 1) await chatty.status('/health/live', {});
  expect(await chatty.stop()).toBe(0);
  await until('all lines were read', async () => {
    return chatty.stdout.match(/"path":"\/health\/live","status":200/g)?.length === 20;
  });
}, 30_000);
