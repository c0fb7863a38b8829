import { spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { existsSync, mkdtempSync, realpathSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { itWith, startPeer, startProgram, stopPrograms, until } from '../support/peers.js';
import { type List, type Service, type SocketView, startService } from '../support/service.js';
import { PipeClient, terminateClients } from '../support/ws-client.js';

const check = itWith('python3', 'socat');
const root = realpathSync(mkdtempSync(join(tmpdir(), 'sk-unix-')));
const data = mkdtempSync(join(tmpdir(), 'sk-data-'));
const file = (name: string): string => join(root, name);
const environment = { SOCKEYE_UNIX_DIR: root, SOCKEYE_DATA_DIR: data };
let service: Service;

interface UnixView extends Omit<SocketView, 'localAddress' | 'remoteAddress'> {
  localAddress: { path: string };
  remoteAddress: { path: string } | null;
  peerCredentials: { pid: number; uid: number; gid: number } | null;
}

beforeAll(async () => {
  service = await startService(environment);
});

afterAll(async () => {
  terminateClients();
  expect(await service.stop()).toBe(0);
  await stopPrograms();
  rmSync(root, { recursive: true });
  rmSync(data, { recursive: true });
});

async function listen(path: string): Promise<UnixView> {
  const { status, body } = await service.post<UnixView>('/v1/listeners', { protocol: 'unix', path });
  expect(status).toBe(201);
  return body;
}

async function connectionOf(listener: UnixView): Promise<UnixView> {
  const path = `/v1/listeners/${listener.id}/connections`;
  let found: UnixView | undefined;
  await until('a connection', async () => {
    found = (await service.get<List<UnixView>>(path)).body.items.at(-1);
    return found !== undefined;
  });
  return found!;
}

check('a python client is known by its process, and gets back what it sent', async () => {
  const listener = await listen('python.sock');
  const peer = startPeer('peer.py', ['--unix-connect', file('python.sock')]);
  await peer.event('connected');
  const { id, peerCredentials, remoteAddress } = await connectionOf(listener);
  expect(peerCredentials).toEqual({ pid: peer.pid, uid: process.getuid?.(), gid: process.getgid?.() });
  expect(remoteAddress).toEqual({ path: '' });
  const bytes = randomBytes(300_000);
  const answer = peer.ask({ do: 'receive', bytes: bytes.length }, 'received');
  await service.post(`/v1/sockets/${id}/data`, bytes);
  expect(Buffer.from((await answer).hex ?? '', 'hex').equals(bytes)).toBe(true);
  await peer.send('bye');
  await peer.ask({ do: 'shutdown' }, 'shut-down');
  await until('its EOF', async () => (await service.socket(id)).state === 'half-closed-remote');
  expect((await service.bytes(id)).toString()).toBe('bye');
});

check('a pipe reaches a socat that listens', async () => {
  const socat = startProgram('socat', [`UNIX-LISTEN:${file('cat.sock')}`, 'EXEC:cat']);
  await until('its file', () => existsSync(file('cat.sock')));
  const pipe = await PipeClient.open(service, 'protocol=unix&path=cat.sock');
  const bytes = randomBytes(50_000);
  pipe.send(bytes);
  expect((await pipe.bytes(bytes.length)).equals(bytes)).toBe(true);
  await pipe.close();
  await socat.exit();
});

check('socat reaches a listener', async () => {
  const listener = await listen('from-socat.sock');
  const socat = startProgram('socat', ['STDIO', `UNIX-CONNECT:${file('from-socat.sock')}`]);
  const { id } = await connectionOf(listener);
  socat.write(Buffer.from('hello'));
  await until('its bytes', async () => (await service.socket(id)).received.bytes === 5);
  await service.del(`/v1/listeners/${listener.id}`);
  expect(existsSync(file('from-socat.sock'))).toBe(false);
  expect((await socat.exit()).code).toBe(0);
});

check('what a kill -9 leaves behind makes room for the next start, and nothing else does', async () => {
  await listen('left.sock');
  spawnSync('python3', [
    '-c',
    `import socket; socket.socket(socket.AF_UNIX).bind("${file('foreign.sock')}")`,
  ]);
  service.signal('SIGKILL');
  await service.exit();
  expect(existsSync(file('left.sock'))).toBe(true);
  service = await startService(environment);
  await listen('left.sock');
  const foreign = await service.post('/v1/listeners', { protocol: 'unix', path: 'foreign.sock' });
  expect(foreign.status).toBe(409);
  expect(existsSync(file('foreign.sock'))).toBe(true);
});
