import { once } from 'node:events';
import {
  existsSync,
  mkdtempSync,
  readdirSync,
  realpathSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { connect, createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { SocketListDto } from '../../src/modules/common/list.dto.js';
import type { ListenerDto } from '../../src/modules/common/listener.dto.js';
import type { SocketDto } from '../../src/modules/common/socket.dto.js';
import type { DataAnswer } from '../../src/modules/sockets/data.dto.js';
import { startApi, type Api } from '../support/api.js';
import * as native from '../../src/sockets/native/syscalls.js';
import { hasReceived, inspect, inState, listen, polled } from './steps.js';

let api: Api;
const root = realpathSync(mkdtempSync(join(tmpdir(), 'sk-unix-')));
const data = mkdtempSync(join(tmpdir(), 'sk-data-'));
const file = (name: string): string => join(root, name);
const peers: Socket[] = [];

beforeAll(async () => (api = await startApi({ SOCKEYE_UNIX_DIR: root, SOCKEYE_DATA_DIR: data })));
afterEach(() => {
  for (const peer of peers.splice(0)) peer.destroy();
});
afterAll(async () => {
  await api.close();
  expect(readdirSync(root).filter((name) => name.startsWith('ours'))).toEqual([]);
  rmSync(root, { recursive: true });
  rmSync(data, { recursive: true });
});

const unix = (path: string, more: object = {}): object => ({ protocol: 'unix', path, ...more });
const self = { pid: process.pid, uid: process.getuid?.(), gid: process.getgid?.() };

async function accepted(listener: ListenerDto): Promise<{ peer: Socket; connection: SocketDto }> {
  const { path } = listener.localAddress as { path: string };
  const peer = connect({ path, allowHalfOpen: true });
  peers.push(peer);
  await once(peer, 'connect');
  const connection = await api.application.eventually('it is accepted', async () => {
    const { body } = await api.get<SocketListDto>(`/v1/listeners/${listener.id}/connections`);
    return body.items.at(-1) ?? null;
  });
  return { peer, connection };
}

describe('a Unix listener', () => {
  it('accepts connections, which show their ends and who is there', async () => {
    const listener = await listen(api, unix('ours.sock', { name: 'ours' }));
    expect(listener).toMatchObject({
      kind: 'listener',
      protocol: 'unix',
      family: 'unix',
      localAddress: { path: file('ours.sock') },
      peerCredentials: null,
    });
    const { peer, connection } = await accepted(listener);
    expect(connection).toMatchObject({
      protocol: 'unix',
      localAddress: { path: file('ours.sock') },
      remoteAddress: { path: '' },
      peerCredentials: self,
      listenerId: listener.id,
    });
    peer.write('hello');
    await hasReceived(api, connection.id, 5);
    const { body } = await api.post<DataAnswer>(`/v1/sockets/${connection.id}/receive`, {});
    expect(body.data).toBe('hello');
    const heard = once(peer, 'data');
    await api.post(`/v1/sockets/${connection.id}/data`, Buffer.from('hi'));
    expect(String((await heard)[0])).toBe('hi');
    peer.end();
    await inState(api, connection.id, 'half-closed-remote');
    await api.delete('/v1/listeners/ours');
    expect(existsSync(file('ours.sock'))).toBe(false);
  });

  it('keeps the place of its file, and leaves it to the next when it is closed', async () => {
    const { id } = await listen(api, unix('ours-again.sock'));
    const again = api.post('/v1/listeners', unix('ours-again.sock'));
    expect(await api.refused(again, 409, 'address-in-use')).toMatchObject({
      code: 'EADDRINUSE',
      errno: 98,
      address: file('ours-again.sock'),
    });
    await api.delete(`/v1/listeners/${id}`);
    await api.delete(`/v1/listeners/${(await listen(api, unix('ours-again.sock'))).id}`);
  });

  it('never takes the place of a file of somebody else', async () => {
    writeFileSync(file('foreign'), 'data');
    await api.refused(api.post('/v1/listeners', unix('foreign')), 409, 'address-in-use');
    expect(existsSync(file('foreign'))).toBe(true);
  });

  it('is replaced by a declaration of another backlog on the same path', async () => {
    const declared = await api.call<ListenerDto>('PUT', '/v1/listeners/kept', unix('ours-kept.sock'));
    expect(declared.status).toBe(201);
    const same = await api.call<ListenerDto>('PUT', '/v1/listeners/kept', unix('ours-kept.sock'));
    expect(same.body.id).toBe(declared.body.id);
    const other = unix('ours-kept.sock', { backlog: 5 });
    const replaced = await api.call<ListenerDto>('PUT', '/v1/listeners/kept', other);
    expect(replaced.status).toBe(200);
    expect(replaced.body.id).not.toBe(declared.body.id);
    await accepted(replaced.body);
    await api.delete('/v1/listeners/kept');
  });
});

describe('the path of a Unix socket', () => {
  it('is refused where the policy says so, with the rule', async () => {
    symlinkSync(root, file('link'));
    for (const [path, rule] of [
      ['../x.sock', 'unix-dir'],
      ['/tmp/x.sock', 'unix-dir'],
      ['@abstract', 'unix-abstract'],
      ['\0abstract', 'unix-abstract'],
      ['link/x.sock', 'unix-symlink'],
      ['link', 'unix-symlink'],
    ] as const) {
      for (const route of ['/v1/listeners', '/v1/clients']) {
        const problem = await api.refused(api.post(route, unix(path)), 403, 'blocked-by-policy');
        expect(problem.rule).toBe(rule);
      }
    }
  });

  it('is 400 with a NUL, or for another protocol, or when it is missing', async () => {
    const pointers = [unix('a\0b'), { protocol: 'unix' }, { protocol: 'tcp', path: 'a' }].map(
      async (spec) => {
        const problem = await api.refused(api.post('/v1/listeners', spec), 400, 'validation-failed');
        return problem.errors?.[0]?.pointer;
      },
    );
    expect(await Promise.all(pointers)).toEqual(['/path', '/path', '/path']);
  });

  it('is 422 when the kernel would cut it, and 502 in a directory that is not there', async () => {
    const long = await api.refused(api.post('/v1/listeners', unix('a'.repeat(101))), 422, 'not-supported');
    expect(long.code).toBe('ENAMETOOLONG');
    const call = api.post('/v1/listeners', unix('none/a.sock'));
    expect((await api.refused(call, 502, 'unreachable')).code).toBe('ENOENT');
  });

  it('is refused altogether without SOCKEYE_UNIX_DIR', async () => {
    const without = await startApi();
    const problem = await without.refused(
      without.post('/v1/listeners', unix('a.sock')),
      403,
      'blocked-by-policy',
    );
    expect(problem.rule).toBe('unix-dir-not-set');
    await without.close();
  });
});

describe('a Unix client', () => {
  it('connects to a server of somebody else', async () => {
    const server = createServer({ allowHalfOpen: true }).listen(file('theirs'));
    const connection = once(server, 'connection');
    const { status, body } = await api.post<SocketDto>('/v1/clients', unix('theirs', { name: 'to-theirs' }));
    expect(status).toBe(201);
    expect(body).toMatchObject({
      kind: 'client',
      protocol: 'unix',
      localAddress: { path: '' },
      remoteAddress: { path: file('theirs') },
      peerCredentials: self,
      state: 'open',
    });
    const [peer] = (await connection) as [Socket];
    peers.push(peer);
    await api.post(`/v1/sockets/${body.id}/data`, Buffer.from('hi'));
    expect(String((await once(peer, 'data'))[0])).toBe('hi');
    const ended = once(peer, 'end');
    await api.delete(`/v1/clients/${body.id}`);
    await ended;
    server.close();
  });

  it('says what connect(2) says', async () => {
    const none = await api.refused(api.post('/v1/clients', unix('nobody')), 502, 'unreachable');
    expect(none).toMatchObject({ code: 'ENOENT', syscall: 'connect', address: file('nobody') });
    writeFileSync(file('no-socket'), '');
    const refused = await api.refused(api.post('/v1/clients', unix('no-socket')), 502, 'connection-refused');
    expect(refused).toMatchObject({ code: 'ECONNREFUSED', attempts: [{ address: file('no-socket') }] });
  });

  it.each(['unix', 'unix-seqpacket'])(
    'over %s waits for a place in a full queue, and can be given up',
    async (protocol) => {
      const path = file(`full-${protocol}`);
      const type = protocol === 'unix' ? 'stream' : 'seqpacket';
      const server = native.socket('unix', type);
      native.bind(server, { family: 'unix', path });
      native.listen(server, 0);
      const first = native.socket('unix', type);
      native.connect(first, { family: 'unix', path });
      const spec = { protocol, path, name: `waits-${protocol}` };
      try {
        const late = await api.refused(
          api.post('/v1/clients', { ...spec, timeoutMs: 100 }),
          504,
          'timed-out',
        );
        expect(late).toMatchObject({ code: 'ETIMEDOUT', attempts: [{ address: path }] });

        const answered = api.refused(api.post('/v1/clients', spec), 409, 'conflict');
        const isThere = async (): Promise<boolean> => (await inspect(api, spec.name)).state === 'connecting';
        await polled('it is connecting', isThere);
        await api.delete(`/v1/clients/${spec.name}`);
        expect((await answered).code).toBe('ECANCELED');

        const call = api.post<SocketDto>('/v1/clients', spec);
        await polled('another is connecting', isThere);
        native.close(native.accept(server) ?? -1);
        expect((await call).status).toBe(201);
      } finally {
        native.close(first);
        native.close(server);
      }
    },
  );

  it('needs host and port for every other protocol', async () => {
    const problem = await api.refused(api.post('/v1/clients', {}), 400, 'validation-failed');
    expect(problem.errors?.map(({ pointer }) => pointer)).toEqual(['/host', '/port']);
  });
});

it('a reset of a Unix connection tells the peer only what it has sent in vain', async () => {
  const listener = await listen(api, unix('ours-reset.sock'));
  const { peer, connection } = await accepted(listener);
  const ended = once(peer, 'end');
  peer.resume();
  await api.call('DELETE', `/v1/sockets/${connection.id}`, undefined, { query: { mode: 'reset' } });
  await ended;
  await api.delete(`/v1/listeners/${listener.id}`);
});

describe('bare bytes from a Unix datagram socket', () => {
  it('go to a path in the query, or to a name in the directory', async () => {
    const [from, there] = await Promise.all(
      ['ours-from', 'ours-there'].map((path) => listen(api, { protocol: 'unix-datagram', path })),
    );
    for (const to of [file('ours-there'), 'ours-there']) {
      const sent = await api.post(`/v1/sockets/${from?.id}/data`, Buffer.from(to), { query: { to } });
      expect(sent.body).toEqual({ bytesSent: to.length });
      const { body } = await api.post(`/v1/sockets/${there?.id}/receive`, { waitMs: 10_000 });
      expect(body).toMatchObject({ datagrams: [{ data: to, from: { path: file('ours-from') } }] });
    }
    const away = api.post(`/v1/sockets/${from?.id}/data`, Buffer.from('x'), { query: { to: '/tmp/x' } });
    await api.refused(away, 403, 'blocked-by-policy');
  });
});
