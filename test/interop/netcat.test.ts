import { createHash, randomBytes } from 'node:crypto';
import { itWith, startProgram, stopPrograms } from '../support/peers.js';
import { type Service, type SocketView, startService } from '../support/service.js';
import { ConsumingReader, PipeClient, StreamClient, terminateClients } from '../support/ws-client.js';

const check = itWith('nc');
const payload = randomBytes(1024 * 1024);
const sha256 = createHash('sha256').update(payload).digest('hex');
let service: Service;

beforeAll(async () => {
  service = await startService();
});

afterAll(async () => {
  terminateClients();
  expect(await service.stop()).toBe(0);
  await stopPrograms();
});

check('netcat sends a file to a listener, half-closes, and gets the answer', async () => {
  const listener = await service.listen();
  const client = await StreamClient.open(service);
  await client.attach({ listenerId: listener.id, reader: 'first' });
  // -N: shuts its sending direction down at the end of its input.
  const nc = startProgram('nc', ['-N', '127.0.0.1', `${listener.port}`]);
  const { channel, socket } = (await client.message('accepted')).data;
  nc.write(payload);
  nc.endInput();

  const reader = new ConsumingReader(service, {
    socketId: socket!.id,
    reader: 'second',
    windowBytes: 1 << 18,
  });
  await reader.attach();
  const second = reader.read();
  const first = await client.bytes(channel!, payload.length);
  expect(first.equals(payload)).toBe(true);
  expect((await client.message('eof', channel)).data.offset).toBe(payload.length);
  expect(await second).toBe(payload.length);
  expect(reader.hash.digest('hex')).toBe(sha256);

  client.frame(channel!, Buffer.from('got it all'));
  await client.ask('shutdown', { channel });
  expect((await nc.exit()).code).toBe(0);
  expect(nc.stdout.toString()).toBe('got it all');
});

check('a pipe dials a listening netcat and carries bytes both ways', async () => {
  const nc = startProgram('nc', ['-lvN', '127.0.0.1', '0']);
  const port = await nc.output('its port', () => /Listening on \S+ (\d+)/.exec(nc.stderr)?.[1] ?? null);
  const pipe = await PipeClient.open(service, `host=127.0.0.1&port=${port}`, { protocols: ['binary'] });
  expect(pipe.ws.protocol).toBe('binary');

  pipe.send(payload);
  await nc.output('the payload', () => (nc.stdout.length === payload.length ? true : null));
  expect(nc.stdout.equals(payload)).toBe(true);
  nc.write(payload);
  nc.endInput();
  expect((await pipe.bytes(payload.length)).equals(payload)).toBe(true);
  expect((await pipe.closing()).code).toBe(1000);
  expect((await nc.exit()).code).toBe(0);
});

check('a client over HTTP reaches a listening netcat, which sees the close', async () => {
  const nc = startProgram('nc', ['-lv', '127.0.0.1', '0']);
  const port = await nc.output('its port', () => /Listening on \S+ (\d+)/.exec(nc.stderr)?.[1] ?? null);
  const dialled = { protocol: 'tcp', host: '127.0.0.1', port: Number(port) };
  const { body } = await service.post<SocketView>('/v1/clients', dialled);
  await service.post(`/v1/sockets/${body.id}/data`, { data: 'grüße\n', encoding: 'utf8' });
  await nc.output('the greeting', () => (nc.stdout.toString() === 'grüße\n' ? true : null));
  expect((await service.del(`/v1/sockets/${body.id}`)).status).toBeLessThan(300);
  expect((await nc.exit()).code).toBe(0);
});
