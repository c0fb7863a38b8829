import { execFileSync } from 'node:child_process';
import type { ListenerDto } from '../../src/modules/common/listener.dto.js';
import type { SocketListDto } from '../../src/modules/common/list.dto.js';
import { startApi, type Api } from '../support/api.js';
import { closePeers, freePort, Peer, PeerServer } from './peer.js';
import { accept, hasReceived, inState, listen, polled } from './steps.js';
import { peerPortOf, portOf } from '../support/ends.js';

let api: Api;
beforeAll(async () => (api = await startApi()));
afterEach(closePeers);
afterAll(() => api.close());

describe('creating a listener', () => {
  it('answers 201, where it is, and the port that the kernel picked', async () => {
    const { status, headers, body } = await api.post<ListenerDto>('/v1/listeners', {
      protocol: 'tcp',
      host: '127.0.0.1',
      port: 0,
      backlog: 16,
      labels: { run: '42' },
    });
    expect(status).toBe(201);
    expect(body).toMatchObject({
      id: expect.stringMatching(/^lsn_/) as string,
      kind: 'listener',
      protocol: 'tcp',
      family: 'ipv4',
      state: 'listening',
      name: null,
      labels: { run: '42' },
      remoteAddress: null,
      closedAt: null,
      backlog: 16,
    });
    expect(body.localAddress).toMatchObject({ address: '127.0.0.1' });
    expect(portOf(body)).toBeGreaterThan(0);
    expect(headers.location).toBe(`/v1/listeners/${body.id}`);
    expect((await api.get<ListenerDto>(headers.location ?? '')).body.id).toBe(body.id);
  });

  it('binds the port that was asked for, and IPv6 where it is asked for', async () => {
    const port = await freePort();
    expect((await listen(api, { port })).localAddress).toEqual({ address: '127.0.0.1', port });
    const six = await listen(api, { host: '::1', ipv6Only: true });
    expect(six).toMatchObject({ family: 'ipv6', localAddress: { address: '::1' } });
  });

  it('takes an empty object: everything has a default', async () => {
    expect((await listen(api)).localAddress).toMatchObject({ address: '127.0.0.1' });
  });

  it('answers 409 address-in-use for a port that is taken', async () => {
    const { port } = await PeerServer.open();
    const call = api.post('/v1/listeners', { port });
    expect(await api.refused(call, 409, 'address-in-use')).toMatchObject({
      code: 'EADDRINUSE',
      errno: 98,
      syscall: 'bind',
      address: '127.0.0.1',
      port,
    });
  });

  it('answers 403 blocked-by-policy, with the rule, for what may not be bound', async () => {
    const wildcard = api.post('/v1/listeners', { host: '0.0.0.0' });
    expect((await api.refused(wildcard, 403, 'blocked-by-policy')).rule).toBe('bind-loopback-only');
    const privileged = api.post('/v1/listeners', { port: 80 });
    expect((await api.refused(privileged, 403, 'blocked-by-policy')).rule).toBe('port-range 1024-65535');
  });

  it('answers 422 not-supported for a protocol that this version cannot do', async () => {
    // Who may not open a raw socket is told that instead: 403.
    const raw = process.getuid?.() === 0 ? ['raw'] : [];
    for (const protocol of ['rdm', 'sctp', 'dccp', 'mptcp', ...raw]) {
      for (const call of [
        api.post('/v1/listeners', { protocol }),
        api.post('/v1/clients', { protocol, host: '127.0.0.1', port: 9 }),
      ]) {
        const problem = await api.refused(call, 422, 'not-supported');
        expect(problem.code).toMatch(/^(ESOCKTNOSUPPORT|EPROTONOSUPPORT|EOPNOTSUPP)$/);
        expect(problem.syscall).toBe('socket');
      }
    }
    const rdm = await api.refused(api.post('/v1/listeners', { protocol: 'rdm' }), 422, 'not-supported');
    expect(rdm).toMatchObject({ code: 'ESOCKTNOSUPPORT', errno: 94 });
    await api.refused(api.post('/v1/listeners', { protocol: 'carrier-pigeon' }), 400, 'validation-failed');
    const call = api.post('/v1/listeners', { protocol: 'icmp' });
    const problem = await api.refused(call, 422, 'not-supported');
    expect(problem).toMatchObject({ code: 'EPROTONOSUPPORT', errno: 93, syscall: 'socket' });
  });
});

describe('a name', () => {
  it('stands for the id in paths', async () => {
    const { id } = await listen(api, { name: 'meters' });
    expect((await api.get<ListenerDto>('/v1/listeners/meters')).body).toMatchObject({ id, name: 'meters' });
    expect((await api.get<SocketListDto>('/v1/listeners/meters/connections')).body.items).toEqual([]);
    expect((await api.get('/v1/sockets/meters')).status).toBe(200);
    expect((await api.delete('/v1/listeners/meters')).status).toBe(204);
  });

  it('is refused with 409 for as long as another open socket has it, and free after that', async () => {
    const first = await listen(api, { name: 'once' });
    for (const attempt of [1, 2]) {
      const problem = await api.refused(api.post('/v1/listeners', { name: 'once' }), 409, 'conflict');
      expect({ attempt, code: problem.code }).toEqual({ attempt, code: 'NAME_TAKEN' });
    }
    expect((await api.get<ListenerDto>('/v1/listeners/once')).body.id).toBe(first.id);
    await api.delete('/v1/listeners/once');
    const second = await listen(api, { name: 'once' });
    expect((await api.get<ListenerDto>('/v1/listeners/once')).body.id).toBe(second.id);
  });

  it('is free again after a create that failed', async () => {
    const { port } = await PeerServer.open();
    await api.refused(api.post('/v1/listeners', { name: 'late', port }), 409, 'address-in-use');
    await listen(api, { name: 'late' });
  });

  it('may not look like an id', async () => {
    for (const name of ['lsn_x', 'con_x', 'cli_x', '', '.', 'a/b', 'a'.repeat(65)]) {
      const problem = await api.refused(api.post('/v1/listeners', { name }), 400, 'validation-failed');
      expect(problem.errors?.every(({ pointer }) => pointer === '/name')).toBe(true);
    }
  });
});

describe('connections of a listener', () => {
  it('are listed as sockets with both addresses and their listener', async () => {
    const listener = await listen(api, { labels: { site: 'north' } });
    const { peer, connection } = await accept(api, listener);
    expect(connection).toMatchObject({
      id: expect.stringMatching(/^con_/) as string,
      kind: 'connection',
      state: 'open',
      listenerId: listener.id,
      localAddress: listener.localAddress,
      remoteAddress: { address: '127.0.0.1', port: peer.port },
      labels: { site: 'north' },
    });
    expect(connection.fileno).toBeGreaterThan(2);
    const { body } = await api.get<ListenerDto>(`/v1/listeners/${listener.id}`);
    expect(body).toMatchObject({ openConnections: 1, acceptedConnections: 1, rejectedConnections: 0 });
  });

  it('are many at once', async () => {
    const listener = await listen(api);
    const ids = new Set<string>();
    for (let i = 0; i < 20; i += 1) ids.add((await accept(api, listener)).connection.id);
    expect(ids.size).toBe(20);
  });

  it('are reset beyond the limit, and counted', async () => {
    const listener = await listen(api, { limits: { maxConnections: 1 } });
    await accept(api, listener);
    // The reset may come with the answer to the connect, or right after it.
    const ended = await Peer.connect(portOf(listener)).then(
      (peer) => peer.ended,
      (error: unknown) => (error as NodeJS.ErrnoException).code,
    );
    expect(ended).toBe('ECONNRESET');
    const { body } = await api.get<ListenerDto>(`/v1/listeners/${listener.id}`);
    expect(body).toMatchObject({ openConnections: 1, acceptedConnections: 1, rejectedConnections: 1 });
  });

  it('are counted when the peer has reset them before they could be accepted', async () => {
    const listener = await listen(api, { limits: { acceptCount: 1 } });
    const reset = [
      'import socket, struct',
      `peer = socket.create_connection(("127.0.0.1", ${portOf(listener)}))`,
      'peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))',
      'peer.close()',
    ];
    // The service, in this thread, can't accept before python has ended.
    execFileSync('python3', ['-c', reset.join('\n')]);
    const path = `/v1/listeners/${listener.id}`;
    const look = async (): Promise<ListenerDto> => (await api.get<ListenerDto>(path)).body;
    await polled('it is counted', async () => (await look()).rejectedConnections > 0);
    expect(await look()).toMatchObject({
      state: 'listening',
      acceptedConnections: 0,
      rejectedConnections: 1,
    });
    await accept(api, listener);
  });
});

describe('the number of connections to accept', () => {
  it('once reached closes the listener; what was accepted goes on, more is refused', async () => {
    const listener = await listen(api, { name: 'two', limits: { acceptCount: 2 } });
    const first = await accept(api, listener);
    expect((await api.get<ListenerDto>('/v1/listeners/two')).body.state).toBe('listening');
    const second = await Peer.connect(portOf(listener));
    const closed = await inState(api, listener.id, 'closed');
    expect(closed.closeReason).toBe('accept-count');
    await expect(Peer.connect(portOf(listener))).rejects.toMatchObject({ code: 'ECONNREFUSED' });
    first.peer.send('still there');
    await hasReceived(api, first.connection.id, 11);
    const path = `/v1/listeners/${listener.id}`;
    expect((await api.get<ListenerDto>(path)).body).toMatchObject({
      acceptedConnections: 2,
      openConnections: 2,
      rejectedConnections: 0,
    });
    expect((await api.get<SocketListDto>(`${path}/connections`)).body.items).toHaveLength(2);
    // The name and the port are free; closing the old one still takes its connections with it.
    await listen(api, { name: 'two', port: portOf(listener) });
    expect((await api.delete(path)).status).toBe(204);
    expect((await second.rest()).ended).toBe('end');
  });

  it('holds against many that come at once: exactly so many are served', async () => {
    const listener = await listen(api, { limits: { acceptCount: 3 } });
    const peers = await Promise.allSettled(Array.from({ length: 20 }, () => Peer.connect(portOf(listener))));
    await inState(api, listener.id, 'closed');
    const { body } = await api.get<SocketListDto>(`/v1/listeners/${listener.id}/connections`);
    expect(body.items).toHaveLength(3);
    const served = new Set(body.items.map(peerPortOf));
    // The kernel had let more of them in than were accepted: these are reset.
    for (const peer of peers) {
      if (peer.status === 'fulfilled' && !served.has(peer.value.port))
        expect((await peer.value.rest()).ended).toBe('ECONNRESET');
    }
  });

  it('is at least 1', async () => {
    for (const acceptCount of [0, -1, 1.5, '2']) {
      const call = api.post('/v1/listeners', { limits: { acceptCount } });
      const problem = await api.refused(call, 400, 'validation-failed');
      expect(problem.errors?.[0]?.pointer).toBe('/limits/acceptCount');
    }
  });
});

describe('closing a listener', () => {
  it('answers 204 once and 410 after that, frees the port and ends its connections', async () => {
    const listener = await listen(api);
    const { peer, connection } = await accept(api, listener);
    expect((await api.delete(`/v1/listeners/${listener.id}`)).status).toBe(204);
    expect((await peer.rest()).ended).toBe('end');
    peer.finish();
    const closed = await inState(api, connection.id, 'closed');
    expect(closed.closeReason).toBe('listener-closed');
    await api.refused(api.delete(`/v1/listeners/${listener.id}`), 410, 'gone');
    await api.refused(api.get(`/v1/listeners/${listener.id}`), 410, 'gone');
    await listen(api, { port: portOf(listener) });
  });

  it('lets connections finish within drainMs', async () => {
    const listener = await listen(api);
    const { peer, connection } = await accept(api, listener);
    const closing = api.delete(`/v1/listeners/${listener.id}`, { drainMs: 60_000 });
    await inState(api, listener.id, 'closed');
    await expect(Peer.connect(portOf(listener))).rejects.toMatchObject({ code: 'ECONNREFUSED' });
    // Still served: nothing was cut.
    await api.post(`/v1/sockets/${connection.id}/data`, Buffer.from('bye'));
    expect((await peer.received(3)).toString()).toBe('bye');
    peer.reset();
    expect((await closing).status).toBe(204);
  });

  it('is not for a socket of another kind, nor for one that never was', async () => {
    const listener = await listen(api);
    const { connection } = await accept(api, listener);
    await api.refused(api.delete(`/v1/listeners/${connection.id}`), 404, 'not-found');
    await api.refused(api.get('/v1/listeners/lsn_never'), 404, 'not-found');
    await api.refused(api.get('/v1/listeners/no-such-name'), 404, 'not-found');
  });
});

describe('what was asked for', () => {
  const RECEIVE = {
    windowBytes: 4096,
    overflow: 'drop-oldest',
    lingerMs: 7000,
    readerTtlMs: 9000,
    store: 'memory',
  };
  const LIMITS = { maxConnections: 3, acceptCount: 5, idleTimeoutMs: 60_000 };

  it('is shown by a listener, and by what it accepts', async () => {
    const listener = await listen(api, { receive: RECEIVE, limits: LIMITS, backlog: 7 });
    const asked = { receive: RECEIVE, idleTimeoutMs: 60_000 };
    expect(listener).toMatchObject({ ...asked, limits: LIMITS, ipv6Only: false, backlog: 7 });
    const { connection } = await accept(api, listener);
    expect(connection).toMatchObject(asked);
    expect(connection).not.toHaveProperty('limits');
  });

  it('of a listener is the same wherever it is shown', async () => {
    const bound = await api.post<ListenerDto>('/v1/listeners', { protocol: 'udp', name: 'shape-udp' });
    expect(bound.body).toMatchObject({ limits: null, ipv6Only: null, idleTimeoutMs: 0 });
    const { id, name } = await listen(api, { name: 'shape-tcp' });
    for (const asked of [bound.body, { id, name }]) {
      const shown = (await api.get<ListenerDto>(`/v1/listeners/${asked.id}`)).body;
      const still = { ...shown, idleMs: expect.any(Number) as number };
      expect((await api.get(`/v1/sockets/${asked.id}`)).body).toEqual(still);
      for (const list of ['/v1/sockets', '/v1/listeners'])
        expect((await api.get(list, { name: String(asked.name) })).body).toMatchObject({ items: [still] });
    }
  });
});
