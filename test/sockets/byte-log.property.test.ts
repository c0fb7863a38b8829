import fc from 'fast-check';
import type { Dropped } from '../../src/sockets/receive/flow-events.js';
import { SocketError } from '../../src/sockets/errors.js';
import {
  readWhole,
  type BytesPiece,
  type LogReader,
  type LogView,
} from '../../src/sockets/receive/log-view.js';
import { ReceiveBudget } from '../../src/sockets/receive/receive-budget.js';
import { ByteLog, type StreamOverflow } from '../../src/sockets/receive/byte-log.js';
import type { StartAt } from '../../src/sockets/receive/receive-log.js';

/** The byte at each offset is known, so that any read can be checked without keeping a copy. */
const byteAt = (offset: number): number => (offset * 31 + (offset >>> 8) * 7) & 0xff;
const bytesAt = (offset: number, count: number): Buffer =>
  Buffer.from(Array.from({ length: count }, (_, i) => byteAt(offset + i)));

type Step =
  | { do: 'append'; count: number; lend: boolean }
  | { do: 'attach'; name: string; from: 'committed' | 'earliest' | 'live' | number }
  | { do: 'observe'; from: 'committed' | 'earliest' | 'live' | number }
  | { do: 'read'; view: number; maxBytes: number }
  | { do: 'ack'; view: number; share: number }
  | { do: 'detach'; view: number }
  | { do: 'commit'; name: string; share: number }
  | { do: 'remove'; name: string }
  | { do: 'forget-history' }
  | { do: 'end' };

const name = fc.constantFrom('a', 'b', 'main');
const from = fc.oneof(
  fc.constantFrom('committed' as const, 'earliest' as const, 'live' as const),
  fc.nat({ max: 400 }),
);
const share = fc.double({ min: 0, max: 1, noNaN: true });
const view = fc.nat({ max: 5 });

const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      do: fc.constant('append' as const),
      count: fc.integer({ min: 1, max: 90 }),
      lend: fc.boolean(),
    }),
  },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('attach' as const), name, from }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('observe' as const), from }) },
  {
    weight: 6,
    arbitrary: fc.record({
      do: fc.constant('read' as const),
      view,
      maxBytes: fc.integer({ min: 1, max: 70 }),
    }),
  },
  { weight: 4, arbitrary: fc.record({ do: fc.constant('ack' as const), view, share }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('detach' as const), view }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('commit' as const), name, share }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('remove' as const), name }) },
  { weight: 1, arbitrary: fc.constant({ do: 'forget-history' as const }) },
  { weight: 1, arbitrary: fc.constant({ do: 'end' as const }) },
);

/** A view as the test follows it: what it must get next, and whether it still may. */
interface Follower {
  view: LogView<BytesPiece>;
  next: number;
  /** Name of a consuming reader. */
  name: string | null;
  live: boolean;
}

/** The log under test beside a model of its readers that is too simple to be wrong. */
class Scenario {
  readonly log: ByteLog;
  readonly followers: Follower[] = [];
  private readonly cursors = new Map<string, number>();
  private unclaimed: number | null = 0;
  private ended = false;
  private roomCalls = 0;
  private toldDropped = { bytes: 0, upTo: 0 };

  constructor(
    readonly windowBytes: number,
    readonly overflow: StreamOverflow,
  ) {
    const onRoom = (): number => (this.roomCalls += 1);
    const onDropped = (gap: Dropped): void => this.noteDropped(gap);
    const options = { windowBytes, overflow, now: () => 0, onRoom, onDropped };
    this.log = new ByteLog(options, new ReceiveBudget(2 ** 30));
  }

  run(step: Step): void {
    const roomBefore = this.log.room;
    const callsBefore = this.roomCalls;
    this.apply(step);
    if (roomBefore === 0 && this.log.room > 0) expect(this.roomCalls).toBeGreaterThan(callsBefore);
    this.check();
  }

  private apply(step: Step): void {
    switch (step.do) {
      case 'append':
        return this.append(step.count, step.lend);
      case 'attach':
        return this.attach(step.name, step.from);
      case 'observe':
        return this.observe(step.from);
      case 'read':
        return this.read(step.view, step.maxBytes);
      case 'ack':
        return this.ack(step.view, step.share);
      case 'detach':
        return this.detach(step.view);
      case 'commit':
        return this.commit(step.name, step.share);
      case 'remove':
        return this.remove(step.name);
      case 'forget-history':
        return this.log.forgetHistory();
      case 'end':
        this.ended = true;
        return this.log.end();
    }
  }

  private append(wanted: number, lend: boolean): void {
    const count = Math.min(wanted, this.log.room);
    if (count === 0 || this.ended) return;
    const bytes = bytesAt(this.log.headOffset, count);
    if (lend) {
      const memory = this.log.lend(count);
      const fits = Math.min(count, memory.length);
      bytes.copy(memory, 0, 0, fits);
      this.log.append(fits);
    } else {
      this.log.write(bytes);
    }
  }

  private attach(name: string, from: StartAt): void {
    if (typeof from === 'number' && from > this.log.headOffset) {
      expect(() => this.log.attach(name, from, noop, noop)).toThrow(SocketError);
      return;
    }
    const own = this.cursors.get(name) ?? this.unclaimed ?? this.log.earliestOffset;
    const start = from === 'committed' ? own : this.offsetOf(from);
    const follower: Follower = {
      view: null as unknown as LogReader<BytesPiece>,
      next: start,
      name,
      live: true,
    };
    const previous = this.followers.find((other) => other.name === name && other.live);
    let told = false;
    if (previous !== undefined) this.onTakenOver.set(previous, () => (told = true));
    follower.view = this.log.attach(name, from, noop, () => this.onTakenOver.get(follower)?.());
    if (previous !== undefined) {
      expect(told).toBe(true);
      previous.live = false;
    }
    expect(follower.view.position).toBe(start);
    this.cursors.set(name, start);
    this.unclaimed = null;
    this.followers.push(follower);
  }

  private readonly onTakenOver = new Map<Follower, () => void>();

  private observe(from: StartAt): void {
    if (typeof from === 'number' && from > this.log.headOffset) return;
    const start = from === 'committed' ? this.log.committedOffset : this.offsetOf(from);
    const view = this.log.observe(from, noop);
    expect(view.position).toBe(start);
    this.followers.push({ view, next: start, name: null, live: true });
  }

  private offsetOf(from: StartAt): number {
    if (from === 'earliest') return this.log.earliestOffset;
    return from === 'live' ? this.log.headOffset : (from as number);
  }

  /** In order, nothing twice, no hole without a gap of exact bounds. */
  private read(index: number, maxBytes: number): void {
    const follower = this.followers[index];
    if (follower?.live !== true) return;
    const held = this.log.earliestOffset;
    const piece = follower.view.read(maxBytes);
    if (follower.next < held) {
      expect(piece).toEqual({ kind: 'gap', from: follower.next, to: held });
      follower.next = held;
    } else if (follower.next === this.log.headOffset) {
      expect(piece).toBeNull();
    } else {
      expect(piece).toMatchObject({ kind: 'bytes', offset: follower.next });
      const { bytes } = piece as { bytes: Buffer };
      expect(bytes.length).toBeGreaterThan(0);
      expect(bytes.length).toBeLessThanOrEqual(maxBytes);
      expect(bytes.equals(bytesAt(follower.next, bytes.length))).toBe(true);
      follower.next += bytes.length;
    }
    expect(follower.view.position).toBe(follower.next);
  }

  private ack(index: number, share: number): void {
    const follower = this.followers[index];
    if (follower === undefined || follower.name === null) return;
    const reader = follower.view as LogReader<BytesPiece>;
    if (!follower.live) {
      reader.commit(0); // of no effect: somebody else has the name
      return;
    }
    expect(() => reader.commit(follower.next + 1)).toThrow(SocketError);
    const offset = Math.floor(follower.next * share);
    reader.commit(offset);
    this.cursors.set(follower.name, Math.max(offset, this.cursors.get(follower.name) ?? 0));
  }

  private detach(index: number): void {
    const follower = this.followers[index];
    if (follower === undefined) return;
    follower.view.detach();
    follower.live = false;
  }

  private commit(name: string, share: number): void {
    const offset = Math.floor(this.log.headOffset * share);
    if (this.followers.some((follower) => follower.name === name && follower.live)) {
      expect(() => this.log.commit(name, offset)).toThrow(SocketError);
      return;
    }
    const own = this.cursors.get(name) ?? this.unclaimed ?? this.log.earliestOffset;
    expect(this.log.commit(name, offset)).toBe(Math.max(own, offset));
    this.cursors.set(name, Math.max(own, offset));
    this.unclaimed = null;
  }

  private remove(name: string): void {
    const cursor = this.cursors.get(name);
    if (cursor === undefined) {
      expect(() => this.log.removeReader(name)).toThrow(SocketError);
      return;
    }
    this.log.removeReader(name);
    this.cursors.delete(name);
    if (this.cursors.size === 0) this.unclaimed = cursor;
    for (const follower of this.followers) if (follower.name === name) follower.live = false;
  }

  /** What is told of drops comes in order, and no byte is in it twice. */
  private noteDropped({ from, to, dropped }: Dropped): void {
    expect(from).toBeGreaterThanOrEqual(this.toldDropped.upTo);
    expect(to).toBeGreaterThan(from);
    expect(dropped).toBe(to - from);
    this.toldDropped = { bytes: this.toldDropped.bytes + dropped, upTo: to };
  }

  private check(): void {
    expect(this.log.droppedBytes).toBe(this.toldDropped.bytes);
    const { headOffset, earliestOffset, committedOffset, room } = this.log;
    const lowest = Math.min(this.unclaimed ?? Infinity, ...this.cursors.values());
    expect(headOffset - earliestOffset).toBeLessThanOrEqual(this.windowBytes);
    expect(committedOffset).toBe(Math.max(lowest, earliestOffset));
    if (this.overflow === 'drop-oldest') return;
    // What was not committed is there, but for what was gone already when a reader asked to go back.
    expect(room).toBe(this.windowBytes - (headOffset - committedOffset));
    expect(room === 0).toBe(headOffset - committedOffset === this.windowBytes);
    expect(this.log.droppedBytes).toBe(0);
  }
}

const noop = (): void => undefined;

describe('a receive log', () => {
  const windows = fc.integer({ min: 1, max: 200 });

  test('keeps order and cursors, and is full exactly when its window is, whatever is done to it', () => {
    fc.assert(
      fc.property(windows, fc.array(step, { maxLength: 120 }), (windowBytes, steps) => {
        const scenario = new Scenario(windowBytes, 'pause');
        for (const one of steps) scenario.run(one);
      }),
      { numRuns: 500 },
    );
  });

  test('as a live feed never stops its source, and tells every hole with its exact bounds', () => {
    fc.assert(
      fc.property(windows, fc.array(step, { maxLength: 120 }), (windowBytes, steps) => {
        const scenario = new Scenario(windowBytes, 'drop-oldest');
        for (const one of steps) {
          scenario.run(one);
          expect(scenario.log.room).toBe(windowBytes);
        }
      }),
      { numRuns: 500 },
    );
  });

  test('gives a consuming reader that always starts at its cursor every byte, across any cuts', () => {
    const cut = fc.record({
      append: fc.nat({ max: 100 }),
      read: fc.nat({ max: 100 }),
      ackShare: share,
      detach: fc.boolean(),
    });
    fc.assert(
      fc.property(windows, fc.array(cut, { maxLength: 60 }), (windowBytes, rounds) => {
        const { log } = new Scenario(windowBytes, 'pause');
        let reader = log.attach('main', 'committed', noop, noop);
        let acked = 0;
        for (const round of rounds) {
          const count = Math.min(round.append, log.room);
          log.write(bytesAt(log.headOffset, count));
          const before = reader.position;
          const piece = round.read === 0 ? null : readWhole(reader, round.read);
          if (piece?.kind === 'bytes')
            expect(piece.bytes.equals(bytesAt(before, piece.bytes.length))).toBe(true);
          expect(piece?.kind).not.toBe('gap');
          acked = Math.max(acked, acked + Math.floor((reader.position - acked) * round.ackShare));
          reader.commit(acked);
          if (!round.detach) continue;
          reader.detach();
          reader = log.attach('main', 'committed', noop, noop);
          expect(reader.position).toBe(acked);
        }
      }),
      { numRuns: 300 },
    );
  });
});
