import { FarEnds } from '../support/far-ends.js';
import { stopPrograms, until } from '../support/peers.js';
import { type Service, startService } from '../support/service.js';
import { StreamClient, terminateClients } from '../support/ws-client.js';

const KiB = 1024;
const MiB = 1024 * KiB;
/** Beside what the bounds allow: what V8 keeps for itself, and lets grow as it likes. */
const ROOM = 48 * MiB;
/** Memory of bulk reads that the engine keeps for use again. */
const POOL = 16 * MiB;

/** Received bytes over all sockets. */
const BUDGET = 16 * MiB;

let service: Service;
let ends: FarEnds;

beforeAll(async () => {
  const env = { SOCKEYE_MAX_BUFFERED_BYTES: `${BUDGET}`, SOCKEYE_LOG_LEVEL: 'error' };
  service = await startService(env);
});

beforeEach(async () => {
  ends = await FarEnds.of(service);
});

afterEach(() => {
  terminateClients();
  ends.close();
});

afterAll(stopPrograms);

it('a socket that takes nothing stops nobody whose client keeps to its credit', async () => {
  const [stalled, other] = [await ends.connect(), await ends.connect()];
  const client = await StreamClient.open(service);
  const channels: number[] = [];
  for (const { id } of [stalled, other]) channels.push((await client.attach({ socketId: id })).channel);
  const [first, second] = channels as [number, number];
  // All the credit, after all that both kernels take, which comes back as credit.
  let credit = 0;
  const takeCredit = (): void => {
    for (const item of client.inbox.takeAll((each) => each.kind === 'message' && each.event === 'credit'))
      if (item.kind === 'message' && item.data.channel === first) credit += item.data.bytes!;
  };
  let silent = 0;
  while (silent < 3) {
    takeCredit();
    silent = credit === 0 ? silent + 1 : 0;
    for (; credit > 0; credit -= Math.min(credit, 64 * KiB))
      client.frame(first, Buffer.alloc(Math.min(credit, 64 * KiB)));
    await client.ask('ping');
  }
  expect((await service.socket(stalled.id)).sent.queuedBytes).toBeGreaterThan(0);
  client.frame(second, Buffer.from('goes through'));
  const [chunk] = await new Promise<[Buffer]>((resolve) =>
    other.peer.once('data', (data: Buffer) => resolve([data])).resume(),
  );
  expect(chunk.toString()).toBe('goes through');
}, 60_000);

it('frames that are refused give their credit back', async () => {
  const { id } = await ends.connect();
  const client = await StreamClient.open(service);
  const { channel } = await client.attach({ socketId: id });
  expect((await client.message('credit', channel)).data.bytes).toBe(MiB);
  const records = Buffer.alloc(512 * KiB);
  records[0] = 2;
  client.ws.send(Buffer.concat([Buffer.from([2, 0, 0, 0, 0, 0, 0, channel]), Buffer.alloc(8), records]));
  expect((await client.message('error', channel)).data.status).toBe(400);
  expect((await client.message('credit', channel)).data.bytes).toBe(512 * KiB);
});

it('what clients may send ahead is bounded over all channels', async () => {
  const sockets = await ends.many(270);
  const client = await StreamClient.open(service);
  client.say('attach', { attachments: sockets.map(({ id }) => ({ socketId: id })) });
  const credits: number[] = [];
  while (credits.length < sockets.length) credits.push((await client.message('credit')).data.bytes!);
  const promised = credits.reduce((sum, bytes) => sum + bytes, 0);
  expect(promised).toBeLessThanOrEqual(256 * MiB + 270 * 16 * KiB);
  expect(Math.min(...credits)).toBe(16 * KiB);
});

// Before the budget is full: what nobody reads outlives its socket for a while.
it('a reader that is away costs its window and no more', async () => {
  const { id, peer } = await ends.connect({ receive: { windowBytes: 256 * KiB } });
  const client = await StreamClient.open(service);
  await client.attach({ socketId: id, reader: 'away' });
  await client.close();
  const before = service.rss();
  peer.write(Buffer.alloc(ROOM + 16 * MiB));
  await until('the window is full', async () => (await service.socket(id)).received.paused);
  const { received } = await service.socket(id);
  expect(received.headOffset - received.committedOffset).toBe(256 * KiB);
  expect(service.rss() - before).toBeLessThan(ROOM);
});

it('channels with data and a reader that has stopped cost the byte budget and no more', async () => {
  // All windows together are ten times the budget, and more than what the test lets pass.
  const sockets = await ends.many(40, { receive: { windowBytes: 4 * MiB } });
  const client = await StreamClient.open(service);
  client.say('attach', { attachments: sockets.map(({ id }) => ({ socketId: id })) });
  await client.message('attached', sockets.length);
  const before = service.rss();
  client.stopReading();
  const bulk = Buffer.alloc(16 * MiB);
  for (const { peer } of sockets) peer.write(bulk);
  let most = 0;
  let left = 0;
  let still = 0;
  await until('the service reads no further', () => {
    most = Math.max(most, service.rss());
    const waiting = sockets.reduce((sum, { peer }) => sum + peer.writableLength, 0);
    still = waiting === left ? still + 1 : 0;
    left = waiting;
    return still >= 10;
  });
  expect(left).toBeGreaterThan(BUDGET);
  expect(most - before).toBeLessThan(BUDGET + POOL + ROOM);

  client.ws.resume();
  for (let bytes = 0; bytes < 2 * BUDGET;) {
    const frame = await client.inbox.take('a frame', ({ kind }) => kind === 'frame');
    if (frame.kind !== 'frame') continue;
    bytes += frame.bytes.length;
    client.ack(frame.channel, frame.offset + frame.bytes.length);
  }
}, 60_000);
