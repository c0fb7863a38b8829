import { createHash } from 'node:crypto';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { Engine, StreamConnection } from '../../src/sockets/index.js';
import {
  LITTLE_BYTES_A_TURN,
  MAX_READ_BYTES,
  READ_BYTES_A_TURN,
  SHARED_READ_BYTES,
} from '../../src/sockets/limits.js';
import { ReadTurn, ReadTurns } from '../../src/sockets/stream/read-turns.js';
import { portOf } from '../support/ends.js';
import { startPeer, stopPrograms } from '../support/peers.js';
import { POLICY, TCP_LISTENER } from '../support/engine.js';

/** A connection whose peer always has more: reads as libuv does, up to 32 times a turn, until told to wait. */
class Greedy {
  bytes = 0;
  private waits = false;
  private readonly turn: ReadTurn;

  constructor(
    turns: ReadTurns,
    private readonly readBytes = MAX_READ_BYTES,
  ) {
    this.turn = new ReadTurn(turns, () => (this.waits = false));
  }

  poll(): void {
    for (let reads = 0; reads < 32 && !this.waits; reads++) {
      this.bytes += this.readBytes;
      this.waits = !this.turn.took(this.readBytes);
    }
  }

  leave(): void {
    this.turn.leave();
  }
}

function total(readers: readonly Greedy[]): number {
  return readers.reduce((sum, { bytes }) => sum + bytes, 0);
}

/** Lets all read for one turn of the loop; answers what that brought. */
async function turnOf(readers: readonly Greedy[]): Promise<number> {
  const before = total(readers);
  for (const reader of readers) reader.poll();
  await nextTurn();
  return total(readers) - before;
}

describe('the turns', () => {
  test('bring what one turn may bring, however many read, and to each the same', async () => {
    const turns = new ReadTurns();
    const readers = Array.from({ length: 50 }, () => new Greedy(turns));
    // Nobody is known to carry much before it has read once.
    expect(await turnOf(readers)).toBeLessThanOrEqual(READ_BYTES_A_TURN + 50 * MAX_READ_BYTES);
    const before = readers.map(({ bytes }) => bytes);
    for (let turn = 0; turn < 100; turn++) expect(await turnOf(readers)).toBe(READ_BYTES_A_TURN);
    const shares = readers.map(({ bytes }, index) => bytes - (before[index] ?? 0));
    const fair = (100 * READ_BYTES_A_TURN) / 50;
    expect(Math.min(...shares)).toBeGreaterThanOrEqual(fair - MAX_READ_BYTES);
    expect(Math.max(...shares)).toBeLessThanOrEqual(fair + MAX_READ_BYTES);
  });

  test('give all of it to one that reads alone', async () => {
    const alone = [new Greedy(new ReadTurns())];
    for (let turn = 0; turn < 10; turn++) expect(await turnOf(alone)).toBe(READ_BYTES_A_TURN);
  });

  test('weigh bytes, not reads', async () => {
    const turns = new ReadTurns();
    const small = new Greedy(turns, MAX_READ_BYTES / 8);
    const large = new Greedy(turns);
    for (let turn = 0; turn < 200; turn++) await turnOf([small, large]);
    expect(small.bytes / large.bytes).toBeGreaterThan(0.8);
    expect(small.bytes / large.bytes).toBeLessThan(1.25);
  });

  test('never let one wait that reads little, whatever the others do', async () => {
    const turns = new ReadTurns();
    const readers = Array.from({ length: 10 }, () => new Greedy(turns));
    const little = new ReadTurn(turns, () => undefined);
    for (let turn = 0; turn < 50; turn++) {
      for (const reader of readers) reader.poll();
      expect(little.took(LITTLE_BYTES_A_TURN - 1)).toBe(true);
      await nextTurn();
    }
  });

  test('go on when it is the turn of one that has nothing to read, or is gone', async () => {
    const turns = new ReadTurns();
    const stalled = new Greedy(turns);
    const others = Array.from({ length: 4 }, () => new Greedy(turns));
    const gone = new Greedy(turns);
    await turnOf([stalled, ...others, gone]);
    gone.leave();
    const before = gone.bytes;
    for (let turn = 0; turn < 40; turn++) await turnOf(others);
    expect(total(others)).toBeGreaterThan(38 * READ_BYTES_A_TURN);
    gone.poll();
    expect(gone.bytes).toBe(before);
  });
});

test('connections that were kept back all go on at once, and no turn of the loop brings more than it may', async () => {
  const CONNECTIONS = 24;
  const BYTES = 4 * 1024 * 1024;
  const engine = new Engine({
    policy: POLICY,
  });
  try {
    const connections: StreamConnection[] = [];
    engine.onEvent(({ name, socket }) => {
      if (name !== 'accepted' || !(socket instanceof StreamConnection)) return;
      socket.pause();
      connections.push(socket);
    });
    const receive = { ...TCP_LISTENER.receive, windowBytes: 2 * BYTES };
    const listener = await engine.listen({ ...TCP_LISTENER, maxConnections: CONNECTIONS, receive });
    const sender = startPeer(
      'flood.py',
      ['--connect', `127.0.0.1:${portOf(listener)}`, '--connections', `${CONNECTIONS}`].concat([
        '--bytes',
        `${BYTES}`,
      ]),
    );
    await sender.event('stalled'); // the kernel holds what it can of all of them

    const received = (): number => connections.reduce((sum, { log }) => sum + log.headOffset, 0);
    for (const connection of connections) connection.resume();
    for (let before = received(); before < CONNECTIONS * BYTES;) {
      await nextTurn();
      const now = received();
      expect(now - before).toBeLessThanOrEqual(READ_BYTES_A_TURN + CONNECTIONS * SHARED_READ_BYTES);
      before = now;
    }

    const sums = new Map<number, string>();
    while (sums.size < CONNECTIONS) {
      const { port, sha256 } = await sender.event('sent');
      sums.set(port!, sha256!);
    }
    for (const { log, remoteAddress } of connections) {
      const hash = createHash('sha256');
      const view = log.observe('earliest', () => undefined);
      for (let piece = view.read(BYTES); piece?.kind === 'bytes'; piece = view.read(BYTES))
        hash.update(piece.bytes);
      expect(hash.digest('hex')).toBe(sums.get((remoteAddress as { port: number }).port));
    }
  } finally {
    await engine.close();
    await stopPrograms();
  }
}, 30_000);
