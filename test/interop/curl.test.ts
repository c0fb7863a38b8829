import { dial, itWith, startProgram, stopPrograms } from '../support/peers.js';
import { type List, type Service, type SocketView, startService } from '../support/service.js';
import { StreamClient, terminateClients } from '../support/ws-client.js';

const check = itWith('curl');
let service: Service;

beforeAll(async () => {
  service = await startService();
});

afterAll(async () => {
  terminateClients();
  expect(await service.stop()).toBe(0);
  await stopPrograms();
});

/** Waits for text in the output of a program. */
function shows(program: ReturnType<typeof startProgram>, text: string): Promise<true> {
  return program.output(`"${text}"`, () => (program.stdout.includes(text) ? true : null));
}

check('curl telnet:// speaks with a listener in both directions', async () => {
  const listener = await service.listen();
  const client = await StreamClient.open(service);
  await client.attach({ listenerId: listener.id });
  const curl = startProgram('curl', ['-sN', `telnet://127.0.0.1:${listener.port}`]);
  const { data } = await client.message('accepted');
  const channel = data.channel!;

  // curl waits for its input before it looks at what came; at the end of the input it only reads.
  curl.write('hello over telnet\n');
  curl.endInput();
  expect((await client.bytes(channel, 18)).toString()).toBe('hello over telnet\n');
  const sent = await client.ask('send', { channel, data: 'and back\n', encoding: 'utf8' });
  expect(sent).toMatchObject({ event: 'sent', data: { bytesSent: 9 } });
  await shows(curl, 'and back\n');

  await client.ask('close', { channel });
  expect((await curl.exit()).code).toBe(0);
  const { body } = await service.get<List<SocketView>>(`/v1/listeners/${listener.id}/connections`);
  expect(body.items.filter(({ state }) => state === 'open')).toEqual([]);
});

check('curl -N shows the bytes of a socket as they come, and ends with them', async () => {
  const listener = await service.listen();
  const peer = await dial(listener.port);
  const { id } = await service.connection(listener.id, peer.localPort);
  const curl = startProgram('curl', ['-sSN', `${service.url}/v1/sockets/${id}/data?follow=true`]);

  // One by one: each is shown before the next is sent.
  for (const part of ['one\n', 'two\n', 'three\n']) {
    await peer.send(part);
    await shows(curl, part);
  }
  await peer.ask({ do: 'shutdown' }, 'shut-down');
  expect((await curl.exit()).code).toBe(0);
  expect(curl.stdout.toString()).toBe('one\ntwo\nthree\n');
});

check('curl sends a file of bytes to a socket, and reads bytes with their offsets', async () => {
  const listener = await service.listen();
  const peer = await dial(listener.port);
  const { id } = await service.connection(listener.id, peer.localPort);
  const url = `${service.url}/v1/sockets/${id}/data`;
  const octets = 'application/octet-stream';
  const curl = startProgram('curl', ['-sS', '-H', `content-type: ${octets}`, '--data-binary', '@-', url]);
  curl.write(Buffer.from('000102ff0d0a', 'hex'));
  curl.endInput();
  expect((await curl.exit()).code).toBe(0);
  expect(JSON.parse(curl.stdout.toString())).toEqual({ bytesSent: 6 });
  expect((await peer.receive(6)).toString('hex')).toBe('000102ff0d0a');

  await peer.send('answer');
  const read = startProgram('curl', ['-sSi', '-H', `accept: ${octets}`, `${url}?offset=0&waitMs=5000`]);
  expect((await read.exit()).code).toBe(0);
  const answer = read.stdout.toString();
  expect(answer).toMatch(/^sockeye-offset: 0\r$/im);
  expect(answer).toMatch(/^sockeye-next-offset: 6\r$/im);
  expect(answer.endsWith('\r\n\r\nanswer')).toBe(true);
});
