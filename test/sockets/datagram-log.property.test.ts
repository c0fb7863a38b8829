import fc from 'fast-check';
import { DatagramLog, type DatagramOverflow } from '../../src/sockets/datagram/datagram-log.js';
import { readRecord, type Arrival } from '../../src/sockets/datagram/datagram-record.js';
import type { Dropped } from '../../src/sockets/receive/flow-events.js';
import type { DatagramsPiece, LogReader, LogView } from '../../src/sockets/receive/log-view.js';
import { ReceiveBudget } from '../../src/sockets/receive/receive-budget.js';
import type { StartAt } from '../../src/sockets/receive/receive-log.js';

/** What the window counts for an IPv4 datagram beside its payload. */
const OVERHEAD_BYTES = 40;

type Step =
  | { do: 'arrive'; bytes: number }
  | { do: 'miss'; count: number }
  | { do: 'attach'; name: string; from: StartAt }
  | { do: 'observe'; from: StartAt }
  | { do: 'read'; view: number; maxBytes: number }
  | { do: 'ack'; view: number; share: number }
  | { do: 'detach'; view: number }
  | { do: 'forget-history' };

const from = fc.constantFrom('committed' as const, 'earliest' as const, 'live' as const);
const view = fc.nat({ max: 4 });
const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 8,
    arbitrary: fc.record({
      do: fc.constant('arrive' as const),
      bytes: fc.oneof(fc.nat({ max: 90 }), fc.nat({ max: 3000 })),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({ do: fc.constant('miss' as const), count: fc.integer({ min: 1, max: 5 }) }),
  },
  {
    weight: 2,
    arbitrary: fc.record({ do: fc.constant('attach' as const), name: fc.constantFrom('a', 'b'), from }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('observe' as const), from }) },
  {
    weight: 6,
    arbitrary: fc.record({
      do: fc.constant('read' as const),
      view,
      maxBytes: fc.integer({ min: 1, max: 4000 }),
    }),
  },
  {
    weight: 4,
    arbitrary: fc.record({
      do: fc.constant('ack' as const),
      view,
      share: fc.double({ min: 0, max: 1, noNaN: true }),
    }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('detach' as const), view }) },
  { weight: 1, arbitrary: fc.constant({ do: 'forget-history' as const }) },
);

/** Sequence number and length tell the payload, so that any read can be checked without keeping a copy. */
const payloadOf = (sequence: number, bytes: number): Buffer => Buffer.alloc(bytes, (sequence * 7 + 1) & 0xff);

function arrival(sequence: number, bytes: number): Arrival {
  const names = Buffer.from([0, 0, 10, 0, 0, sequence & 0xff]);
  const memory = Buffer.concat([Buffer.from('before'), payloadOf(sequence, bytes)]);
  const place = { names, nameStart: 2, nameEnd: 6, bytes: memory, start: 6, end: memory.length };
  return { hops: 0, timeMicros: 1_700_000_000_000_000 + sequence, port: 5000 + (sequence & 7), ...place };
}

interface Follower {
  view: LogView<DatagramsPiece>;
  next: number;
  name: string | null;
  live: boolean;
}

/** The log under test beside a model that keeps whole arrays: too simple to be wrong. */
class Scenario {
  readonly log: DatagramLog;
  private readonly followers: Follower[] = [];
  private readonly cursors = new Map<string, number>();
  private unclaimed: number | null = 0;
  private held: { sequence: number; bytes: number }[] = [];
  private head = 0;
  private dropped = 0;
  private droppedBytes = 0;
  private toldDropped = 0;

  constructor(
    private readonly windowBytes: number,
    private readonly overflow: DatagramOverflow,
  ) {
    const onDropped = (gap: Dropped): number => (this.toldDropped += gap.dropped);
    const options = { windowBytes, overflow, unix: false, echo: null, now: () => 0, onRoom: noop, onDropped };
    this.log = new DatagramLog(options, new ReceiveBudget(2 ** 30));
  }

  run(step: Step): void {
    if (step.do === 'arrive') this.arrive(step.bytes);
    else if (step.do === 'miss') this.miss(step.count);
    else if (step.do === 'attach') this.attach(step.name, step.from);
    else if (step.do === 'observe') this.observe(step.from);
    else if (step.do === 'forget-history') this.forgetHistory();
    else this.withFollower(step);
    this.check();
  }

  private arrive(bytes: number): void {
    this.log.append(arrival(this.head, bytes));
    if (this.overflow === 'drop-newest') {
      const fits = (): boolean => this.heldBytes + bytes + OVERHEAD_BYTES <= this.windowBytes;
      while (!fits() && (this.held[0]?.sequence ?? Infinity) < this.lowest) this.held.shift();
      if (fits() || this.held.length === 0) this.held.push({ sequence: this.head, bytes });
      else this.drop(bytes);
    } else {
      this.held.push({ sequence: this.head, bytes });
    }
    this.head += 1;
    while (this.overflow === 'drop-oldest' && this.held.length > 1 && this.heldBytes > this.windowBytes) {
      const [oldest] = this.held.splice(0, 1);
      if (oldest !== undefined && oldest.sequence >= this.lowest) this.drop(oldest.bytes);
    }
  }

  private drop(bytes: number): void {
    this.dropped += 1;
    this.droppedBytes += bytes;
  }

  private miss(count: number): void {
    this.log.missed(count);
    this.head += count;
  }

  private attach(name: string, from: StartAt): void {
    const own = this.cursors.get(name) ?? this.unclaimed ?? this.earliest;
    const start = from === 'committed' ? own : this.offsetOf(from);
    for (const other of this.followers) if (other.name === name) other.live = false;
    const reader = this.log.attach(name, from, noop, noop);
    expect(reader.position).toBe(start);
    this.cursors.set(name, start);
    this.unclaimed = null;
    this.followers.push({ view: reader, next: start, name, live: true });
  }

  private observe(from: StartAt): void {
    const start = from === 'committed' ? Math.max(this.lowest, this.earliest) : this.offsetOf(from);
    this.followers.push({ view: this.log.observe(from, noop), next: start, name: null, live: true });
  }

  private forgetHistory(): void {
    this.log.forgetHistory();
    this.held = this.held.filter(({ sequence }) => sequence >= this.lowest);
  }

  private withFollower(step: Extract<Step, { view: number }>): void {
    const follower = this.followers[step.view];
    if (follower?.live !== true) return;
    if (step.do === 'read') this.read(follower, step.maxBytes);
    else if (step.do === 'detach') this.detach(follower);
    else if (follower.name !== null) this.ack(follower, step.share);
  }

  /** In order, nothing twice, whole datagrams, no hole without a gap of exact bounds. */
  private read(follower: Follower, maxBytes: number): void {
    const piece = follower.view.read(maxBytes);
    const next = this.held.find(({ sequence }) => sequence >= follower.next);
    if (follower.next === this.head) {
      expect(piece).toBeNull();
    } else if (next?.sequence !== follower.next) {
      expect(piece).toEqual({ kind: 'gap', from: follower.next, to: next?.sequence ?? this.head });
      follower.next = next?.sequence ?? this.head;
    } else {
      this.checkRecords(follower, piece as DatagramsPiece, maxBytes);
    }
    expect(follower.view.position).toBe(follower.next);
  }

  private checkRecords(follower: Follower, piece: DatagramsPiece, maxBytes: number): void {
    expect(piece).toMatchObject({ kind: 'datagrams', offset: follower.next });
    const first = follower.next;
    let sum = 0;
    for (let at = 0; at < piece.records.length;) {
      const record = readRecord(piece.records, at);
      const expected = this.held.find(({ sequence }) => sequence === follower.next);
      if (record === null || expected === undefined) throw new Error(`no datagram ${String(follower.next)}`);
      expect(record.payload.equals(payloadOf(follower.next, expected.bytes))).toBe(true);
      expect(record.timeMicros).toBe(1_700_000_000_000_000 + follower.next);
      expect(record.port).toBe(5000 + (follower.next & 7));
      expect([...record.address]).toEqual([10, 0, 0, follower.next & 0xff]);
      sum += expected.bytes;
      at += record.size;
      follower.next += 1;
    }
    expect(piece).toMatchObject({ nextOffset: follower.next, payloadBytes: sum });
    if (follower.next > first + 1) expect(sum).toBeLessThanOrEqual(maxBytes);
    piece.memory.release();
  }

  private ack(follower: Follower, share: number): void {
    const offset = Math.floor(follower.next * share);
    (follower.view as LogReader<DatagramsPiece>).commit(offset);
    this.cursors.set(
      follower.name as string,
      Math.max(offset, this.cursors.get(follower.name as string) ?? 0),
    );
  }

  private detach(follower: Follower): void {
    follower.view.detach();
    follower.live = false;
  }

  private get heldBytes(): number {
    return this.held.reduce((sum, { bytes }) => sum + bytes + OVERHEAD_BYTES, 0);
  }

  private get lowest(): number {
    return Math.min(this.unclaimed ?? Infinity, this.head, ...this.cursors.values());
  }

  private get earliest(): number {
    return this.held[0]?.sequence ?? this.head;
  }

  private offsetOf(from: StartAt): number {
    return from === 'earliest' ? this.earliest : this.head;
  }

  private check(): void {
    const { log } = this;
    expect(log.headOffset).toBe(this.head);
    expect(this.toldDropped).toBe(log.dropped.window + log.dropped.kernel);
    expect(log.earliestOffset).toBe(this.earliest);
    expect(log.committedOffset).toBe(Math.max(this.lowest, this.earliest));
    expect(log.dropped).toMatchObject({ window: this.dropped, windowBytes: this.droppedBytes });
  }
}

const noop = (): void => undefined;

describe.each(['drop-oldest', 'drop-newest'] as const)('a datagram log that does %s', (overflow) => {
  test('keeps each datagram whole and in order, and tells every hole with its exact bounds', () => {
    const windows = fc.integer({ min: 1, max: 6000 });
    fc.assert(
      fc.property(windows, fc.array(step, { maxLength: 150 }), (windowBytes, steps) => {
        const scenario = new Scenario(windowBytes, overflow);
        for (const one of steps) scenario.run(one);
      }),
      { numRuns: 400 },
    );
  });

  test('is bounded by its window even when datagrams are empty', () => {
    const budget = new ReceiveBudget(2 ** 30);
    const log = new DatagramLog(
      { windowBytes: 4000, overflow, unix: false, echo: null, now: () => 0, onRoom: noop, onDropped: noop },
      budget,
    );
    for (let i = 0; i < 5000; i += 1) log.append(arrival(i, 0));
    expect(budget.usedBytes).toBe(4000);
    expect(log.dropped.window).toBe(4900);
    expect(log.earliestOffset).toBe(overflow === 'drop-oldest' ? 4900 : 0);
    log.discard();
    expect(budget.usedBytes).toBe(0);
  });

  test('holds to its reserve while the process is over its budget', () => {
    const budget = new ReceiveBudget(100_000);
    budget.change(100_000);
    const log = new DatagramLog(
      {
        windowBytes: 1_000_000,
        overflow,
        unix: false,
        echo: null,
        now: () => 0,
        onRoom: noop,
        onDropped: noop,
      },
      budget,
    );
    for (let i = 0; i < 100; i += 1) log.append(arrival(i, 1000));
    expect(budget.usedBytes - 100_000).toBeLessThanOrEqual(16 * 1024);
    expect(log.headOffset - log.dropped.window).toBe(15);
  });
});
