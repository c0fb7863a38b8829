import { once } from 'node:events';
import { mkdtempSync, readFileSync, realpathSync, rmSync } from 'node:fs';
import { createServer, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ListenerDto } from '../../src/modules/common/listener.dto.js';
import type { SocketListDto } from '../../src/modules/common/list.dto.js';
import type { SocketDto } from '../../src/modules/common/socket.dto.js';
import { startApi, type Api } from '../support/api.js';
import { closeDatagramPeers, DatagramPeer } from '../support/datagram-peer.js';
import { portOf } from '../support/ends.js';
import { PipeClient, terminateClients } from '../support/ws-client.js';
import { closePeers, freePort, type Peer, PeerServer, within } from './peer.js';
import { silentServer } from './silent-server.js';
import { accept, dial, hasReceived, inspect, inState, listen, polled } from './steps.js';

let api: Api;
const root = realpathSync(mkdtempSync(join(tmpdir(), 'sk-pipe-')));
const file = (name: string): string => join(root, name);
const servers: Server[] = [];
const REFUSED = '127.66.0.1';

beforeAll(async () => {
  api = await startApi({ SOCKEYE_UNIX_DIR: root, SOCKEYE_EGRESS_DENY: `${REFUSED}/32` });
});
afterEach(() => {
  terminateClients();
  closePeers();
  closeDatagramPeers();
  for (const server of servers.splice(0)) server.close();
});
afterAll(async () => {
  await api.close();
  rmSync(root, { recursive: true });
});

const pipe = (query: string, to: Api = api): Promise<PipeClient> => PipeClient.open(to.application, query);
const next = async (client: PipeClient): Promise<string> =>
  String(await client.inbox.take('a message', () => true));
const problem = (type: string): string => `https://sockeye.dev/problems/${type}`;

/** Listens on a Unix socket of its own; the one connection that comes. */
async function unixServer(name: string): Promise<{ accepted: Promise<Socket> }> {
  const server = createServer({ allowHalfOpen: true }).listen(file(name));
  servers.push(server);
  await once(server, 'listening');
  return { accepted: once(server, 'connection').then(([socket]) => socket as Socket) };
}

/** What the socket has received, so many datagrams. */
async function receive(id: string, maxDatagrams: number): Promise<string[]> {
  const came: string[] = [];
  while (came.length < maxDatagrams) {
    const asked = { waitMs: 5000, maxDatagrams };
    const { body } = await api.post<{ datagrams: { data: string }[] }>(`/v1/sockets/${id}/receive`, asked);
    if (body.datagrams.length === 0) throw new Error(`only ${came.length} came`);
    came.push(...body.datagrams.map(({ data }) => data));
  }
  return came;
}

describe('attached to a socket there is', () => {
  it('of a connection that was accepted, and of one that was dialled: bytes both ways', async () => {
    const { peer: one, connection } = await accept(api, await listen(api));
    const { peer: two, client } = await dial(api);
    for (const [peer, id] of [
      [one, connection.id],
      [two, client.id],
    ] as const) {
      const there = await pipe(`socketId=${id}`);
      there.send('to the peer');
      expect(String(await peer.received(11))).toBe('to the peer');
      peer.send('and back');
      expect(String(await there.bytes(8))).toBe('and back');
      expect((await there.close()).code).toBe(1000);
      expect(await inspect(api, id)).toMatchObject({ state: 'open', received: { committedOffset: 8 } });
    }
  });

  it('by its name', async () => {
    const { peer } = await dial(api, { name: 'piped' });
    const there = await pipe('socketId=piped');
    peer.send('hello');
    expect(String(await there.bytes(5))).toBe('hello');
  });

  it('of a bound UDP socket: each datagram is a message, and a message has nowhere to go', async () => {
    const socket = await listen(api, { protocol: 'udp' });
    const peer = await DatagramPeer.open();
    const there = await pipe(`socketId=${socket.id}`);
    for (const payload of ['a', '', 'ccc']) await peer.send(payload, portOf(socket));
    for (const payload of ['a', '', 'ccc']) expect(await next(there)).toBe(payload);
    there.send('to whom?');
    expect(await there.closing()).toEqual({ code: 4409, reason: problem('conflict') });
  });

  it.each(['unix-datagram', 'unix-seqpacket'])('of a %s client: each message is one', async (protocol) => {
    const path = `${protocol}.sock`;
    const listener = await listen(api, { protocol, path });
    const { body: client } = await api.post<SocketDto>('/v1/clients', { protocol, path });
    const there = await pipe(`socketId=${client.id}`);
    for (const payload of ['one', '', 'three']) there.send(payload);
    const far = protocol === 'unix-datagram' ? listener.id : (await only(listener)).id;
    expect(await receive(far, 3)).toEqual(['one', '', 'three']);
    if (protocol === 'unix-datagram') return; // it has no name that could be sent to from here
    for (const data of ['back', '', 'again']) await api.post(`/v1/sockets/${far}/data`, { data });
    for (const data of ['back', '', 'again']) expect(await next(there)).toBe(data);
  });

  it.each([
    ['a listener of streams', async () => (await listen(api)).id, 4404, 'not-found'],
    ['one that was deleted', deleted, 4410, 'gone'],
    ['one that never was', () => Promise.resolve('cli_000000000000000000000000'), 4404, 'not-found'],
  ])('not of %s', async (_, socketId, code, type) => {
    const there = await pipe(`socketId=${await socketId()}`);
    expect(await there.closing()).toEqual({ code, reason: problem(type) });
  });
});

async function deleted(): Promise<string> {
  const { id } = await listen(api, { protocol: 'udp' });
  await api.delete(`/v1/sockets/${id}`);
  return id;
}

/** The connection of a listener that has one. */
function only(listener: ListenerDto): Promise<SocketDto> {
  return api.application.eventually('a connection', async () => {
    const { body } = await api.get<SocketListDto>(`/v1/listeners/${listener.id}/connections`);
    return body.items[0] ?? null;
  });
}

describe('dialled on open', () => {
  it('TCP: bytes both ways, and the client that goes is EOF for the peer', async () => {
    const server = await PeerServer.open();
    const there = await pipe(`host=127.0.0.1&port=${server.port}`);
    there.send('to the peer');
    const peer = await server.next();
    peer.send('and back');
    expect(String(await there.bytes(8))).toBe('and back');
    there.terminate();
    const { bytes, ended } = await peer.rest();
    expect([String(bytes), ended]).toEqual(['to the peer', 'end']);
  });

  it('a Unix stream', async () => {
    const { accepted } = await unixServer('stream.sock');
    const there = await pipe('protocol=unix&path=stream.sock');
    const peer = await within('the dial', accepted);
    there.send('to the peer');
    expect(String(((await once(peer, 'data')) as [Buffer])[0])).toBe('to the peer');
    peer.end('and back');
    expect(String(await there.bytes(8))).toBe('and back');
    expect(await there.closing()).toEqual({ code: 1000, reason: 'eof' });
  });

  it('UDP: a message is a datagram, in fragments or not, empty or not, both ways', async () => {
    const peer = await DatagramPeer.open();
    const there = await pipe(`protocol=udp&host=127.0.0.1&port=${peer.port}`);
    for (const fragment of ['in ', 'three ', 'parts'])
      there.ws.send(fragment, { binary: true, fin: fragment === 'parts' });
    for (const payload of ['', 'x'.repeat(60_000), '']) there.send(payload);
    const came = [];
    for (let i = 0; i < 4; i += 1) came.push(await peer.next());
    expect(came.map(({ payload }) => String(payload))).toEqual([
      'in three parts',
      '',
      'x'.repeat(60_000),
      '',
    ]);
    const { port } = came[0]!.from;
    for (const payload of ['', 'b', 'y'.repeat(65_507), '']) await peer.send(payload, port);
    for (const payload of ['', 'b', 'y'.repeat(65_507), '']) expect(await next(there)).toBe(payload);
    there.send('z'.repeat(65_508));
    expect(await there.closing()).toEqual({ code: 4413, reason: problem('payload-too-large') });
  });

  it('UDP that nobody listens to stays open: the next datagram may be taken', async () => {
    const peer = await DatagramPeer.open();
    const { port } = peer;
    peer.close();
    const there = await pipe(`protocol=udp&host=127.0.0.1&port=${port}`);
    for (const payload of ['in', 'vain']) there.send(payload);
    const { id } = await dialled('udp');
    await polled('the error came back', async () => {
      const { body } = await api.get<{ lastError: object | null }>(`/v1/sockets/${id}`);
      return body.lastError !== null;
    });
    expect(there.ws.readyState).toBe(there.ws.OPEN);
    expect((await there.close()).code).toBe(1000);
    await inState(api, id, 'closed');
  });

  it('any number of short messages waits for a Unix datagram socket that is not read', async () => {
    const windowBytes = 4 * 1024 * 1024;
    const far = await listen(api, { protocol: 'unix-datagram', path: 'slow.sock', receive: { windowBytes } });
    await api.post(`/v1/sockets/${far.id}/pause`);
    const there = await pipe('protocol=unix-datagram&path=slow.sock');
    const count = 18_000;
    for (let i = 0; i < count; i += 1) there.send('x');
    const pong = once(there.ws, 'pong');
    there.ws.ping();
    const client = await dialled('unix-datagram');
    await polled('its queue is full', async () => (await inspect(api, client.id)).sent.queuedBytes > 0);
    await api.post(`/v1/sockets/${far.id}/resume`);
    // It is answered when the service has read all that was sent before it.
    await pong;
    await polled('all came', async () => (await inspect(api, far.id)).received.headOffset === count);
    expect((await there.close()).code).toBe(1000);
  });

  it.each([
    ['a listener that does not answer', (port: number) => `host=127.0.0.1&port=${port}`],
    ['a handshake that does not go on', (port: number) => `protocol=tls&host=127.0.0.1&port=${port}`],
  ])('a client that goes meanwhile ends the dial of %s at once', async (what, query) => {
    const silent = what.startsWith('a listener') ? await silentServer() : null;
    const mute = await PeerServer.open({ stalled: true });
    const there = await pipe(`${query(silent?.port ?? mute.port)}&timeoutMs=600000`);
    there.send('early');
    const { id } = await dialled(silent === null ? 'tls' : 'tcp', 'connecting');
    there.terminate();
    expect((await inState(api, id, 'failed')).closeReason).toMatchObject({ code: 'ECANCELED' });
    if (silent !== null)
      await polled('no SYN goes out', () => Promise.resolve(connecting(silent.port) === 0));
    else await ended(await mute.next());
    silent?.stop();
  });

  it.each([
    ['both', `socketId=x&host=127.0.0.1&port=1`],
    ['a path for TCP', `host=127.0.0.1&port=1&path=x`],
    ['a host for a Unix socket', `protocol=unix&path=x&host=127.0.0.1`],
    ['no path for a Unix socket', `protocol=unix`],
    ['a server name without TLS', `protocol=unix&path=x&servername=x.test`],
    ['an unknown protocol', `protocol=sctp&host=127.0.0.1&port=1`],
  ])('not with %s', async (_, query) => {
    expect(await (await pipe(query)).closing()).toEqual({ code: 4400, reason: problem('validation-failed') });
  });
});

async function ended(peer: Peer): Promise<void> {
  peer.read();
  expect((await peer.rest()).ended).toMatch(/end|ECONNRESET/);
}

/** The one client of that protocol that is in that state. */
function dialled(protocol: string, state = 'open'): Promise<SocketDto> {
  return api.application.eventually(`a ${protocol} client is ${state}`, async () => {
    const { body } = await api.get<SocketListDto>('/v1/clients', { protocol, state });
    return body.items.at(-1) ?? null;
  });
}

/** Sockets of this host that wait for the answer of a connect (SYN_SENT is state 02), by their remote port. */
function connecting(port: number): number {
  const hex = port.toString(16).toUpperCase().padStart(4, '0');
  const lines = readFileSync('/proc/net/tcp', 'latin1').split('\n');
  return lines.filter((line) => new RegExp(`:${hex} 02 `).test(line)).length;
}

describe('how it closes', () => {
  it('1000 after all bytes when the peer ends, and when the socket is closed over HTTP', async () => {
    const { peer, connection } = await accept(api, await listen(api));
    const bytes = Buffer.alloc(300_000, 'x');
    peer.finish(bytes.toString());
    await inState(api, connection.id, 'half-closed-remote');
    const there = await pipe(`socketId=${connection.id}`);
    expect(await there.bytes(bytes.length)).toEqual(bytes);
    expect(await there.closing()).toEqual({ code: 1000, reason: 'eof' });

    const { client } = await dial(api);
    const other = await pipe(`socketId=${client.id}`);
    await api.delete(`/v1/sockets/${client.id}`);
    expect(await other.closing()).toEqual({ code: 1000, reason: 'api' });
  });

  it('4502 when the peer resets, after what had come before', async () => {
    const { peer, connection } = await accept(api, await listen(api));
    peer.send('last words');
    await hasReceived(api, connection.id, 10);
    peer.reset();
    await inState(api, connection.id, 'failed');
    const there = await pipe(`socketId=${connection.id}`);
    expect(String(await there.bytes(10))).toBe('last words');
    expect(await there.closing()).toEqual({ code: 4502, reason: problem('connection-reset') });
  });

  it('4409 for who is taken over, or whose reader is removed; the next goes on', async () => {
    const { peer, client } = await dial(api);
    const first = await pipe(`socketId=${client.id}`);
    peer.send('one');
    expect(String(await first.bytes(3))).toBe('one');
    const second = await pipe(`socketId=${client.id}`);
    expect(await first.closing()).toEqual({ code: 4409, reason: problem('taken-over') });
    peer.send('two');
    expect(String(await second.bytes(3))).toBe('two');
    const beside = await pipe(`socketId=${client.id}&reader=another`);
    await api.delete(`/v1/sockets/${client.id}/readers/main`);
    expect(await second.closing()).toEqual({ code: 4409, reason: problem('taken-over') });
    peer.send('three');
    expect(String(await beside.bytes(11))).toBe('onetwothree');
  });

  it('a client that is not read from when it is taken over is read to the end, whatever it has sent', async () => {
    const { client } = await dial(api, { stalled: true });
    const first = await pipe(`socketId=${client.id}`);
    const bytes = Buffer.alloc(8 * 1024 * 1024);
    for (let i = 0; i < 2; i += 1) first.send(bytes);
    first.ws.ping();
    first.send(bytes);
    await polled('it waits', async () => (await inspect(api, client.id)).sent.queuedBytes > 700 * 1024);
    await pipe(`socketId=${client.id}`);
    expect((await first.closing()).code).toBe(4409);
  });

  it('1003 for text; a peer that was dialled for it gets what came before, and EOF, whatever the client answers', async () => {
    const server = await PeerServer.open();
    const there = await pipe(`host=127.0.0.1&port=${server.port}`);
    const peer = await server.next();
    there.send('before');
    there.ws.send('text');
    there.send('after');
    there.stopReading();
    expect(String(await peer.received(6))).toBe('before');
    expect(await within('EOF', peer.ended)).toBe('end');
    expect(there.ws.readyState).toBe(there.ws.OPEN);
    there.ws.resume();
    expect(await there.closing()).toEqual({ code: 1003, reason: 'binary frames only' });
  });

  it('4410 at a gap, and the next goes on behind it', async () => {
    const receiving = { windowBytes: 1024, overflow: 'drop-oldest' };
    const { peer, connection } = await accept(api, await listen(api, { receive: receiving }));
    peer.send('x'.repeat(5000));
    await polled('all came', async () => (await inspect(api, connection.id)).received.headOffset === 5000);
    const { id } = connection;
    expect(await (await pipe(`socketId=${id}`)).closing()).toEqual({ code: 4410, reason: problem('gone') });
    const { earliestOffset } = (await inspect(api, id)).received;
    expect(await (await pipe(`socketId=${id}`)).bytes(5000 - earliestOffset)).toHaveLength(
      5000 - earliestOffset,
    );
  });

  it('of datagrams a gap is passed over', async () => {
    const socket = await listen(api, { protocol: 'udp', receive: { windowBytes: 200 } });
    const peer = await DatagramPeer.open();
    for (let i = 0; i < 10; i += 1) await peer.send(`datagram ${i}`, portOf(socket));
    await polled('all came', async () => (await inspect(api, socket.id)).received.headOffset === 10);
    const { earliestOffset } = (await inspect(api, socket.id)).received;
    expect(earliestOffset).toBeGreaterThan(0);
    const there = await pipe(`socketId=${socket.id}`);
    expect(await next(there)).toBe(`datagram ${earliestOffset}`);
  });

  it.each([
    ['nobody listens', async () => `host=127.0.0.1&port=${await freePort()}`, 4502, 'connection-refused'],
    ['there is no such file', () => Promise.resolve('protocol=unix&path=none'), 4502, 'unreachable'],
    ['there is no such name', () => Promise.resolve('host=none.invalid&port=1'), 4502, 'name-not-resolved'],
    ['the policy refuses', () => Promise.resolve(`host=${REFUSED}&port=1`), 1008, 'blocked-by-policy'],
    [
      'so it does for UDP',
      () => Promise.resolve(`protocol=udp&host=${REFUSED}&port=1`),
      1008,
      'blocked-by-policy',
    ],
    ['a path is outside', () => Promise.resolve('protocol=unix&path=/etc/x'), 1008, 'blocked-by-policy'],
  ])('by what the dial meets: %s', async (_, query, code, type) => {
    expect(await (await pipe(await query())).closing()).toEqual({ code, reason: problem(type) });
  });

  it('4504 when the dial takes too long', async () => {
    const { port, stop } = await silentServer();
    const there = await pipe(`host=127.0.0.1&port=${port}&timeoutMs=50`);
    expect(await there.closing()).toEqual({ code: 4504, reason: problem('timed-out') });
    stop();
  });

  it('1013 over a limit', async () => {
    const small = await startApi({ SOCKEYE_MAX_SOCKETS: '1' });
    const server = await PeerServer.open();
    const query = `host=127.0.0.1&port=${server.port}`;
    const first = await pipe(query, small);
    await server.next();
    expect(await (await pipe(query, small)).closing()).toMatchObject({ code: 1013 });
    await first.close();
    await small.close();
  });
});
