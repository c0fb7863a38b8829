import { randomBytes } from 'node:crypto';
import { dial, itWith, startPeer, stopPrograms, until } from '../support/peers.js';
import { type Answer, type Service, type SocketView, startService } from '../support/service.js';

const check = itWith('python3');
let service: Service;

beforeAll(async () => {
  service = await startService();
});

afterAll(async () => {
  expect(await service.stop()).toBe(0);
  await stopPrograms();
});

function send(id: string, bytes: Buffer): Promise<Answer<{ bytesSent: number }>> {
  return service.post(`/v1/sockets/${id}/data`, bytes);
}

function shutdownWrite(id: string): Promise<Answer<unknown>> {
  return service.post(`/v1/sockets/${id}/shutdown`, { how: 'write' });
}

async function receive(id: string): Promise<{ bytes: number; data: string; eof: boolean }> {
  const asked = { maxBytes: 65_536, waitMs: 5_000, encoding: 'hex' };
  return (await service.post<Awaited<ReturnType<typeof receive>>>(`/v1/sockets/${id}/receive`, asked)).body;
}

function untilState(id: string, state: string): Promise<void> {
  return until(`${id} is ${state}`, async () => (await service.socket(id)).state === state);
}

check(
  'a python client and a listener exchange bytes, and both directions end one after the other',
  async () => {
    const listener = await service.listen();
    const peer = await dial(listener.port);
    const { id } = await service.connection(listener.id, peer.localPort);

    await peer.send('from python');
    expect(await receive(id)).toMatchObject({ data: Buffer.from('from python').toString('hex'), eof: false });
    const binary = randomBytes(1000);
    expect((await send(id, binary)).body).toEqual({ bytesSent: 1000 });
    expect(await peer.receive(1000)).toEqual(binary);

    // Python ends its direction and reads on.
    await peer.ask({ do: 'shutdown' }, 'shut-down');
    await untilState(id, 'half-closed-remote');
    expect(await receive(id)).toMatchObject({ bytes: 0, eof: true });
    await send(id, Buffer.from('after your EOF'));
    await shutdownWrite(id);
    expect(await peer.ask({ do: 'drain' }, 'eof')).toMatchObject({ bytes: 14 });
    await untilState(id, 'closed');
  },
);

check('a client of Sockeye and a python server exchange bytes; Sockeye ends first and reads on', async () => {
  const peer = startPeer('peer.py', ['--listen', '127.0.0.1']);
  const port = await peer.ready();
  const dialled = { protocol: 'tcp', host: '127.0.0.1', port };
  const { status, body } = await service.post<SocketView>('/v1/clients', dialled);
  expect(status).toBe(201);
  const { localPort, remotePort } = await peer.event('connected');
  expect(body).toMatchObject({ kind: 'client', state: 'open', remoteAddress: { port } });
  expect([localPort, remotePort]).toEqual([port, body.localAddress.port]);

  await send(body.id, Buffer.from('hello, server'));
  expect((await peer.receive(13)).toString()).toBe('hello, server');
  await peer.send('hello, client');
  expect(Buffer.from((await receive(body.id)).data, 'hex').toString()).toBe('hello, client');

  await shutdownWrite(body.id);
  expect(await peer.ask({ do: 'drain' }, 'eof')).toMatchObject({ bytes: 0 });
  await untilState(body.id, 'half-closed-local');
  await peer.send('after your EOF');
  expect(Buffer.from((await receive(body.id)).data, 'hex').toString()).toBe('after your EOF');
  await peer.ask({ do: 'close' }, 'closed');
  await untilState(body.id, 'closed');
  expect(await receive(body.id)).toMatchObject({ bytes: 0, eof: true });
});

check('a python server that nobody listens at any more refuses with its errno', async () => {
  const peer = startPeer('peer.py', ['--listen', '127.0.0.1']);
  const port = await peer.ready();
  await peer.kill();
  const answer = await service.post('/v1/clients', { protocol: 'tcp', host: '127.0.0.1', port });
  expect(answer.status).toBe(502);
  expect(answer.body).toMatchObject({
    type: expect.stringMatching(/\/connection-refused$/),
    code: 'ECONNREFUSED',
    errno: 111,
    syscall: 'connect',
    address: '127.0.0.1',
    port,
  });
});
