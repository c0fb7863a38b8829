import { readdirSync, readFileSync } from 'node:fs';
import { closeDatagramPeers, DatagramPeer } from '../support/datagram-peer.js';
import { stopPrograms, until } from '../support/peers.js';
import { type Service, type SocketView, startService } from '../support/service.js';
import { encode, type Frame, PipeClient, StreamClient, terminateClients } from '../support/ws-client.js';

let service: Service;

beforeAll(async () => {
  service = await startService({ SOCKEYE_LOG_LEVEL: 'error' });
});
afterEach(closeDatagramPeers);
afterAll(async () => {
  terminateClients();
  await stopPrograms();
});

const bound = (spec: object = {}) => service.listen({ protocol: 'udp', ...spec });

async function connected(port: number): Promise<SocketView> {
  const asked = { protocol: 'udp', host: '127.0.0.1', port };
  return (await service.post<SocketView>('/v1/clients', asked)).body;
}

interface DatagramRecord {
  micros: number;
  port: number;
  address: string;
  payload: string;
}

function records(bytes: Buffer): DatagramRecord[] {
  const found: DatagramRecord[] = [];
  for (let at = 0; at < bytes.length;) {
    const [length, addressLength] = [bytes.readUInt32BE(at), bytes.readUInt8(at + 14)];
    const payloadAt = at + 16 + addressLength;
    found.push({
      micros: Number(bytes.readBigUInt64BE(at + 4)),
      port: bytes.readUInt16BE(at + 12),
      address: bytes.subarray(at + 16, payloadAt).join('.'),
      payload: bytes.toString('utf8', payloadAt, payloadAt + length),
    });
    at = payloadAt + length;
  }
  return found;
}

function record(payload: string, to?: number): Buffer {
  const address = to === undefined ? [] : [127, 0, 0, 1];
  const header = Buffer.alloc(16);
  header.writeUInt32BE(payload.length, 0);
  header.writeUInt16BE(to ?? 0, 12);
  header.writeUInt8(address.length, 14);
  return Buffer.concat([header, Buffer.from(address), Buffer.from(payload)]);
}

const isFrame = (item: { kind: string }): boolean => item.kind === 'frame';

/** So many records of frames, which follow each other without a hole. */
async function take(client: StreamClient, count: number): Promise<DatagramRecord[]> {
  const found: DatagramRecord[] = [];
  while (found.length < count) {
    const frame = (await client.inbox.take('a frame', isFrame)) as Frame;
    expect([frame.type, frame.offset]).toEqual([2, found.length]);
    found.push(...records(frame.bytes));
    client.ack(frame.channel, found.length);
  }
  return found;
}

describe('the stream protocol', () => {
  it('carries datagrams both ways as records, with sender and time', async () => {
    const socket = await bound();
    const peer = await DatagramPeer.open();
    const client = await StreamClient.open(service);
    const { channel } = await client.attach({ socketId: socket.id });
    for (const payload of ['a', '', 'c']) await peer.send(payload, socket.port);
    const found = await take(client, 3);
    expect(found.map(({ payload }) => payload)).toEqual(['a', '', 'c']);
    for (const { address, port, micros } of found) {
      expect([address, port]).toEqual(['127.0.0.1', peer.port]);
      expect(Math.abs(micros / 1000 - Date.now())).toBeLessThan(10_000);
    }
    const frame = encode(channel, Buffer.concat([record('to you', peer.port), record('', peer.port)]), 2);
    client.ws.send(frame);
    for (const payload of ['to you', '']) expect((await peer.next()).payload.toString()).toBe(payload);
    await until('committed', async () => (await service.socket(socket.id)).received.committedOffset === 3);
  });

  it('refuses what is no datagram, and goes on', async () => {
    const peer = await DatagramPeer.open();
    const { id } = await connected(peer.port);
    const client = await StreamClient.open(service);
    const { channel } = await client.attach({ socketId: id });
    client.frame(channel, Buffer.from('bytes'));
    expect((await client.message('error', channel)).data.status).toBe(400);
    client.ws.send(encode(channel, record('whole').subarray(0, -1), 2));
    expect((await client.message('error', channel)).data.status).toBe(400);
    client.ws.send(encode(channel, record('x', 0), 2));
    expect((await client.message('error', channel)).data.code).toBe('EINVAL');
    client.ws.send(encode(channel, record('to the peer'), 2));
    expect((await peer.next()).payload.toString()).toBe('to the peer');
  });

  it('carries datagrams as messages, and sends where it is told', async () => {
    const socket = await bound();
    const peer = await DatagramPeer.open();
    const client = await StreamClient.open(service);
    const { channel } = await client.attach({ socketId: socket.id, encoding: 'hex' });
    await peer.send('abc', socket.port);
    expect((await client.message('data', channel)).data).toMatchObject({
      offset: 0,
      nextOffset: 1,
      bytes: 3,
      data: '616263',
      encoding: 'hex',
      from: { address: '127.0.0.1', port: peer.port },
    });
    const to = { address: '127.0.0.1', port: peer.port };
    expect(await client.ask('send', { channel, data: 'hi', to })).toMatchObject({
      event: 'sent',
      data: { bytesSent: 2 },
    });
    expect((await peer.next()).payload.toString()).toBe('hi');
    expect((await client.ask('send', { channel, data: 'hi' })).data.code).toBe('EDESTADDRREQ');
  });

  it('holds to the window of a client that does not acknowledge', async () => {
    const socket = await bound();
    const peer = await DatagramPeer.open();
    const client = await StreamClient.open(service);
    const { channel } = await client.attach({ socketId: socket.id, windowBytes: 100 });
    for (let i = 0; i < 5; i += 1) await peer.send('x'.repeat(60), socket.port);
    const seen: number[] = [];
    for (let next = 0; next < 5;) {
      await until('a frame waits', () => Promise.resolve(client.inbox.size > 0));
      const frame = (await client.inbox.take('a frame', isFrame)) as Frame;
      const count = records(frame.bytes).length;
      // What was sent before the last acknowledgement is all there is.
      expect((await client.ask('ping', {})).event).toBe('pong');
      expect(client.inbox.takeAll(isFrame)).toEqual([]);
      seen.push(frame.offset);
      next = frame.offset + count;
      client.ack(channel, next);
    }
    expect(seen.length).toBeGreaterThan(1);
  });

  it('tells the gap of a window that ran over', async () => {
    const socket = await bound({ receive: { windowBytes: 100 } });
    const peer = await DatagramPeer.open();
    for (let i = 0; i < 4; i += 1) await peer.send('x'.repeat(60), socket.port);
    await until('all came', async () => (await service.socket(socket.id)).received.headOffset === 4);
    const client = await StreamClient.open(service);
    await client.attach({ socketId: socket.id });
    expect((await client.message('gap')).data).toMatchObject({ from: 0, to: 3 });
    const frame = (await client.inbox.take('a frame', isFrame)) as Frame;
    expect(frame.offset).toBe(3);
  });
});

describe('the pipe', () => {
  it('makes each message one datagram, both ways', async () => {
    const peer = await DatagramPeer.open();
    const pipe = await PipeClient.open(service, `protocol=udp&host=127.0.0.1&port=${peer.port}`);
    for (const payload of ['one', '', 'three']) pipe.send(payload);
    let port = 0;
    for (const payload of ['one', '', 'three']) {
      const { payload: came, from } = await peer.next();
      expect(came.toString()).toBe(payload);
      port = from.port;
    }
    for (const payload of ['a', '', 'c']) await peer.send(payload, port);
    for (const payload of ['a', '', 'c'])
      expect((await pipe.inbox.take('a datagram', () => true)).toString()).toBe(payload);
    expect((await pipe.close()).code).toBe(1000);
  });
});

/** The line of the kernel's table for the socket that is bound to that port: how many it dropped. */
function dropsInTable(port: number): number {
  const hex = port.toString(16).toUpperCase().padStart(4, '0');
  // The slot in front is set right, so that a long number has no space before it.
  const rows = readFileSync('/proc/net/udp', 'latin1').split('\n');
  const row = rows.map((line) => line.trim().split(/\s+/)).find(([, local]) => local?.endsWith(`:${hex}`));
  return Number(row?.at(-1));
}

it('counts what the kernel dropped as its own table does, and tells it as a gap behind what came before', async () => {
  const socket = await bound({ options: { SO_RCVBUF: 4096 } });
  await service.post(`/v1/sockets/${socket.id}/pause`, {});
  const peer = await DatagramPeer.open();
  for (let i = 0; i < 200; i += 1) await peer.send(`datagram ${i}`, socket.port);
  const drops = dropsInTable(socket.port);
  expect(drops).toBeGreaterThan(0);
  const paused = await service.get<{ received: object }>(`/v1/sockets/${socket.id}`);
  expect(paused.body.received).toMatchObject({ droppedBy: { window: 0, kernel: drops }, headOffset: 0 });
  await service.post(`/v1/sockets/${socket.id}/resume`, {});
  await until('all came', async () => (await service.socket(socket.id)).received.headOffset === 200);
  await peer.send('behind', socket.port);
  const receive = () =>
    service.post<{ datagrams: { sequence: number; data: string }[]; gap?: object }>(
      `/v1/sockets/${socket.id}/receive`,
      { waitMs: 5000 },
    );
  const first = await receive();
  expect(first.body.datagrams.map(({ data }) => data)).toEqual(
    Array.from({ length: 200 - drops }, (_, i) => `datagram ${i}`),
  );
  expect(await receive()).toMatchObject({ status: 410, body: { gap: { from: 200 - drops, to: 200 } } });
  expect((await receive()).body.datagrams).toMatchObject([{ sequence: 200, data: 'behind' }]);
});

it('leaves no descriptor behind, however many datagram sockets come and go', async () => {
  const count = (): number => readdirSync(`/proc/${service.pid}/fd`).length;
  await churn(50);
  const before = count();
  await churn(10_000);
  await until('the descriptors are closed', () => Promise.resolve(count() <= before));
}, 600_000);

async function churn(sockets: number): Promise<void> {
  const one = async (): Promise<void> => {
    const { id } = await bound();
    expect((await service.del(`/v1/sockets/${id}`)).status).toBe(204);
  };
  for (let made = 0; made < sockets; made += 50) await Promise.all(Array.from({ length: 50 }, one));
}
