import type { Socket } from 'node:net';
import { type Connected, FarEnds } from '../support/far-ends.js';
import { dial, stopPrograms, until } from '../support/peers.js';
import { type List, type Service, type SocketView, startService } from '../support/service.js';
import { encode, PipeClient, StreamClient, terminateClients } from '../support/ws-client.js';

/* Clients that ask for more than their share: what they can pile up in the service is bounded. */

const MiB = 1024 * 1024;
const MEMORY = 128 * MiB;

let service: Service;
let ends: FarEnds;

beforeEach(async () => {
  service = await startService();
  ends = await FarEnds.of(service);
});

afterEach(async () => {
  terminateClients();
  ends.close();
  await stopPrograms();
});

/** What the service does not take stays with the client: its bytes, once they stand still while the service has turns. */
async function leftWaiting(client: StreamClient | PipeClient): Promise<number> {
  let last = -1;
  let still = 0;
  await until('the service reads no further', async () => {
    await service.get('/health/live');
    still = client.ws.bufferedAmount === last ? still + 1 : 0;
    last = client.ws.bufferedAmount;
    return still >= 10;
  });
  return last;
}

/** A short frame as a client sends it, with a mask of zeros (RFC 6455, 5.2). */
function masked(head: number, payload: Buffer): Buffer {
  return Buffer.concat([Buffer.from([head, 0x80 | payload.length, 0, 0, 0, 0]), payload]);
}

/** The TCP connection under its WebSocket. */
function connectionOf(client: StreamClient | PipeClient): Socket {
  return (client.ws as unknown as { _socket: Socket })._socket;
}

/** Sends to peers that do not read, past the credit, until their kernels take no more. */
async function stall(client: StreamClient, channels: number[]): Promise<void> {
  const data = 'x'.repeat(MiB / 2);
  for (const channel of channels) for (let i = 0; i < 15; i += 1) client.say('send', { channel, data });
  await until('all of them hold some of it', async () => {
    const { body } = await service.get<List<SocketView>>('/v1/sockets?limit=10');
    return body.items.filter(({ sent }) => sent.queuedBytes > 0).length === channels.length;
  });
}

it('a client that asks and does not read the answers is not read any further', async () => {
  const before = service.rss();
  const client = await StreamClient.open(service);
  client.stopReading();
  const text = 'x'.repeat(MiB);
  for (let i = 0; i < 400; i += 1) client.say('ping', text);
  expect(await leftWaiting(client)).toBeGreaterThan(200 * MiB);
  expect(service.rss() - before).toBeLessThan(MEMORY);
}, 30_000);

it('small sends on one channel do not let a client send beyond its credit on another', async () => {
  const listener = await service.listen();
  // Neither reads what it gets, until it is told to.
  await dial(listener.port);
  await dial(listener.port);
  const client = await StreamClient.open(service);
  await client.attach({ listenerId: listener.id });
  const channels = [await client.message('accepted'), await client.message('accepted')];
  const before = service.rss();
  const [first, second] = channels.map(({ data }) => data.channel!);
  for (let i = 0; i < 300; i += 1) {
    client.frame(first!, Buffer.alloc(MiB));
    client.frame(second!, Buffer.from('x'));
  }
  expect(await leftWaiting(client)).toBeGreaterThan(200 * MiB);
  expect(service.rss() - before).toBeLessThan(MEMORY);
}, 30_000);

it('frames of one byte that wait are the bytes they are, on however many channels', async () => {
  const CHANNELS = 24;
  const FRAMES = 16_000;
  const there = await ends.many(CHANNELS, { options: { SO_SNDBUF: 4096 } });
  const client = await StreamClient.open(service);
  const channels: number[] = [];
  for (const { id } of there) channels.push((await client.attach({ socketId: id })).channel);
  for (const channel of channels) client.frame(channel, Buffer.alloc(MiB / 2));
  const holdsSome = async ({ id }: Connected): Promise<boolean> =>
    (await service.socket(id)).sent.queuedBytes > 0;
  await until('all wait', async () => (await Promise.all(there.map(holdsSome))).every(Boolean));
  const before = service.rss();
  // What comes for one channel after the other is not put together as it comes.
  const frames = channels.map((channel) => masked(0x82, encode(channel, Buffer.from('y'))));
  const block = Buffer.concat(Array<Buffer>(1000).fill(Buffer.concat(frames)));
  for (let i = 0; i < FRAMES / 1000; i += 1) connectionOf(client).write(block);
  expect((await client.ask('ping', null)).event).toBe('pong');
  expect(service.rss() - before).toBeLessThan(MEMORY / 2);
  let came = 0;
  for (const { peer } of there)
    peer.on('data', (data: Buffer) => (came += data.filter((byte) => byte === 0x79).length)).resume();
  await until('all of them come', () => came === CHANNELS * FRAMES, 30_000);
}, 60_000);

it.each(['send', 'close'])(
  'a %s that waits is bounded in number, however short',
  async (event) => {
    const listener = await service.listen();
    await dial(listener.port);
    const client = await StreamClient.open(service);
    await client.attach({ listenerId: listener.id });
    const channel = (await client.message('accepted')).data.channel!;
    await stall(client, [channel]);
    const before = service.rss();
    const data = event === 'send' ? { channel, data: 'x' } : { channel };
    const message = masked(0x81, Buffer.from(JSON.stringify({ event, data })));
    const block = Buffer.concat(Array<Buffer>(10_000).fill(message));
    for (let i = 0; i < 40; i += 1) connectionOf(client).write(block);
    expect(await leftWaiting(client)).toBeGreaterThan(5 * MiB);
    expect(service.rss() - before).toBeLessThan(MEMORY);
  },
  60_000,
);

const BLOCKS = 100;

/** 8,000 pings of 125 bytes each, with a mask of zeros (RFC 6455, 5.5.2). */
const PINGS = Buffer.concat(Array<Buffer>(8_000).fill(masked(0x89, Buffer.alloc(125))));

it.each(['stream', 'pipe'])(
  'a client of /v1/%s that pings and does not read the pongs is not read any further, until it reads',
  async (path) => {
    const { port } = await service.listen();
    const client =
      path === 'stream'
        ? await StreamClient.open(service)
        : await PipeClient.open(service, `host=127.0.0.1&port=${port}`);
    const before = service.rss();
    client.stopReading();
    for (let i = 0; i < BLOCKS; i += 1) connectionOf(client).write(PINGS);
    expect(await leftWaiting(client)).toBeGreaterThan(50 * MiB);
    expect(service.rss() - before).toBeLessThan(MEMORY);
    let pongs = 0;
    client.ws.on('pong', () => (pongs += 1)).resume();
    await until('all are answered', () => pongs === BLOCKS * 8_000);
  },
  60_000,
);
