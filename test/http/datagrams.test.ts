import type { DatagramListAnswer, SentAnswer } from '../../src/modules/sockets/data.dto.js';
import type { ListenerDto } from '../../src/modules/common/listener.dto.js';
import type { SocketDto } from '../../src/modules/common/socket.dto.js';
import type { ProblemDto } from '../../src/modules/problems/problem.dto.js';
import { startApi, type Api } from '../support/api.js';
import { closeDatagramPeers, DatagramPeer } from '../support/datagram-peer.js';

const OCTETS = 'application/octet-stream';
const OVERHEAD_BYTES = 40;

let api: Api;
beforeAll(async () => (api = await startApi()));
afterEach(closeDatagramPeers);
afterAll(() => api.close());

async function bound(spec: object = {}): Promise<ListenerDto & { port: number }> {
  const { status, body } = await api.post<ListenerDto>('/v1/listeners', { protocol: 'udp', ...spec });
  expect(status).toBe(201);
  return { ...body, port: portOf(body) };
}

async function connected(port: number, spec: object = {}): Promise<SocketDto> {
  const asked = { protocol: 'udp', host: '127.0.0.1', port, ...spec };
  const { status, body } = await api.post<SocketDto>('/v1/clients', asked);
  expect(status).toBe(201);
  return body;
}

async function receive(id: string, body: object = {}): Promise<DatagramListAnswer> {
  const asked = { waitMs: 10_000, ...body };
  const answer = await api.post<DatagramListAnswer>(`/v1/sockets/${id}/receive`, asked);
  expect(answer.status).toBe(200);
  return answer.body;
}

function send(id: string, body: object) {
  return api.post<SentAnswer & ProblemDto>(`/v1/sockets/${id}/data`, body);
}

/** The socket, once it has received so many datagrams. */
async function arrived(id: string, datagrams: number): Promise<SocketDto> {
  for (;;) {
    const { body } = await api.get<SocketDto>(`/v1/sockets/${id}`);
    if (body.received.headOffset >= datagrams) return body;
    const next = body.received.headOffset;
    await api.get(`/v1/sockets/${id}/data`, { offset: next, waitMs: 5000 });
  }
}

const portOf = ({ localAddress }: SocketDto): number => (localAddress as { port: number }).port;

describe('a bound datagram socket', () => {
  it('is a listener that is open, and that lists, inspects and closes as one', async () => {
    const socket = await bound({ name: 'sink' });
    expect(socket).toMatchObject({ kind: 'listener', protocol: 'udp', state: 'open', remoteAddress: null });
    expect(socket.id).toMatch(/^lsn_/);
    expect((await api.get<ListenerDto>('/v1/listeners/sink')).body.id).toBe(socket.id);
    const { body } = await api.get<{ items: SocketDto[] }>('/v1/listeners');
    expect(body.items.map(({ id }) => id)).toContain(socket.id);
    expect((await api.delete('/v1/listeners/sink')).status).toBe(204);
    expect((await api.get(`/v1/sockets/${socket.id}`)).status).toBe(410);
    expect(await bound({ port: socket.port })).toMatchObject({ port: socket.port });
  });

  it('receives whole datagrams with sender and time, empty ones too', async () => {
    const socket = await bound();
    const peer = await DatagramPeer.open();
    const before = Date.now();
    for (const payload of ['a', '', Buffer.from([0xff])]) await peer.send(payload, socket.port);
    await arrived(socket.id, 3);
    const { datagrams, nextOffset } = await receive(socket.id);
    expect(nextOffset).toBe(3);
    expect(datagrams).toMatchObject([
      { sequence: 0, bytes: 1, data: 'a', lossy: false, from: { address: '127.0.0.1', port: peer.port } },
      { sequence: 1, bytes: 0, data: '' },
      { sequence: 2, bytes: 1, data: '\ufffd', lossy: true },
    ]);
    for (const { time } of datagrams) {
      expect(time).toMatch(/\.\d{6}Z$/);
      expect(Math.abs(Date.parse(time) - before)).toBeLessThan(10_000);
    }
    expect(await receive(socket.id, { waitMs: 0 })).toMatchObject({ datagrams: [], nextOffset: 3 });
  });

  it('bounds an answer by payload bytes and by datagrams, and never cuts one', async () => {
    const socket = await bound();
    const peer = await DatagramPeer.open();
    for (let i = 0; i < 6; i += 1) await peer.send('x'.repeat(10), socket.port);
    await arrived(socket.id, 6);
    expect((await receive(socket.id, { maxBytes: 25 })).datagrams).toHaveLength(2);
    expect((await receive(socket.id, { maxBytes: 1 })).datagrams).toMatchObject([{ bytes: 10 }]);
    expect((await receive(socket.id, { maxDatagrams: 2 })).nextOffset).toBe(5);
    const looked = await api.get<DatagramListAnswer>(`/v1/sockets/${socket.id}/data`, {
      offset: 4,
      encoding: 'hex',
    });
    expect(looked.body).toMatchObject({ encoding: 'hex', nextOffset: 6, datagrams: [{ sequence: 4 }, {}] });
  });

  it('answers one datagram as bare bytes, and says when there is none', async () => {
    const socket = await bound();
    const peer = await DatagramPeer.open();
    await peer.send('first', socket.port);
    await peer.send('', socket.port);
    await arrived(socket.id, 2);
    const path = `/v1/sockets/${socket.id}/receive`;
    const take = () => api.post<Buffer>(path, {}, { headers: { accept: OCTETS } });
    const first = await take();
    expect(Buffer.from(first.body).toString()).toBe('first');
    expect(first.headers).toMatchObject({
      'sockeye-offset': '0',
      'sockeye-next-offset': '1',
      'sockeye-from': `127.0.0.1:${String(peer.port)}`,
    });
    expect((await take()).headers).toMatchObject({ 'sockeye-next-offset': '2', 'content-length': '0' });
    expect((await take()).headers['sockeye-from']).toBeUndefined();
  });

  it('waits for a datagram', async () => {
    const socket = await bound();
    const peer = await DatagramPeer.open();
    const waiting = receive(socket.id, { waitMs: 60_000 });
    await peer.send('late', socket.port);
    expect((await waiting).datagrams).toMatchObject([{ data: 'late' }]);
  });

  it('sends where it is told, by address, name or query, and says what fails', async () => {
    const socket = await bound();
    const peer = await DatagramPeer.open();
    const { port } = peer;
    expect((await send(socket.id, { data: 'one', to: { address: '127.0.0.1', port } })).body).toEqual({
      bytesSent: 3,
    });
    await send(socket.id, { data: 'two', to: { host: 'localhost', port } });
    const query = { to: `127.0.0.1:${String(port)}` };
    await api.post(`/v1/sockets/${socket.id}/data`, Buffer.from('three'), { query });
    await send(socket.id, { data: '', to: { address: '127.0.0.1', port } });
    for (const payload of ['one', 'two', 'three', '']) {
      const { payload: came, from } = await peer.next();
      expect([came.toString(), from.port]).toEqual([payload, socket.port]);
    }
    const lost = await send(socket.id, { data: 'whereto' });
    expect(lost).toMatchObject({ status: 409, body: { code: 'EDESTADDRREQ', errno: 89 } });
    const v6 = await send(socket.id, { data: 'x', to: { address: '::1', port } });
    expect(v6).toMatchObject({ status: 422, body: { code: 'EAFNOSUPPORT' } });
    for (const to of [{ port }, { address: '127.0.0.1' }, { address: '127.0.0.1', host: 'localhost', port }])
      expect(await send(socket.id, { data: 'x', to })).toMatchObject({ status: 400 });
  });

  it('sends 65,507 bytes and no more', async () => {
    const socket = await bound();
    const receiver = await bound();
    const query = { to: `127.0.0.1:${String(receiver.port)}` };
    const path = `/v1/sockets/${socket.id}/data`;
    expect(await api.post(path, Buffer.alloc(65_507, 'x'), { query })).toMatchObject({
      body: { bytesSent: 65_507 },
    });
    expect((await receive(receiver.id, { maxBytes: 1 })).datagrams).toMatchObject([{ bytes: 65_507 }]);
    expect(await api.post(path, Buffer.alloc(65_508), { query })).toMatchObject({
      status: 413,
      body: { code: 'EMSGSIZE', errno: 90 },
    });
  });

  it('asks the policy for each destination: broadcast and multicast need leave', async () => {
    const socket = await bound();
    for (const address of ['255.255.255.255', '224.0.0.251', '169.254.169.254', '0.0.0.0']) {
      const { status, body } = await send(socket.id, { data: 'x', to: { address, port: 9 } });
      expect({ address, status, type: body.type.split('/').pop() }).toEqual({
        address,
        status: 403,
        type: 'blocked-by-policy',
      });
    }
  });

  it('binds where the policy lets it', async () => {
    const { status } = await api.post('/v1/listeners', { protocol: 'udp', host: '0.0.0.0' });
    expect(status).toBe(403);
    const v6 = await bound({ host: '::1' });
    expect(v6).toMatchObject({ family: 'ipv6' });
    const peer = await DatagramPeer.open('::1');
    await peer.send('six', v6.port, '::1');
    expect((await receive(v6.id)).datagrams).toMatchObject([{ data: 'six', from: { address: '::1' } }]);
    const taken = await api.post('/v1/listeners', { protocol: 'udp', host: '::1', port: v6.port });
    expect(taken).toMatchObject({ status: 409, body: { code: 'EADDRINUSE', syscall: 'bind' } });
  });

  it('cannot be shut down, for want of a peer; nor followed, for want of bounds', async () => {
    const { id } = await bound();
    const shut = await api.post(`/v1/sockets/${id}/shutdown`, { how: 'write' });
    expect(shut).toMatchObject({ status: 409, body: { code: 'ENOTCONN', errno: 107 } });
    const followed = await api.get(`/v1/sockets/${id}/data`, { follow: true });
    expect(followed).toMatchObject({ status: 422, body: { code: 'EOPNOTSUPP' } });
  });

  it('goes on from what is committed; what is unread outlives the close', async () => {
    const { id, port } = await bound({ name: 'kept' });
    const peer = await DatagramPeer.open();
    await peer.send('a', port);
    await peer.send('b', port);
    await arrived(id, 2);
    const committed = await api.post(`/v1/sockets/${id}/commit`, { offset: 1 });
    expect(committed.body).toEqual({ reader: 'main', committedOffset: 1 });
    expect((await receive(id)).datagrams).toMatchObject([{ sequence: 1, data: 'b' }]);
    expect((await api.get<SocketDto>(`/v1/sockets/${id}`)).body.readers).toMatchObject([
      { name: 'main', committedOffset: 2, lagDatagrams: 0 },
    ]);
  });
});

describe('a full window', () => {
  it.each([
    ['drop-oldest', { from: 0, to: 3 }, [3, 4]],
    ['drop-newest', { from: 2, to: 5 }, [0, 1]],
  ])('does %s, counts it, and tells the gap with its bounds', async (overflow, gap, kept) => {
    const windowBytes = 2 * (100 + OVERHEAD_BYTES);
    const { id, port } = await bound({ receive: { windowBytes, overflow } });
    const peer = await DatagramPeer.open();
    for (let i = 0; i < 5; i += 1) await peer.send(String(i).repeat(100), port);
    const { received } = await arrived(id, 5);
    expect(received).toMatchObject({
      bytes: 500,
      headOffset: 5,
      droppedBytes: 300,
      droppedDatagrams: 3,
      droppedBy: { window: 3, kernel: 0 },
    });
    const seen: number[] = [];
    for (let asked = 0; asked < 2; asked += 1) {
      const { status, body } = await api.post<DatagramListAnswer & ProblemDto>(
        `/v1/sockets/${id}/receive`,
        {},
      );
      if (status === 410) expect(body.gap).toEqual(gap);
      else seen.push(...body.datagrams.map(({ sequence }) => sequence));
    }
    expect(seen).toEqual(kept);
    expect(await receive(id, { waitMs: 0 })).toMatchObject({ datagrams: [], nextOffset: 5 });
  });

  it('refuses a policy that the kind of socket cannot keep', async () => {
    const stream = { receive: { overflow: 'drop-newest' } };
    const datagram = { protocol: 'udp', receive: { overflow: 'pause' } };
    for (const spec of [stream, datagram]) {
      const { status, body } = await api.post<ProblemDto>('/v1/listeners', spec);
      expect({ status, errors: body.errors?.map(({ pointer }) => pointer) }).toEqual({
        status: 400,
        errors: ['/receive/overflow'],
      });
    }
  });
});

describe('a connected datagram socket', () => {
  it('sends to its peer and hears nobody else', async () => {
    const peer = await DatagramPeer.open();
    const stranger = await DatagramPeer.open();
    const client = await connected(peer.port);
    expect(client).toMatchObject({ kind: 'client', state: 'open', remoteAddress: { port: peer.port } });
    await send(client.id, { data: 'hello' });
    const { payload, from } = await peer.next();
    expect([payload.toString(), from.port]).toEqual(['hello', portOf(client)]);
    await stranger.send('not for you', portOf(client));
    await peer.send('answer', portOf(client));
    expect((await receive(client.id)).datagrams).toMatchObject([
      { sequence: 0, data: 'answer', from: { port: peer.port } },
    ]);
    expect((await api.get<SocketDto>(`/v1/sockets/${client.id}`)).body.sent.bytes).toBe(5);
  });

  it('hears that nobody listens, and lives', async () => {
    const gone = await DatagramPeer.open();
    const { port } = gone;
    gone.close();
    const client = await connected(port);
    expect(client.lastError).toBeNull();
    expect((await send(client.id, { data: 'anybody?' })).status).toBe(200);
    const told = await api.application.eventually('an error of the datagram', async () => {
      const { body } = await api.get<SocketDto>(`/v1/sockets/${client.id}`);
      return body.lastError === null ? null : body;
    });
    expect(told).toMatchObject({
      state: 'open',
      lastError: { code: 'ECONNREFUSED', errno: 111, count: 1 },
    });
    expect((await send(client.id, { data: 'still here' })).status).toBe(200);
  });

  it('can be shut down, one direction after the other', async () => {
    const peer = await DatagramPeer.open();
    const { id } = await connected(peer.port);
    const shut = await api.post<SocketDto>(`/v1/sockets/${id}/shutdown`, { how: 'write' });
    expect(shut.body.state).toBe('half-closed-local');
    expect(await send(id, { data: 'x' })).toMatchObject({ status: 409, body: { code: 'EPIPE' } });
    expect((await api.post(`/v1/sockets/${id}/shutdown`, { how: 'read' })).status).toBe(200);
    expect(await receive(id)).toMatchObject({ datagrams: [], eof: true });
  });

  it('is paused and resumed: meanwhile the kernel keeps what comes', async () => {
    const peer = await DatagramPeer.open();
    const client = await connected(peer.port);
    const paused = await api.post<SocketDto>(`/v1/sockets/${client.id}/pause`, undefined);
    expect(paused.body.received.paused).toBe(true);
    await peer.send('kept', portOf(client));
    expect(await receive(client.id, { waitMs: 0 })).toMatchObject({ datagrams: [] });
    await api.post(`/v1/sockets/${client.id}/resume`, undefined);
    expect((await receive(client.id)).datagrams).toMatchObject([{ data: 'kept' }]);
  });
});
