import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { itWith, startProgram, stopPrograms } from '../support/peers.js';
import {
  type Answer,
  type Problem,
  type Service,
  type SocketView,
  startService,
} from '../support/service.js';
import { PipeClient } from '../support/ws-client.js';

const check = itWith('python3');
const directory = mkdtempSync(join(tmpdir(), 'sockeye-unix-'));
let service: Service;

beforeAll(async () => {
  service = await startService({ SOCKEYE_UNIX_DIR: directory });
});

afterAll(async () => {
  expect(await service.stop()).toBe(0);
  await stopPrograms();
  rmSync(directory, { recursive: true });
});

interface UnixSocket {
  id: string;
  localAddress: { path: string };
  remoteAddress: { path: string } | null;
  family: string;
  kind: string;
}

const inside = (name: string): string => join(directory, name);

async function bound(name: string): Promise<UnixSocket> {
  const asked = { protocol: 'unix-datagram', path: inside(name) };
  const { status, body } = await service.post<UnixSocket>('/v1/listeners', asked);
  expect(status).toBe(201);
  return body;
}

async function receive(id: string): Promise<object[]> {
  const asked = { waitMs: 10_000, maxBytes: 1_048_576 };
  return (await service.post<{ datagrams: object[] }>(`/v1/sockets/${id}/receive`, asked)).body.datagrams;
}

function send(id: string, body: object): Promise<Answer<Problem & { code: string; rule: string }>> {
  return service.post(`/v1/sockets/${id}/data`, body);
}

/** Echoes in upper case, from a file of its own, to whoever sends; one datagram. */
const ECHO = `
import socket, sys
s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
s.bind(sys.argv[1])
print("READY", flush=True)
data, address = s.recvfrom(300000)
s.sendto(data.upper(), address)
`;

check(
  'datagrams go both ways between a bound file and python, the empty one and a long one too',
  async () => {
    const socket = await bound('meters');
    expect(socket).toMatchObject({
      kind: 'listener',
      family: 'unix',
      localAddress: { path: inside('meters') },
    });
    const script = `
import socket, sys
s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
s.bind(sys.argv[2])
for data in (b"one", b"", b"x" * 150000):
    s.sendto(data, sys.argv[1])
data, address = s.recvfrom(100)
print(data.decode(), address)
nameless = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
nameless.sendto(b"from nobody", sys.argv[1])
`;
    const python = startProgram('python3', ['-c', script, inside('meters'), inside('python')]);
    const from = { path: inside('python') };
    const came: object[] = [];
    while (came.length < 3) came.push(...(await receive(socket.id)));
    expect(came).toMatchObject([
      { data: 'one', from },
      { bytes: 0, from },
      { bytes: 150_000, from },
    ]);
    expect((await send(socket.id, { data: 'back', to: from })).status).toBe(200);
    expect(await receive(socket.id)).toMatchObject([{ data: 'from nobody', from: { path: '' } }]);
    expect((await python.exit()).code).toBe(0);
    expect(python.stdout.toString()).toBe(`back ${inside('meters')}\n`);
    expect((await service.del(`/v1/sockets/${socket.id}`)).status).toBe(204);
    expect(existsSync(inside('meters'))).toBe(false);
  },
);

check('a client without a file of its own gets its answer all the same', async () => {
  const python = startProgram('python3', ['-c', ECHO, inside('echo')]);
  await python.output('READY', () => (python.stdout.toString() === 'READY\n' ? true : null));
  const asked = { protocol: 'unix-datagram', path: inside('echo') };
  const client = (await service.post<UnixSocket>('/v1/clients', asked)).body;
  expect(client).toMatchObject({ kind: 'client', remoteAddress: { path: inside('echo') } });
  expect((await send(client.id, { data: 'hello' })).status).toBe(200);
  expect(await receive(client.id)).toMatchObject([{ data: 'HELLO', from: { path: inside('echo') } }]);
  expect((await python.exit()).code).toBe(0);
  // Nobody has the other end any more.
  expect(await send(client.id, { data: 'hello' })).toMatchObject({
    status: 502,
    body: { code: 'ECONNREFUSED' },
  });
});

check('a pipe to a file gets its answer all the same', async () => {
  const python = startProgram('python3', ['-c', ECHO, inside('piped')]);
  await python.output('READY', () => (python.stdout.toString() === 'READY\n' ? true : null));
  const pipe = await PipeClient.open(service, 'protocol=unix-datagram&path=piped');
  pipe.send('hello');
  expect(String(await pipe.inbox.take('the answer', () => true))).toBe('HELLO');
  expect((await python.exit()).code).toBe(0);
  pipe.send('hello');
  expect((await pipe.closing()).code).toBe(4502);
});

check('a send waits for a receiver whose queue is full, and goes on in order', async () => {
  const receiver = await bound('slow');
  const sender = await bound('fast');
  await service.post(`/v1/sockets/${receiver.id}/pause`, {});
  const to = { path: inside('slow') };
  let taken = 0;
  for (;;) {
    const answer = await service.post<{ bytesSent: number }>(`/v1/sockets/${sender.id}/data?mode=some`, {
      data: String(taken),
      to,
    });
    if (answer.body.bytesSent === 0) break;
    taken += 1;
  }
  expect(taken).toBeGreaterThan(0);
  const late = await service.post<Problem>(`/v1/sockets/${sender.id}/data?timeoutMs=50`, {
    data: 'late',
    to,
  });
  expect(late.status).toBe(504);
  const waiting = send(sender.id, { data: 'waited', to });
  await service.post(`/v1/sockets/${receiver.id}/resume`, {});
  expect((await waiting).status).toBe(200);
  const came: object[] = [];
  while (came.length < taken + 1) came.push(...(await receive(receiver.id)));
  expect(came).toMatchObject([
    ...Array.from({ length: taken }, (_, i) => ({ data: String(i) })),
    { data: 'waited' },
  ]);
});

check('paths outside of the directory are not for sockets, nor for datagrams', async () => {
  const socket = await bound('guarded');
  const away = { protocol: 'unix-datagram', path: '/tmp/elsewhere.sock' };
  for (const refused of [
    await service.post<Problem & { rule: string }>('/v1/listeners', away),
    await service.post<Problem & { rule: string }>('/v1/clients', away),
    await send(socket.id, { data: 'x', to: { path: '/tmp/elsewhere.sock' } }),
  ])
    expect(refused).toMatchObject({ status: 403, body: { rule: 'unix-dir' } });
  const nobody = await send(socket.id, { data: 'x', to: { path: inside('nobody') } });
  expect(nobody).toMatchObject({ status: 502, body: { code: 'ENOENT' } });
  const internet = await send(socket.id, { data: 'x', to: { address: '127.0.0.1', port: 9 } });
  expect(internet).toMatchObject({ status: 422, body: { code: 'EAFNOSUPPORT' } });
  const twice = await service.post<SocketView>('/v1/listeners', {
    protocol: 'unix-datagram',
    path: inside('guarded'),
  });
  expect(twice.status).toBe(409);
});
