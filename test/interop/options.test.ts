import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync, readlinkSync } from 'node:fs';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import type { SocketDto } from '../../src/modules/common/socket.dto.js';
import { startApi, type Api } from '../support/api.js';
import { portOf } from '../support/ends.js';
import { dial, itWith, startPeer, stopPrograms, until, type Peer } from '../support/peers.js';
import { hasReceived, listen } from '../http/steps.js';

const check = itWith('python3', 'ss');
let api: Api;
beforeAll(async () => (api = await startApi()));
afterAll(async () => {
  await stopPrograms();
  await api.close();
});

/** What ss tells of the one socket with this local port and state: memory, timers, TCP's own numbers. */
function ss(port: number, state: 'established' | 'listening' = 'established'): string {
  const args = ['-tHOinoem', 'state', state, `( sport = :${port} )`];
  const lines = execFileSync('ss', args, { encoding: 'utf8' }).trim().split('\n');
  expect(lines).toHaveLength(1);
  return lines[0]!;
}

async function accepted(spec: object): Promise<{ peer: Peer; connection: SocketDto; listener: SocketDto }> {
  const listener = await listen(api, spec);
  const peer = await dial(portOf(listener));
  const path = `/v1/listeners/${listener.id}/connections`;
  const connection = await api.application.eventually('accepted', async () => {
    return (await api.get<{ items: SocketDto[] }>(path)).body.items[0] ?? null;
  });
  return { peer, connection, listener };
}

async function dialled(spec: object): Promise<{ peer: Peer; client: SocketDto; port: number }> {
  const peer = startPeer('peer.py', ['--listen', '127.0.0.1']);
  const port = await peer.ready();
  const { status, body } = await api.post<SocketDto>('/v1/clients', { host: '127.0.0.1', port, ...spec });
  expect(status).toBe(201);
  await peer.event('connected');
  return { peer, client: body, port: portOf(body) };
}

async function set(id: string, values: object): Promise<void> {
  const { status } = await api.patch(`/v1/sockets/${id}/options`, values);
  expect(status).toBe(200);
}

check('ss shows the buffers, the segment size and the keep-alive that a client was made with', async () => {
  const { client, port } = await dialled({
    options: { SO_RCVBUF: 20_000, SO_SNDBUF: 30_000, TCP_MAXSEG: 900, TCP_KEEPIDLE: 3000, SO_PRIORITY: 4 },
  });
  const shown = ss(port);
  expect(shown).toMatch(/skmem:\(r\d+,rb40000,t\d+,tb60000,/);
  expect(shown).toMatch(/timer:\(keepalive,(49|50)min/);
  // 12 bytes of each segment are timestamps.
  expect(Number(/ mss:(\d+)/.exec(shown)?.[1])).toBeLessThanOrEqual(900);
  await set(client.id, { SO_KEEPALIVE: false, SO_RCVBUF: 4096, TCP_CONGESTION: 'reno' });
  const later = ss(port);
  expect(later).toContain(',rb8192,');
  expect(later).not.toContain('keepalive');
  expect(later).toMatch(/ reno /);
});

check('what a listener was made with holds in the kernel for what it accepts', async () => {
  const options = { SO_RCVBUF: 20_000, TCP_MAXSEG: 700, TCP_CONGESTION: 'reno', SO_KEEPALIVE: false };
  const { peer, connection, listener } = await accepted({ options });
  expect(ss(portOf(listener), 'listening')).toContain(',rb40000,');
  const shown = ss(portOf(connection));
  expect(shown).toContain(',rb40000,');
  expect(shown).toMatch(/ reno /);
  expect(shown).not.toContain('keepalive');
  expect(Number(/ mss:(\d+)/.exec(shown)?.[1])).toBeLessThanOrEqual(700);
  // The peer was told in the handshake.
  expect(Number(/ mss:(\d+)/.exec(ss(peer.localPort))?.[1])).toBeLessThanOrEqual(700);
});

check('a peer sees the TTL and the type of service that were asked for', async () => {
  const peer = startPeer('headers.py', []);
  const port = await peer.ready();
  const options = { IP_TTL: 9, IP_TOS: 0x28 };
  expect((await api.post('/v1/clients', { host: '127.0.0.1', port, options })).status).toBe(201);
  expect(await peer.event('headers')).toMatchObject({ ttl: 9, tos: 0x28 });
});

check('SO_LINGER with 0 seconds makes a close a reset', async () => {
  const { peer, client } = await dialled({});
  await set(client.id, { SO_LINGER: { onoff: true, seconds: 0 } });
  await api.delete(`/v1/sockets/${client.id}`);
  expect(await peer.ask({ do: 'drain' }, 'error')).toMatchObject({ errno: 104 });
});

check('SO_LINGER with a time does not hold up the service', async () => {
  const { client } = await dialled({ options: { SO_SNDBUF: 200_000 } });
  await set(client.id, { SO_LINGER: { onoff: true, seconds: 4 } });
  // The peer does not read: our kernel has taken these, and close(2) would wait for its acknowledgement.
  const bytes = Buffer.alloc(300_000);
  expect((await api.post(`/v1/sockets/${client.id}/data`, bytes)).status).toBe(200);
  expect(ss(portOf(client))).toMatch(/ [1-9]\d{4,} +127/);
  const link = `/proc/self/fd/${client.fileno}`;
  const open = readlinkSync(link);
  const delays = monitorEventLoopDelay();
  delays.enable();
  await api.delete(`/v1/clients/${client.id}`);
  await until('the descriptor is closed', () => !existsSync(link) || readlinkSync(link) !== open);
  delays.disable();
  expect(delays.max / 1e6).toBeLessThan(2000);
});

check('SO_RCVLOWAT keeps bytes in the kernel until there are enough', async () => {
  const { peer, client, port } = await dialled({ options: { SO_RCVLOWAT: 10 } });
  await peer.send('12345');
  await until('the kernel has 5 bytes', () => / 5 +0 /.test(` ${ss(port)}`));
  const { body } = await api.get<SocketDto>(`/v1/sockets/${client.id}`);
  expect(body.received.bytes).toBe(0);
  await peer.send('67890');
  await hasReceived(api, client.id, 10);
});

check('SO_ERROR is told once', async () => {
  const { peer, client } = await dialled({});
  // Paused, nobody else asks the kernel.
  await api.post(`/v1/sockets/${client.id}/pause`);
  await peer.ask({ do: 'reset' }, 'closed');
  const path = `/v1/sockets/${client.id}/options/SO_ERROR`;
  let first = 0;
  await until('the reset has come', async () => {
    first = (await api.get<{ value: number }>(path)).body.value;
    return first !== 0;
  });
  expect(first).toBe(104);
  expect((await api.get<{ value: number }>(path)).body.value).toBe(0);
});

check('two services share a port, and the kernel spreads the connections', async () => {
  const other = await startApi();
  try {
    const listener = await listen(api, { reusePort: true });
    const port = portOf(listener);
    await listen(other, { reusePort: true, port });
    const rows = readFileSync('/proc/net/tcp', 'latin1').split('\n');
    const local = `0100007F:${port.toString(16).toUpperCase().padStart(4, '0')}`;
    expect(rows.filter((row) => row.includes(` ${local} `) && row.includes(' 0A '))).toHaveLength(2);
    const counts = async (): Promise<number[]> =>
      Promise.all(
        [api, other].map(async (one) => {
          const { body } = await one.get<{ items: SocketDto[] }>('/v1/sockets', {
            kind: 'connection',
            limit: 1000,
          });
          return body.items.filter((socket) => portOf(socket) === port).length;
        }),
      );
    for (let made = 0; made < 200 && (await counts()).includes(0); made += 1) await dial(port);
    for (const count of await counts()) expect(count).toBeGreaterThan(0);
  } finally {
    await other.close();
  }
});

check('a peer that takes nothing is given up after TCP_USER_TIMEOUT', async () => {
  const { peer, client } = await dialled({ options: { TCP_USER_TIMEOUT: 500, SO_SNDBUF: 8192 } });
  peer.signal('SIGSTOP');
  const call = api.post(`/v1/sockets/${client.id}/data`, Buffer.alloc(8 * 1024 * 1024));
  const problem = await api.refused(call, 504, 'timed-out');
  expect(problem).toMatchObject({ code: 'ETIMEDOUT', errno: 110 });
  peer.signal('SIGCONT');
  const { body } = await api.get<SocketDto>(`/v1/sockets/${client.id}`);
  expect(body).toMatchObject({ state: 'failed', closeReason: { code: 'ETIMEDOUT', errno: 110 } });
});

check('TCP_INFO says of a connection what ss says of it', async () => {
  const { peer, client, port } = await dialled({});
  await api.post(`/v1/sockets/${client.id}/data`, Buffer.alloc(100_000));
  await peer.receive(100_000);
  await peer.send('thank you');
  await hasReceived(api, client.id, 9);
  const acked = (): string | undefined => / bytes_acked:(\d+)/.exec(ss(port))?.[1];
  // The SYN counts as one.
  await until('all is acknowledged', () => acked() === '100001');
  const { body } = await api.get<SocketDto>(`/v1/clients/${client.id}`, { include: 'tcpInfo' });
  const info = body.tcpInfo!;
  const shown = ss(port);
  const number = (name: string): number => Number(new RegExp(` ${name}:([\\d.]+)`).exec(shown)?.[1] ?? NaN);
  const [rtt, rttVar] = / rtt:([\d.]+)\/([\d.]+)/.exec(shown)!.slice(1).map(Number);
  expect(info).toMatchObject({
    state: 'ESTABLISHED',
    bytesAcked: number('bytes_acked'),
    bytesSent: number('bytes_sent'),
    bytesReceived: number('bytes_received'),
    sndCwnd: number('cwnd'),
    sndMssBytes: number('mss'),
    rcvMssBytes: number('rcvmss'),
    advMssBytes: number('advmss'),
    pmtuBytes: number('pmtu'),
    rtoMs: number('rto'),
    segsOut: number('segs_out'),
    segsIn: number('segs_in'),
    dataSegsOut: number('data_segs_out'),
    minRttMs: number('minrtt'),
    sndWndBytes: number('snd_wnd'),
    rttMs: rtt,
    rttVarMs: rttVar,
    totalRetrans: Number(/ retrans:\d+\/(\d+)/.exec(shown)?.[1] ?? 0),
  });
});

check('a datagram carries the TTL and the traffic class that were asked for', async () => {
  const asked: [string, object][] = [
    ['127.0.0.1', { IP_TTL: 5, IP_TOS: 0x10 }],
    ['::1', { IPV6_UNICAST_HOPS: 5, IPV6_TCLASS: 0x10 }],
  ];
  for (const [host, options] of asked) {
    const peer = startPeer('headers.py', [host]);
    const to = `${host.includes(':') ? `[${host}]` : host}:${await peer.ready()}`;
    const { body } = await api.post<SocketDto>('/v1/listeners', { protocol: 'udp', host });
    await set(body.id, options);
    const sent = api.call('POST', `/v1/sockets/${body.id}/data`, Buffer.from('x'), { query: { to } });
    expect((await sent).status).toBe(200);
    expect(await peer.event('headers')).toMatchObject({ ttl: 5, tos: 0x10 });
  }
});

check('a datagram socket has the buffer that it was made with', async () => {
  const spec = { protocol: 'udp', options: { SO_RCVBUF: 20_000 } };
  const { body } = await api.post<SocketDto>('/v1/listeners', spec);
  const args = ['-uaHOm', `( sport = :${portOf(body)} )`];
  expect(execFileSync('ss', args, { encoding: 'utf8' })).toContain(',rb40000,');
});

check('TCP_DEFER_ACCEPT keeps a connection from a listener until it has said something', async () => {
  const listener = await listen(api, { options: { TCP_DEFER_ACCEPT: 30 } });
  const peer = await dial(portOf(listener));
  const path = `/v1/listeners/${listener.id}/connections`;
  // Who comes later and speaks is accepted before.
  const other = await dial(portOf(listener));
  await other.send('me first');
  const ports = async (): Promise<unknown[]> => {
    const { items } = (await api.get<{ items: SocketDto[] }>(path)).body;
    return items.map(({ remoteAddress }) => (remoteAddress as { port: number }).port);
  };
  await until('the other is accepted', async () => (await ports()).length > 0);
  expect(await ports()).toEqual([other.localPort]);
  await peer.send('now me');
  await until('both are accepted', async () => (await ports()).length > 1);
});
