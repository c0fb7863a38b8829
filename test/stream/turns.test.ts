import fc from 'fast-check';
import { SMALLEST_PIECE_BYTES, Turns, type TurnTaker } from '../../src/modules/stream/channels/turns.js';

const QUANTUM = 64 * 1024;
/** What a turn may take at most: what was kept of the one before comes on top. */
const TURN = QUANTUM + SMALLEST_PIECE_BYTES;

/** Has so much to send, in pieces that memory cuts where it will. */
class Sender implements TurnTaker {
  sent = 0;

  constructor(
    readonly name: string,
    private readonly log: string[],
    public backlog = 0,
    private readonly pieceBytes = QUANTUM,
  ) {}

  step(maxBytes: number): number {
    const bytes = Math.min(maxBytes, this.pieceBytes, this.backlog);
    this.backlog -= bytes;
    this.sent += bytes;
    if (bytes > 0) this.log.push(this.name);
    return bytes;
  }
}

function drain(turns: Turns<Sender>): void {
  while (!turns.isEmpty) turns.step();
}

test('two that are always busy take turns, a quantum each', () => {
  const log: string[] = [];
  const turns = new Turns<Sender>(QUANTUM);
  for (const name of ['a', 'b']) turns.wake(new Sender(name, log, 3 * QUANTUM));
  drain(turns);
  expect(log.join('')).toBe('ababab');
});

test('who wakes goes before those that are busy, and after the piece that is going out', () => {
  const log: string[] = [];
  const turns = new Turns<Sender>(QUANTUM);
  for (let i = 0; i < 100; i += 1) turns.wake(new Sender('B', log, 100 * QUANTUM));
  for (let i = 0; i < 500; i += 1) turns.step();
  const before = log.length;
  turns.wake(new Sender('s', log, 64));
  while (!log.includes('s')) turns.step();
  expect(log.length - before).toBe(1);
});

test('who wakes again and again does not keep the others from their turns', () => {
  const log: string[] = [];
  const turns = new Turns<Sender>(QUANTUM);
  const bulk = new Sender('B', log, Infinity);
  const chatty = [new Sender('c', log), new Sender('c', log)];
  turns.wake(bulk);
  for (let i = 0; i < 2000; i += 1) {
    for (const sender of chatty) {
      sender.backlog = 4096;
      turns.wake(sender);
    }
    turns.step();
  }
  expect(bulk.sent).toBeGreaterThan(40 * QUANTUM);
  for (const { sent } of chatty) expect(bulk.sent - sent).toBeGreaterThan(-2 * TURN);
});

test('who is removed in its own step does not come back', () => {
  const turns = new Turns<TurnTaker>(QUANTUM);
  const leaver: TurnTaker = {
    step: () => {
      turns.remove(leaver);
      return 64;
    },
  };
  turns.wake(leaver);
  turns.step();
  expect(turns.isEmpty).toBe(true);
});

const sizes = fc.array(fc.integer({ min: 1, max: 3 * QUANTUM }), { minLength: 2, maxLength: 12 });

test('the busy get the same share, whatever the size of their pieces, to a turn', () => {
  fc.assert(
    fc.property(sizes, fc.integer({ min: 20, max: 2000 }), (pieces, steps) => {
      const turns = new Turns<Sender>(QUANTUM);
      const senders = pieces.map((size) => new Sender('x', [], Infinity, size));
      for (const sender of senders) turns.wake(sender);
      for (let i = 0; i < steps; i += 1) turns.step();
      const shares = senders.map(({ sent }) => sent);
      expect(Math.max(...shares) - Math.min(...shares)).toBeLessThanOrEqual(2 * TURN);
    }),
  );
});

test('everything goes out, whoever wakes when', () => {
  const wakes = fc.array(fc.tuple(fc.nat(9), fc.integer({ min: 1, max: 4 * QUANTUM }), fc.nat(6)));
  fc.assert(
    fc.property(wakes, (all) => {
      const turns = new Turns<Sender>(QUANTUM);
      const senders = Array.from({ length: 10 }, (_, i) => new Sender(`${i}`, []));
      for (const [who, bytes, steps] of all) {
        const sender = senders[who] as Sender;
        sender.backlog += bytes;
        turns.wake(sender);
        for (let i = 0; i < steps; i += 1) turns.step();
      }
      drain(turns);
      expect(senders.every(({ backlog }) => backlog === 0)).toBe(true);
    }),
  );
});
