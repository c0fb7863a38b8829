import { randomBytes } from 'node:crypto';
import { itWith, startProgram, stopPrograms } from '../support/peers.js';
import { type Service, type SocketView, startService } from '../support/service.js';
import { PipeClient, StreamClient, terminateClients } from '../support/ws-client.js';

const check = itWith('socat');
const payload = randomBytes(512 * 1024);
let service: Service;

beforeAll(async () => {
  service = await startService();
});

afterAll(async () => {
  terminateClients();
  expect(await service.stop()).toBe(0);
  await stopPrograms();
});

check('socat sends to a listener and gets the same back over the pipe', async () => {
  const listener = await service.listen();
  const watcher = await StreamClient.open(service);
  await watcher.attach({ listenerId: listener.id, mode: 'observe' });
  const socat = startProgram('socat', ['-t', '10', 'STDIO', `TCP:127.0.0.1:${listener.port}`]);
  const { socket } = (await watcher.message('accepted')).data;
  const pipe = await PipeClient.open(service, `socketId=${socket!.id}`);

  socat.write(payload);
  pipe.send(await pipe.bytes(payload.length));
  await socat.output('its payload', () => (socat.stdout.length === payload.length ? true : null));
  expect(socat.stdout.equals(payload)).toBe(true);
  // At the end of its input socat ends its sending direction, and with it the pipe.
  socat.endInput();
  expect((await pipe.closing()).code).toBe(1000);
  await service.post(`/v1/sockets/${socket!.id}/shutdown`, { how: 'write' });
  expect((await socat.exit()).code).toBe(0);
});

check('a client over HTTP gets its bytes echoed by a listening socat', async () => {
  const socat = startProgram('socat', ['-d', '-d', 'TCP-LISTEN:0,bind=127.0.0.1', 'EXEC:cat']);
  const port = await socat.output(
    'its port',
    () => /listening on AF=2 127\.0\.0\.1:(\d+)/.exec(socat.stderr)?.[1] ?? null,
  );
  const dialled = { protocol: 'tcp', host: '127.0.0.1', port: Number(port) };
  const { body } = await service.post<SocketView>('/v1/clients', dialled);
  const client = await StreamClient.open(service);
  const { channel } = await client.attach({ socketId: body.id });

  const part = payload.subarray(0, 65_000);
  client.frame(channel, part);
  expect((await client.bytes(channel, part.length)).equals(part)).toBe(true);
  // cat ends with its input, and socat with cat.
  await client.ask('shutdown', { channel });
  expect((await client.message('eof', channel)).data.offset).toBe(part.length);
  expect((await client.message('closed', channel)).data).toMatchObject({
    offset: part.length,
    reason: 'eof',
  });
  expect((await socat.exit()).code).toBe(0);
});
