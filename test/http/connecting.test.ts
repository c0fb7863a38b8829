import dns from 'node:dns/promises';
import { readFileSync } from 'node:fs';
import { createServer, type Server } from 'node:net';
import { once } from 'node:events';
import type { SocketListDto } from '../../src/modules/common/list.dto.js';
import type { SocketDto } from '../../src/modules/common/socket.dto.js';
import { startApi, type Api } from '../support/api.js';
import { closePeers, freePort, PeerServer } from './peer.js';
import { silentServer } from './silent-server.js';
import { inState, polled } from './steps.js';

let api: Api;
const servers: Server[] = [];

beforeAll(async () => (api = await startApi()));
afterEach(() => {
  closePeers();
  for (const server of servers.splice(0)) server.close();
  jest.restoreAllMocks();
});
afterAll(() => api.close());

/** The resolver knows one name more. */
function name(...addresses: string[]): string {
  const found = addresses.map((address) => ({ address, family: address.includes(':') ? 6 : 4 }));
  jest.spyOn(dns, 'lookup').mockImplementation((() => Promise.resolve(found)) as never);
  return 'two.test';
}

async function serverAt(host: string, port = 0): Promise<number> {
  const server = createServer((accepted) => accepted.resume()).listen(port, host);
  servers.push(server);
  await once(server, 'listening');
  return (server.address() as { port: number }).port;
}

/** Sockets of this host that wait for the answer of a connect (SYN_SENT is state 02), by their remote port. */
function connecting(port: number): number {
  const hex = port.toString(16).toUpperCase().padStart(4, '0');
  const lines = readFileSync('/proc/net/tcp', 'latin1').split('\n');
  return lines.filter((line) => new RegExp(`:${hex} 02 `).test(line)).length;
}

describe('a name with several addresses', () => {
  it('is tried address by address: the first refuses, the second answers', async () => {
    const port = await serverAt('127.0.0.1');
    const { status, body } = await api.post<SocketDto>('/v1/clients', {
      host: name('::1', '127.0.0.1'),
      port,
    });
    expect(status).toBe(201);
    expect(body).toMatchObject({ family: 'ipv4', remoteAddress: { address: '127.0.0.1', port } });
  });

  it('is reached by the second address after 250 ms when the first says nothing', async () => {
    const { port, stop } = await silentServer('127.0.0.2');
    try {
      await serverAt('127.0.0.3', port);
      const before = performance.now();
      const host = name('127.0.0.2', '127.0.0.3');
      const { status, body } = await api.post<SocketDto>('/v1/clients', { host, port, timeoutMs: 5000 });
      const took = performance.now() - before;
      expect(status).toBe(201);
      expect(body.remoteAddress).toEqual({ address: '127.0.0.3', port });
      expect(took).toBeGreaterThanOrEqual(245);
      expect(took).toBeLessThan(1500);
      await polled('the other attempt is closed', () => Promise.resolve(connecting(port) === 0));
    } finally {
      stop();
    }
  });

  it('fails with every address that was tried', async () => {
    const port = await freePort();
    const host = name('::1', '127.0.0.1');
    const problem = await api.refused(api.post('/v1/clients', { host, port }), 502, 'connection-refused');
    const refused = { port, code: 'ECONNREFUSED', errno: 111, syscall: 'connect' };
    expect(problem.attempts).toEqual([
      { ...refused, address: '::1', durationMs: expect.any(Number) as number },
      { ...refused, address: '127.0.0.1', durationMs: expect.any(Number) as number },
    ]);
  });

  it('is tried from a local address by those of its family only', async () => {
    const port = await freePort();
    const spec = { host: name('::1', '127.0.0.1'), port, localAddress: '127.0.0.5' };
    const problem = await api.refused(api.post('/v1/clients', spec), 502, 'connection-refused');
    expect(problem.attempts?.map(({ address }) => address)).toEqual(['127.0.0.1']);
    const none = { ...spec, host: name('::1') };
    expect((await api.refused(api.post('/v1/clients', none), 422, 'not-supported')).code).toBe(
      'EAFNOSUPPORT',
    );
  });

  it('is judged before the first packet: what is not allowed is not tried', async () => {
    const port = await freePort();
    const host = name('169.254.169.254', '127.0.0.1');
    const problem = await api.refused(api.post('/v1/clients', { host, port }), 502, 'connection-refused');
    expect(problem.attempts?.map(({ address }) => address)).toEqual(['127.0.0.1']);
  });
});

describe('a client that is connecting', () => {
  let silent: Awaited<ReturnType<typeof silentServer>>;
  beforeAll(async () => (silent = await silentServer()));
  afterAll(() => silent.stop());

  const spec = (named: string) => ({ host: '127.0.0.1', port: silent.port, name: named, timeoutMs: 20_000 });

  /** Begun, and seen in the list. */
  async function seen(named: string): Promise<SocketDto> {
    let found: SocketDto | undefined;
    await polled('it is connecting', async () => {
      const { body } = await api.get<SocketListDto>('/v1/clients', { limit: 1000 });
      found = body.items.find((client) => client.name === named);
      return found !== undefined && connecting(silent.port) > 0;
    });
    return found!;
  }

  it('is there under its name, which is taken, and can be given up', async () => {
    const call = api.post('/v1/clients', spec('slow'));
    const answered = api.refused(call, 409, 'conflict');
    const client = await seen('slow');
    expect(client).toMatchObject({ state: 'connecting', remoteAddress: null, fileno: null, closedAt: null });
    expect((await api.get<SocketDto>(`/v1/clients/${client.id}`)).body.state).toBe('connecting');
    await api.refused(api.post('/v1/clients', spec('slow')), 409, 'conflict');
    const early = api.post(`/v1/sockets/${client.id}/data`, Buffer.from('early'));
    expect((await api.refused(early, 409, 'conflict')).code).toBe('ENOTCONN');

    expect((await api.delete('/v1/clients/slow')).status).toBe(204);
    expect(await answered).toMatchObject({
      code: 'ECANCELED',
      attempts: [{ address: '127.0.0.1', port: silent.port, code: 'ECANCELED', syscall: 'connect' }],
    });
    await api.refused(api.get(`/v1/clients/${client.id}`), 410, 'gone');
    await polled('nothing connects any more', () => Promise.resolve(connecting(silent.port) === 0));
  });

  it('keeps its id and its place in the list when it is connected', async () => {
    const server = await PeerServer.open();
    const { body } = await api.post<SocketDto>('/v1/clients', { host: '127.0.0.1', port: server.port });
    const list = await api.get<SocketListDto>('/v1/clients', { limit: 1000 });
    expect(list.body.items.filter(({ id }) => id === body.id)).toHaveLength(1);
    expect(list.body.items.at(-1)?.id).toBe(body.id);
  });

  it('is given up when its caller goes away', async () => {
    const caller = new AbortController();
    const call = fetch(`${api.application.url}/v1/clients`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(spec('left')),
      signal: caller.signal,
    });
    const client = await seen('left');
    caller.abort();
    await expect(call).rejects.toThrow();
    const failed = await inState(api, client.id, 'failed');
    expect(failed.closeReason).toMatchObject({ code: 'ECANCELED' });
    await polled('nothing connects any more', () => Promise.resolve(connecting(silent.port) === 0));
  });

  it('can be given up in the middle of a handshake of TLS', async () => {
    const server = await PeerServer.open();
    const host = '127.0.0.1';
    const call = api.post('/v1/clients', { protocol: 'tls', host, port: server.port, name: 'shaking' });
    const answered = api.refused(call, 409, 'conflict');
    const peer = await server.next();
    expect((await api.get<SocketDto>('/v1/clients/shaking')).body).toMatchObject({
      state: 'connecting',
      protocol: 'tls',
    });
    expect((await api.delete('/v1/clients/shaking')).status).toBe(204);
    expect((await answered).code).toBe('ECANCELED');
    await peer.rest();
  });

  it('goes on without its caller when another can ask for the same answer', async () => {
    const caller = new AbortController();
    const body = JSON.stringify({ ...spec('asked-again'), timeoutMs: 1500 });
    const headers = { 'content-type': 'application/json', 'idempotency-key': 'asked-again' };
    const url = `${api.application.url}/v1/clients`;
    const call = fetch(url, { method: 'POST', headers, body, signal: caller.signal });
    await seen('asked-again');
    caller.abort();
    await expect(call).rejects.toThrow();
    expect((await fetch(url, { method: 'POST', headers, body })).status).toBe(504);
  });
});
