import type { SocketListDto } from '../../src/modules/common/list.dto.js';
import type { SocketDto } from '../../src/modules/common/socket.dto.js';
import type { OptionDto, OptionListDto, KnownOptionListDto } from '../../src/modules/options/options.dto.js';
import { startApi, type Api } from '../support/api.js';
import { closePeers, freePort } from './peer.js';
import { accept, dial, inState, listen } from './steps.js';

let api: Api;
beforeAll(async () => (api = await startApi()));
afterEach(closePeers);
afterAll(() => api.close());

async function option(id: string, name: string): Promise<OptionDto['value']> {
  const { status, body } = await api.get<OptionDto>(`/v1/sockets/${id}/options/${name}`);
  expect(status).toBe(200);
  return body.value;
}

function set(id: string, values: object) {
  return api.patch<OptionListDto>(`/v1/sockets/${id}/options`, values);
}

describe('the catalogue', () => {
  it('lists every option once, with what a C program needs', async () => {
    const { body } = await api.get<KnownOptionListDto>('/v1/options');
    const names = body.items.map(({ name }) => name);
    expect(new Set(names).size).toBe(names.length);
    expect(body.nextCursor).toBeNull();
    expect(body.items.find(({ name }) => name === 'SO_RCVBUF')).toMatchObject({
      level: 'SOL_SOCKET',
      levelNumber: 1,
      number: 8,
      type: 'int',
      unit: 'bytes',
      settable: 'any-time',
      manPage: 'socket(7)',
    });
  });

  it('has no option that gets around the policy', async () => {
    const { body } = await api.get<KnownOptionListDto>('/v1/options');
    const names = body.items.map(({ name }) => name);
    for (const name of ['SO_BINDTODEVICE', 'SO_MARK', 'IP_TRANSPARENT', 'IP_OPTIONS'])
      expect(names).not.toContain(name);
  });
});

describe('reading options', () => {
  it('answers what the kernel says, in the forms of C', async () => {
    const { client } = await dial(api);
    expect(await option(client.id, 'SO_TYPE')).toBe(1);
    expect(await option(client.id, 'SO_DOMAIN')).toBe(2);
    expect(await option(client.id, 'SO_PROTOCOL')).toBe(6);
    expect(await option(client.id, 'SO_ACCEPTCONN')).toBe(false);
    expect(await option(client.id, 'SO_LINGER')).toEqual({ onoff: false, seconds: 0 });
    expect(await option(client.id, 'TCP_CONGESTION')).toMatch(/^[a-z0-9_-]+$/);
    const { body } = await api.get<OptionDto>(`/v1/sockets/${client.id}/options/SO_ERROR`);
    expect(body).toEqual({ name: 'SO_ERROR', level: 'SOL_SOCKET', value: 0, unit: null, writable: false });
  });

  it('lists those that mean something for the socket', async () => {
    const listener = await listen(api);
    const { body } = await api.get<OptionListDto>(`/v1/sockets/${listener.id}/options`);
    const names = body.items.map(({ name }) => name);
    expect(names).toEqual(expect.arrayContaining(['SO_RCVBUF', 'TCP_NODELAY', 'IP_TTL']));
    // Of UDP, of Unix sockets, of IPv6, and the one that reading would clear.
    for (const name of ['IP_MULTICAST_TTL', 'SO_PEERCRED', 'IPV6_V6ONLY', 'SO_ERROR'])
      expect(names).not.toContain(name);
    expect(body.items.find(({ name }) => name === 'SO_ACCEPTCONN')?.value).toBe(true);
  });

  it('passes on what the kernel says where there is no answer', async () => {
    const listener = await listen(api);
    const path = `/v1/sockets/${listener.id}/options`;
    const mtu = await api.refused(api.get(`${path}/IP_MTU`), 409, 'conflict');
    expect(mtu).toMatchObject({ code: 'ENOTCONN', errno: 107, syscall: 'getsockopt' });
    const v6 = await api.refused(api.get(`${path}/IPV6_V6ONLY`), 422, 'not-supported');
    expect(v6).toMatchObject({ code: 'EOPNOTSUPP', errno: 95, syscall: 'getsockopt' });
    for (const name of ['SO_NOTHING', 'constructor', 'so_rcvbuf', '%00', 'SO_MARK']) {
      const problem = await api.refused(api.get(`${path}/${name}`), 422, 'not-supported');
      expect(problem).toMatchObject({ code: 'ENOPROTOOPT', errno: 92 });
    }
  });
});

describe('setting options', () => {
  it('answers what the kernel has made of the values', async () => {
    const { client } = await dial(api);
    const { status, body } = await set(client.id, {
      SO_RCVBUF: 4096,
      SO_LINGER: { onoff: true, seconds: 7 },
      SO_RCVTIMEO: 2000,
      TCP_NODELAY: 0,
      TCP_USER_TIMEOUT: 1234,
    });
    expect(status).toBe(200);
    const values = Object.fromEntries(body.items.map(({ name, value }) => [name, value]));
    expect(values).toEqual({
      SO_RCVBUF: 8192,
      SO_LINGER: { onoff: true, seconds: 7 },
      SO_RCVTIMEO: 2000,
      TCP_NODELAY: false,
      TCP_USER_TIMEOUT: 1234,
    });
    expect(await option(client.id, 'SO_RCVBUF')).toBe(8192);
  });

  it('looks at all of it before anything is set', async () => {
    const { client } = await dial(api);
    const wrong: [object, string][] = [
      [{ SO_KEEPALIVE: 'yes' }, '/SO_KEEPALIVE'],
      [{ SO_KEEPALIVE: 2 }, '/SO_KEEPALIVE'],
      [{ IP_TTL: true }, '/IP_TTL'],
      [{ IP_TTL: 1.5 }, '/IP_TTL'],
      [{ IP_TTL: 2 ** 31 }, '/IP_TTL'],
      [{ IP_TTL: null }, '/IP_TTL'],
      [{ SO_LINGER: true }, '/SO_LINGER'],
      [{ SO_LINGER: { onoff: true } }, '/SO_LINGER'],
      [{ SO_LINGER: { onoff: true, seconds: 1, more: 1 } }, '/SO_LINGER'],
      [{ TCP_CONGESTION: '../x' }, '/TCP_CONGESTION'],
      [{ IP_MULTICAST_IF: 'no-such-if' }, '/IP_MULTICAST_IF'],
    ];
    for (const [values, pointer] of wrong) {
      const call = set(client.id, { IP_TOS: 8, ...values });
      const problem = await api.refused(call, 400, 'validation-failed');
      expect(problem.errors).toEqual([{ pointer, detail: expect.any(String) }]);
    }
    await api.refused(set(client.id, { IP_TOS: 8, SO_NOTHING: 1 }), 422, 'not-supported');
    for (const body of ['[]', 'null', '1', '{']) {
      const call = api.call('PATCH', `/v1/sockets/${client.id}/options`, body);
      expect((await call).status).toBe(400);
    }
    expect(await option(client.id, 'IP_TOS')).toBe(0);
    expect((await set(client.id, {})).body.items).toEqual([]);
  });

  it('sets all of them or none: what was set before a refusal gets back what it had', async () => {
    const { client } = await dial(api);
    const before = (await api.get(`/v1/sockets/${client.id}/options`)).body;
    const values = { SO_RCVBUF: 9999, TCP_CORK: true, TCP_MAXSEG: 700, TCP_CONGESTION: 'reno', IP_TTL: 300 };
    const problem = await api.refused(set(client.id, values), 400, 'validation-failed');
    expect(problem).toMatchObject({ code: 'EINVAL', errno: 22, syscall: 'setsockopt' });
    expect(problem.errors).toEqual([{ pointer: '/IP_TTL', detail: 'setsockopt EINVAL: IP_TTL' }]);
    expect((await api.get(`/v1/sockets/${client.id}/options`)).body).toEqual(before);
  });

  it('gives the words of the kernel for what it refuses', async () => {
    const { client } = await dial(api);
    const refused: [object, number, string, string, number][] = [
      [{ SO_TYPE: 2 }, 422, 'not-supported', 'ENOPROTOOPT', 92],
      [{ SO_ERROR: 0 }, 422, 'not-supported', 'ENOPROTOOPT', 92],
      [{ SO_PEERCRED: { pid: 1, uid: 0, gid: 0 } }, 422, 'not-supported', 'ENOPROTOOPT', 92],
      [{ IPV6_V6ONLY: true }, 422, 'not-supported', 'ENOPROTOOPT', 92],
      [{ SO_RCVTIMEO: -1 }, 400, 'validation-failed', 'EDOM', 33],
      [{ TCP_KEEPIDLE: 0 }, 400, 'validation-failed', 'EINVAL', 22],
      [{ TCP_MAXSEG: 1 }, 400, 'validation-failed', 'EINVAL', 22],
      [{ TCP_FASTOPEN: 5 }, 400, 'validation-failed', 'EINVAL', 22],
      [{ TCP_CONGESTION: 'no-such' }, 422, 'not-supported', 'ENOENT', 2],
    ];
    for (const [values, status, type, code, errno] of refused) {
      const problem = await api.refused(set(client.id, values), status, type);
      expect(problem).toMatchObject({ code, errno, syscall: 'setsockopt' });
    }
  });

  it('is for sockets that are open', async () => {
    const { peer, client } = await dial(api);
    peer.reset();
    await inState(api, client.id, 'failed');
    await api.refused(set(client.id, { TCP_NODELAY: true }), 410, 'gone');
    await api.refused(api.get(`/v1/sockets/${client.id}/options`), 410, 'gone');
    await api.refused(api.get(`/v1/sockets/${client.id}/options/SO_TYPE`), 410, 'gone');
    await api.refused(set('nobody', { TCP_NODELAY: true }), 404, 'not-found');
  });
});

describe('options of datagram sockets', () => {
  it('are those of UDP, and of multicast', async () => {
    const socket = await listen(api, { protocol: 'udp' });
    const { body } = await set(socket.id, {
      IP_MULTICAST_IF: 'lo',
      IP_MULTICAST_TTL: 3,
      IP_MULTICAST_LOOP: false,
      SO_BROADCAST: true,
    });
    expect(body.items.map(({ value }) => value)).toEqual(['0.0.0.0', 3, false, true]);
    const byAddress = await set(socket.id, { IP_MULTICAST_IF: '127.0.0.1' });
    expect(byAddress.body.items[0]?.value).toBe('127.0.0.1');
    const { body: all } = await api.get<OptionListDto>(`/v1/sockets/${socket.id}/options`);
    const names = all.items.map(({ name }) => name);
    expect(names).toEqual(expect.arrayContaining(['IP_MULTICAST_TTL', 'SO_BROADCAST']));
    expect(names.filter((name) => name.startsWith('TCP_'))).toEqual([]);
    expect(await option(socket.id, 'SO_TYPE')).toBe(2);
  });

  it('name their interface over IPv6', async () => {
    const socket = await listen(api, { protocol: 'udp', host: '::1', ipv6Only: true });
    expect(await option(socket.id, 'IPV6_MULTICAST_IF')).toBe('');
    const { body } = await set(socket.id, { IPV6_MULTICAST_IF: 'lo', IPV6_MULTICAST_HOPS: 2 });
    expect(body.items.map(({ value }) => value)).toEqual(['lo', 2]);
    expect(await option(socket.id, 'IPV6_V6ONLY')).toBe(true);
    await api.refused(set(socket.id, { IPV6_V6ONLY: false }), 400, 'validation-failed');
  });

  it('are not those of TCP: the kernel says so', async () => {
    const socket = await listen(api, { protocol: 'udp' });
    const problem = await api.refused(set(socket.id, { TCP_NODELAY: true }), 422, 'not-supported');
    expect(problem).toMatchObject({ code: 'ENOPROTOOPT', errno: 92, syscall: 'setsockopt' });
    const spec = { protocol: 'udp', options: { TCP_NODELAY: true } };
    await api.refused(api.post('/v1/listeners', spec), 422, 'not-supported');
  });
});

describe('options given when a socket is made', () => {
  it('hold for a client from before it connects', async () => {
    const { client } = await dial(api, { options: { SO_RCVBUF: 65_536, TCP_NODELAY: false, IP_TTL: 7 } });
    expect(await option(client.id, 'SO_RCVBUF')).toBe(131_072);
    expect(await option(client.id, 'TCP_NODELAY')).toBe(false);
    expect(await option(client.id, 'IP_TTL')).toBe(7);
  });

  it('hold for what a listener accepts, over our defaults', async () => {
    const asked = { TCP_NODELAY: false, SO_KEEPALIVE: false, TCP_KEEPIDLE: 77, SO_RCVBUF: 65_536 };
    const listener = await listen(api, { options: asked });
    const { connection } = await accept(api, listener);
    expect(await option(connection.id, 'TCP_NODELAY')).toBe(false);
    expect(await option(connection.id, 'SO_KEEPALIVE')).toBe(false);
    expect(await option(connection.id, 'TCP_KEEPIDLE')).toBe(77);
    expect(await option(connection.id, 'SO_RCVBUF')).toBe(131_072);
    await set(listener.id, { TCP_NODELAY: true });
    const { connection: later } = await accept(api, listener);
    expect(await option(later.id, 'TCP_NODELAY')).toBe(true);
  });

  it('have defaults: no Nagle, keep-alive', async () => {
    const { connection } = await accept(api, await listen(api));
    const { client } = await dial(api);
    for (const { id } of [connection, client]) {
      expect(await option(id, 'TCP_NODELAY')).toBe(true);
      expect(await option(id, 'SO_KEEPALIVE')).toBe(true);
      expect(await option(id, 'TCP_KEEPIDLE')).toBe(60);
    }
  });

  it('are looked at before anything is opened, and a refusal leaves nothing open', async () => {
    const port = await freePort();
    const create = (options: unknown) => api.post('/v1/listeners', { port, options });
    const wrongType = await api.refused(create({ TCP_NODELAY: 'on' }), 400, 'validation-failed');
    expect(wrongType.errors?.[0]?.pointer).toBe('/options/TCP_NODELAY');
    await api.refused(create([]), 400, 'validation-failed');
    await api.refused(create({ SO_NOTHING: 1 }), 422, 'not-supported');
    await api.refused(create({ SO_TYPE: 1 }), 422, 'not-supported');
    const refused = await api.refused(create({ IP_TTL: 300 }), 400, 'validation-failed');
    expect(refused.errors).toEqual([{ pointer: '/options/IP_TTL', detail: expect.any(String) }]);
    await listen(api, { port });
    const call = api.post('/v1/clients', { host: '127.0.0.1', port, options: { TCP_MAXSEG: 1 } });
    const client = await api.refused(call, 400, 'validation-failed');
    expect(client).toMatchObject({ code: 'EINVAL', syscall: 'setsockopt' });
  });

  it('are part of what a listener was declared with', async () => {
    const declare = (options: object) => api.call<SocketDto>('PUT', '/v1/listeners/declared', { options });
    const { status, body: first } = await declare({ TCP_NODELAY: true });
    expect(status).toBe(201);
    const { status: again, body: same } = await declare({ TCP_NODELAY: true });
    expect([again, same.id]).toEqual([200, first.id]);
    await api.refused(declare({ TCP_NODELAY: 'x' }), 400, 'validation-failed');
    const { body: other } = await declare({ TCP_NODELAY: false });
    expect(other.id).not.toBe(first.id);
    expect(await option(other.id, 'TCP_NODELAY')).toBe(false);
  });

  it('let two listeners have one port', async () => {
    const first = await listen(api, { reusePort: true });
    const { port } = first.localAddress as { port: number };
    await listen(api, { port, options: { SO_REUSEPORT: true } });
    await api.refused(api.post('/v1/listeners', { port }), 409, 'address-in-use');
    expect(await option(first.id, 'SO_REUSEPORT')).toBe(true);
  });
});

describe('what TCP has measured', () => {
  it('is told when asked for, of one socket and of all in a list', async () => {
    const listener = await listen(api, { name: 'measured' });
    const { connection } = await accept(api, listener);
    expect(connection.tcpInfo).toBeNull();
    const { client } = await dial(api);
    await api.post(`/v1/sockets/${client.id}/data`, Buffer.alloc(1000));
    for (const path of ['sockets', 'clients']) {
      const { body } = await api.get<SocketDto>(`/v1/${path}/${client.id}`, { include: 'tcpInfo' });
      expect(body.tcpInfo).toMatchObject({ state: 'ESTABLISHED', unacked: expect.any(Number) });
      expect(body.tcpInfo?.bytesSent).toBeGreaterThanOrEqual(1000);
      expect(body.tcpInfo?.rttMs).toBeGreaterThan(0);
    }
    const { body: waiting } = await api.get<SocketDto>('/v1/listeners/measured', { include: 'tcpInfo' });
    expect(waiting.tcpInfo).toMatchObject({ state: 'LISTEN', unacked: 0, sacked: 511 });
    const query = { include: 'tcpInfo', kind: 'connection', listenerId: listener.id };
    const { body: list } = await api.get<SocketListDto>('/v1/sockets', query);
    expect(list.items.map(({ tcpInfo }) => tcpInfo?.state)).toEqual(['ESTABLISHED']);
  });

  it('is null once the socket is closed', async () => {
    const { peer, client } = await dial(api);
    peer.reset();
    await inState(api, client.id, 'failed');
    const { body } = await api.get<SocketDto>(`/v1/sockets/${client.id}`, { include: 'tcpInfo' });
    expect(body.tcpInfo).toBeNull();
    await api.refused(api.get(`/v1/sockets/${client.id}`, { include: 'all' }), 400, 'validation-failed');
  });
});
