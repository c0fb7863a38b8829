import type { SocketDto } from '../../src/modules/common/socket.dto.js';
import type { SocketListDto } from '../../src/modules/common/list.dto.js';
import { startApi, type Api } from '../support/api.js';
import { closePeers, freePort, PeerServer } from './peer.js';
import { silentServer } from './silent-server.js';
import { dial, inState, listen } from './steps.js';
import { portOf } from '../support/ends.js';

let api: Api;
/** An address for documentation: of no host. */
const NOT_OURS = '192.0.2.1';

beforeAll(async () => (api = await startApi({ SOCKEYE_BIND_ALLOW: NOT_OURS })));
afterEach(closePeers);
afterAll(() => api.close());

describe('creating a client', () => {
  it('answers 201 and where it is once the peer has accepted', async () => {
    const server = await PeerServer.open();
    const { status, headers, body } = await api.post<SocketDto>('/v1/clients', {
      protocol: 'tcp',
      host: '127.0.0.1',
      port: server.port,
      name: 'dialled',
      labels: { to: 'peer' },
      timeoutMs: 5000,
    });
    expect(status).toBe(201);
    expect(headers.location).toBe(`/v1/clients/${body.id}`);
    expect(body).toMatchObject({
      id: expect.stringMatching(/^cli_/) as string,
      kind: 'client',
      protocol: 'tcp',
      family: 'ipv4',
      state: 'open',
      name: 'dialled',
      labels: { to: 'peer' },
      listenerId: null,
      remoteAddress: { address: '127.0.0.1', port: server.port },
      received: { bytes: 0, headOffset: 0, committedOffset: 0, paused: false },
      sent: { bytes: 0, queuedBytes: 0 },
      readers: [],
    });
    await server.next();
    expect((await api.get<SocketDto>('/v1/clients/dialled')).body.id).toBe(body.id);
    expect((await api.get<SocketDto>(headers.location ?? '')).body.name).toBe('dialled');
    await api.refused(
      api.post('/v1/clients', { host: '127.0.0.1', port: server.port, name: 'dialled' }),
      409,
      'conflict',
    );
  });

  it('connects from the local address and port that were asked for', async () => {
    const localPort = await freePort();
    const { client } = await dial(api, { localAddress: '127.0.0.2', localPort });
    expect(client.localAddress).toEqual({ address: '127.0.0.2', port: localPort });
  });

  it('resolves a name, and tries its addresses until one answers', async () => {
    const { port } = await PeerServer.open();
    const { status, body } = await api.post<SocketDto>('/v1/clients', { host: 'localhost', port });
    expect(status).toBe(201);
    expect(body.remoteAddress).toEqual({ address: '127.0.0.1', port });
  });

  it('reaches a listener of the same service', async () => {
    const listener = await listen(api);
    const { id } = listener;
    const { body } = await api.post<SocketDto>('/v1/clients', { host: '127.0.0.1', port: portOf(listener) });
    const connection = await api.application.eventually('it is accepted', async () => {
      const answer = await api.get<SocketListDto>(`/v1/listeners/${id}/connections`);
      return answer.body.items[0] ?? null;
    });
    expect(connection.remoteAddress).toEqual(body.localAddress);
  });
});

describe('a client that cannot connect', () => {
  const connect = (spec: object) => api.post('/v1/clients', { host: '127.0.0.1', ...spec });

  it('answers 502 connection-refused as connect(2) says it', async () => {
    const port = await freePort();
    const problem = await api.refused(connect({ port }), 502, 'connection-refused');
    expect(problem).toMatchObject({
      code: 'ECONNREFUSED',
      errno: 111,
      syscall: 'connect',
      address: '127.0.0.1',
      port,
      detail: `connect ECONNREFUSED 127.0.0.1:${port}`,
    });
  });

  it('answers 502 name-not-resolved as getaddrinfo(3) says it', async () => {
    // A label of 64 characters exists nowhere, and no server is asked.
    const host = 'a'.repeat(64);
    const problem = await api.refused(connect({ host, port: 80 }), 502, 'name-not-resolved');
    expect(problem).toMatchObject({
      code: 'EAI_NONAME',
      errno: -2,
      syscall: 'getaddrinfo',
      address: host,
    });
  });

  it('answers 504 timed-out after timeoutMs when nobody answers', async () => {
    const { port, stop } = await silentServer();
    try {
      const problem = await api.refused(connect({ port, timeoutMs: 200 }), 504, 'timed-out');
      expect(problem).toMatchObject({
        code: 'ETIMEDOUT',
        errno: 110,
        syscall: 'connect',
        address: '127.0.0.1',
        port,
      });
    } finally {
      stop();
    }
  });

  it('answers 403 blocked-by-policy, with the rule, for cloud metadata', async () => {
    const call = connect({ host: '169.254.169.254', port: 80 });
    expect(await api.refused(call, 403, 'blocked-by-policy')).toMatchObject({
      code: 'ADDRESS_BLOCKED',
      rule: 'metadata 169.254.169.254',
    });
  });

  it('answers 403 blocked-by-policy for the port of the service itself, by whatever name', async () => {
    for (const host of ['127.0.0.1', '127.0.0.9', 'localhost', '::ffff:127.0.0.1']) {
      const call = connect({ host, port: api.application.port });
      expect((await api.refused(call, 403, 'blocked-by-policy')).rule).toBe('control-port');
    }
  });

  it('answers 409 address-not-available for a local address that is not of this host', async () => {
    const call = connect({ port: await freePort(), localAddress: NOT_OURS });
    expect(await api.refused(call, 409, 'address-not-available')).toMatchObject({
      code: 'EADDRNOTAVAIL',
      errno: 99,
    });
  });

  it('binds its own end by the policy for listeners, and by a numeric address only', async () => {
    const elsewhere = connect({ port: await freePort(), localAddress: '198.51.100.1' });
    expect((await api.refused(elsewhere, 403, 'blocked-by-policy')).rule).toBe('bind-loopback-only');
    const privileged = connect({ port: await freePort(), localPort: 80 });
    expect((await api.refused(privileged, 403, 'blocked-by-policy')).rule).toBe('port-range 1024-65535');
    const named = connect({ port: await freePort(), localAddress: 'localhost' });
    expect((await api.refused(named, 400, 'validation-failed')).errors?.[0]?.pointer).toBe('/localAddress');
  });

  it('does not bind an IPv4 address by the last bytes of an IPv6 one that the policy grants', async () => {
    const granted = await startApi({ SOCKEYE_BIND_ALLOW: 'fd00::/8' });
    try {
      const { port } = await PeerServer.open();
      for (const protocol of ['tcp', 'udp']) {
        for (const host of ['127.0.0.1', '::ffff:127.0.0.1']) {
          const call = granted.post('/v1/clients', { protocol, host, port, localAddress: 'fd00::127.0.0.9' });
          expect((await granted.refused(call, 422, 'not-supported')).code).toBe('EAFNOSUPPORT');
        }
      }
    } finally {
      await granted.close();
    }
  });

  it('takes a mapped address for the IPv4 address that it stands for', async () => {
    const { port } = await PeerServer.open();
    for (const protocol of ['tcp', 'udp']) {
      const ends = { host: '::ffff:127.0.0.1', port, localAddress: '::ffff:127.0.0.7' };
      const { status, body } = await api.post<SocketDto>('/v1/clients', { protocol, ...ends });
      expect(status).toBe(201);
      expect(body).toMatchObject({
        family: 'ipv4',
        localAddress: { address: '127.0.0.7' },
        remoteAddress: { address: '127.0.0.1', port },
      });
    }
  });

  it('answers 422 not-supported for a family that does not fit', async () => {
    const six = connect({ port: 9, family: 'ipv6' });
    expect((await api.refused(six, 422, 'not-supported')).code).toBe('EAFNOSUPPORT');
  });

  it('stays for a look, failed, and leaves its name to another', async () => {
    await api.refused(connect({ port: await freePort(), name: 'failed' }), 502, 'connection-refused');
    const { body } = await api.get<SocketDto>('/v1/clients/failed');
    expect(body).toMatchObject({
      state: 'failed',
      closeReason: { code: 'ECONNREFUSED', errno: 111 },
      remoteAddress: null,
    });
    const { client } = await dial(api, { name: 'failed' });
    expect((await api.get<SocketDto>('/v1/clients/failed')).body.id).toBe(client.id);
  });
});

describe('a client', () => {
  it('is closed once with 204, and gone with 410 after that', async () => {
    const { peer, client } = await dial(api);
    expect((await api.delete(`/v1/clients/${client.id}`)).status).toBe(204);
    expect((await peer.rest()).ended).toBe('end');
    await api.refused(api.delete(`/v1/clients/${client.id}`), 410, 'gone');
    await api.refused(api.get(`/v1/clients/${client.id}`), 410, 'gone');
  });

  it('keeps its name for a look after it has failed', async () => {
    const { peer, client } = await dial(api, { name: 'cut' });
    peer.reset();
    const failed = await inState(api, client.id, 'failed');
    expect(failed.closeReason).toEqual({
      code: 'ECONNRESET',
      errno: 104,
      message: expect.stringMatching(/^read ECONNRESET/) as string,
    });
    expect(failed).toMatchObject({ fileno: null, closedAt: expect.any(String) as string });
    expect((await api.get<SocketDto>('/v1/clients/cut')).body.id).toBe(client.id);
  });

  it('is not found among listeners, nor a listener among clients', async () => {
    const { client } = await dial(api);
    const listener = await listen(api);
    await api.refused(api.get(`/v1/listeners/${client.id}`), 404, 'not-found');
    await api.refused(api.get(`/v1/clients/${listener.id}`), 404, 'not-found');
    await api.refused(api.delete('/v1/clients/cli_never'), 404, 'not-found');
    const { body } = await api.get<SocketListDto>('/v1/clients');
    expect(body.items.map(({ id }) => id)).toContain(client.id);
    expect(body.items.every(({ kind }) => kind === 'client')).toBe(true);
  });
});
