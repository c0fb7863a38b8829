import { createHash, randomBytes } from 'node:crypto';
import { SendInterruptedError, type Channel } from '../../clients/typescript/src/index.js';
import { dial, startPeer, until } from '../support/peers.js';
import { seeded } from '../support/ws-client.js';
import { cuttable } from './cuttable.js';

const TOTAL = 50_000_000;
const CUTS = 40;

const at = cuttable();

/** Cuts the way each time that so many more bytes went along, so that there is something under way each time. */
function cutOften(direction: 'onReceived' | 'onSent', total: number, cuts: number): void {
  const random = seeded(11);
  const step = (): number => (total / cuts) * (0.5 + random());
  let left = step();
  let done = 0;
  at.way[direction] = (bytes) => {
    left -= bytes;
    if (left > 0 || done === cuts) return;
    left = step();
    done += 1;
    at.way.cut();
  };
}

async function hashOf(channel: Channel): Promise<{ bytes: number; sha256: string }> {
  const hash = createHash('sha256');
  let count = 0;
  for await (const bytes of channel) {
    hash.update(bytes);
    count += bytes.length;
  }
  return { bytes: count, sha256: hash.digest('hex') };
}

it('50 MB come once and in order over a WebSocket that is cut 40 times', async () => {
  const listener = await at.service.listen();
  const sender = startPeer('flood.py', ['--connect', `127.0.0.1:${listener.port}`, '--bytes', `${TOTAL}`]);
  const { ports } = await sender.event('connected');
  const { id } = await at.service.connection(listener.id, ports![0]!);
  const channel = await at.connection.attach({ socketId: id, windowBytes: 512 * 1024 });
  cutOften('onReceived', TOTAL, CUTS);
  const received = await hashOf(channel);
  const sent = await sender.event('sent');
  expect(received).toEqual({ bytes: TOTAL, sha256: sent.sha256 });
  expect(channel.eofOffset).toBe(TOTAL);
  // The listener's own, then one for each cut, unless two cuts fell into one attempt.
  expect(at.way.made).toBeGreaterThan(CUTS / 2);
  await at.connection.ping();
  expect((await at.service.socket(id)).received.committedOffset).toBe(TOTAL);
}, 60_000);

it('the connections of a listener go on with it, and new ones come while it is cut', async () => {
  const peers = 8;
  const each = 2_000_000;
  const listener = await at.connection.listen({ port: 0 }, { windowBytes: 128 * 1024 });
  const { port } = listener.socket.localAddress as { port: number };
  cutOften('onReceived', peers * each, 15);
  const sending = ['1', '2'].map((seed) =>
    startPeer('flood.py', [
      ...['--connect', `127.0.0.1:${port}`, '--bytes', `${each}`],
      ...['--connections', `${peers / 2}`, '--seed', seed],
    ]),
  );
  const received: Promise<{ bytes: number; sha256: string }>[] = [];
  for await (const channel of listener) {
    received.push(hashOf(channel));
    if (received.length === peers) break;
  }
  const came = await Promise.all(received);
  const said: (string | undefined)[] = [];
  for (const sender of sending)
    for (let i = 0; i < peers / 2; i += 1) said.push((await sender.event('sent')).sha256);
  expect(came.map(({ bytes }) => bytes)).toEqual(Array<number>(peers).fill(each));
  expect(came.map(({ sha256 }) => sha256).sort()).toEqual(said.sort());
  expect(at.way.made).toBeGreaterThan(5);
}, 60_000);

/** Sends all of it, going on where the error says that it broke. */
async function sendWhole(channel: Channel, bytes: Uint8Array): Promise<number> {
  let interruptions = 0;
  for (let at = 0; at < bytes.length;) {
    try {
      await channel.send(bytes.subarray(at));
      return interruptions;
    } catch (error) {
      if (!(error instanceof SendInterruptedError)) throw error;
      expect(error).toMatchObject({ isCounted: true, lostBefore: 0 });
      interruptions += 1;
      at += error.bytesSent;
    }
  }
  return interruptions;
}

it('of a send that is cut off it is known what arrived: going on from there sends 50 MB once', async () => {
  const listener = await at.service.listen();
  const peer = await dial(listener.port);
  const { id } = await at.service.connection(listener.id, peer.localPort);
  const channel = await at.connection.attach({ socketId: id });
  const bytes = randomBytes(TOTAL);
  const end = peer.ask({ do: 'drain' }, 'eof', 60_000);
  cutOften('onSent', TOTAL, CUTS);
  const interruptions = await sendWhole(channel, bytes);
  at.way.onSent = () => undefined;
  await channel.shutdown();
  const sha256 = createHash('sha256').update(bytes).digest('hex');
  expect(await end).toMatchObject({ bytes: TOTAL, sha256 });
  expect(interruptions).toBeGreaterThan(5);
}, 60_000);

it('whose sender is the only one has nothing to do about it: 50 MB of small sends arrive once', async () => {
  const listener = await at.service.listen();
  const peer = await dial(listener.port);
  const { id } = await at.service.connection(listener.id, peer.localPort);
  const channel = await at.connection.attach({ socketId: id, isOnlySender: true });
  const bytes = randomBytes(TOTAL);
  const end = peer.ask({ do: 'drain' }, 'eof', 60_000);
  cutOften('onSent', TOTAL, CUTS);
  for (let at = 0; at < TOTAL; at += 100_000) {
    const part = Uint8Array.from(bytes.subarray(at, at + 100_000));
    await channel.send(part);
    // Once it is sent it is the caller's again.
    part.fill(0);
  }
  await channel.shutdown();
  const sha256 = createHash('sha256').update(bytes).digest('hex');
  expect(await end).toMatchObject({ bytes: TOTAL, sha256 });
  expect(at.way.made).toBeGreaterThan(5);
}, 60_000);

it('a shutdown of which the answer was cut off is done: the socket has closed, and nothing has failed', async () => {
  const listener = await at.service.listen();
  const peer = await dial(listener.port);
  const { id } = await at.service.connection(listener.id, peer.localPort);
  const channel = await at.connection.attach({ socketId: id });
  await peer.ask({ do: 'shutdown' }, 'shut-down');
  const end = peer.ask({ do: 'drain' }, 'eof');
  expect((await hashOf(channel)).bytes).toBe(0);
  at.way.silenceService();
  const done = channel.shutdown();
  expect((await end).bytes).toBe(0);
  await until('it is closed', async () => (await at.service.socket(id)).state === 'closed');
  at.way.restore();
  at.way.cut();
  await done;
  expect(await channel.ended).toMatchObject({ kind: 'closed' });
});
