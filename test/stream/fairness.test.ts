import { serviceWithEnds } from '../support/far-ends.js';
import { StreamClient } from '../support/ws-client.js';

/* By the order of frames alone: what stands in front of what does not depend on how fast the machine is. */

const QUANTUM = 64 * 1024;
/** What is left of a quantum may be kept for the next turn. */
const TURN = QUANTUM + 4096;
const BULK = 1024 * 1024;

const at = serviceWithEnds();

/** Attaches to all by one message; the frames, in the order they came, until every byte is there. */
async function read(ids: string[], bytes: number): Promise<{ index: number; bytes: number }[]> {
  const client = await StreamClient.open(at.service);
  client.say('attach', { attachments: ids.map((socketId) => ({ socketId })) });
  const indexes = new Map<number, number>();
  const frames: { index: number; bytes: number }[] = [];
  let left = bytes;
  for await (const item of client) {
    if (item.kind === 'message') {
      if (item.event === 'attached') indexes.set(item.data.channel!, item.data.index as number);
      continue;
    }
    frames.push({ index: indexes.get(item.channel)!, bytes: item.bytes.length });
    client.ack(item.channel, item.offset + item.bytes.length);
    left -= item.bytes.length;
    if (left === 0) break;
  }
  return frames;
}

it('channels that all have a backlog get the same share, whatever order they are in', async () => {
  const channels = 10;
  const backlogs = await at.ends.withBacklog(channels, BULK);
  const frames = await read(
    backlogs.map(({ id }) => id),
    channels * BULK,
  );
  const shares = Array.from({ length: channels }, () => 0);
  for (const { index, bytes } of frames) {
    shares[index]! += bytes;
    // As long as all have something left.
    if (Math.max(...shares) === BULK) break;
    expect(Math.max(...shares) - Math.min(...shares)).toBeLessThanOrEqual(2 * TURN);
  }
  expect(Math.min(...shares)).toBeGreaterThan(BULK - 3 * TURN);
});

it('a message of 64 bytes waits for one quantum of each bulk channel before it, and for no second one', async () => {
  const bulk = await at.ends.withBacklog(8, BULK);
  const [small] = await at.ends.withBacklog(1, 64);
  const frames = await read([...bulk.map(({ id }) => id), small!.id], 8 * BULK + 64);
  const before = frames.slice(
    0,
    frames.findIndex(({ index }) => index === 8),
  );
  const each = bulk.map((_, i) =>
    before.filter(({ index }) => index === i).reduce((sum, { bytes }) => sum + bytes, 0),
  );
  expect(Math.max(...each)).toBeLessThanOrEqual(TURN);
});
