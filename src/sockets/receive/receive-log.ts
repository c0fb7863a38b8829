import { Cursors, type Cursor } from './cursors.js';
import { SocketError } from '../errors.js';
import type { Dropped } from './flow-events.js';
import { LogReader, LogView, type DataPiece, type GapPiece } from './log-view.js';
import type { ReceiveBudget } from './receive-budget.js';

/** Where a reader starts: its own cursor, the oldest held, the head, or an offset. */
export type StartAt = 'committed' | 'earliest' | 'live' | number;

export interface ReceiveLogOptions {
  windowBytes: number;
  /** Called when there may be room again after there was none. */
  onRoom: () => void;
  /** Something went before every consuming reader had it. */
  onDropped: (gap: Dropped) => void;
  /** Milliseconds; tells how long a reader has been away. */
  now: () => number;
}

export interface ReaderState {
  name: string;
  committedOffset: number;
  attached: boolean;
  /** Attached, or waited for by a receive: not away. */
  inUse: boolean;
  /** Received and not committed by it, in the unit of the offsets. */
  lag: number;
  /** When the reader was last used; the TTL of readers that are away counts from here. */
  usedAt: number;
}

/**
 * What one socket received, for any number of readers: bytes of a stream (ByteLog) or datagrams
 * (DatagramLog). Every one has an offset, from 0. A bounded window of them is in memory, and what some
 * consuming reader has not committed is dropped only where the overflow policy says so, and then the
 * reader is told. No timer and no I/O in here.
 */
export abstract class ReceiveLog<Data extends DataPiece = DataPiece> {
  private readonly cursors: Cursors<LogReader<Data>>;
  /** Made when somebody looks; an idle socket has none. */
  private views: Set<LogView<Data>> | null = null;
  private lowest = 0;
  private ended = false;
  private discarded = false;

  protected constructor(
    protected readonly options: ReceiveLogOptions,
    protected readonly budget: ReceiveBudget,
  ) {
    this.cursors = new Cursors(options.now);
  }

  get windowBytes(): number {
    return this.options.windowBytes;
  }

  /** Offset that the next one received will get. */
  abstract get headOffset(): number;

  /** The oldest offset that can still be read; equal to `headOffset` when there is none. */
  abstract get earliestOffset(): number;

  /** Bytes received so far: what came in, kept or not. */
  abstract get receivedBytes(): number;

  /** Bytes that went before some consuming reader had them. */
  abstract get droppedBytes(): number;

  /** The lowest cursor: everything from here on is kept for somebody. */
  get committedOffset(): number {
    return Math.max(this.lowest, this.earliestOffset);
  }

  /** Somebody has not had everything yet. */
  get hasUncommitted(): boolean {
    return this.headOffset > this.committedOffset;
  }

  /** Nothing will come any more. */
  get isEnded(): boolean {
    return this.ended;
  }

  /** What was in it was thrown away: nothing can be read, whatever the offset. */
  get isDiscarded(): boolean {
    return this.discarded;
  }

  get observerCount(): number {
    let count = 0;
    for (const view of this.views ?? []) if (!(view instanceof LogReader)) count += 1;
    return count;
  }

  /** The stream is over: EOF, reset or close. What is held stays readable. */
  end(): void {
    this.ended = true;
    this.wakeAll();
  }

  /** Throws away what is held, and all readers' claims on it. */
  discard(): void {
    this.ended = true;
    this.discarded = true;
    const { committedOffset: from, headOffset: to } = this;
    const dropped = this.heldFrom(from);
    this.forget(to);
    if (dropped > 0) this.options.onDropped({ from, to, dropped });
    this.budget.leave(this);
    this.wakeAll();
  }

  /** Tells every view that something its owner should look at has changed. */
  wakeAll(): void {
    for (const view of this.views ?? []) view.wake();
  }

  /** What stands at `offset`: data of at most `maxBytes`, a gap, or null at the head. */
  peek(offset: number, maxBytes: number): Data | GapPiece | null {
    if (offset > this.headOffset) throw beyondHead(offset, this.headOffset);
    if (offset < this.earliestOffset) return { kind: 'gap', from: offset, to: this.earliestOffset };
    return offset === this.headOffset ? null : this.held(offset, maxBytes);
  }

  /** A view that holds nobody back and gets a gap when it is too slow. */
  observe(from: StartAt, wake: () => void): LogView<Data> {
    const view = new LogView<Data>(this, this.startOf(from, this.committedOffset), wake);
    this.show(view);
    return view;
  }

  /** Uses the cursor of `name`, created if need be; whoever used it so far is told that it is taken. */
  attach(name: string, from: StartAt, wake: () => void, onTakenOver: () => void): LogReader<Data> {
    // The start is checked first: a refused attach claims nothing and puts nobody out.
    const start = this.startOf(from, this.nextOffsetOf(name));
    const cursor = this.cursors.claim(name, this.earliestOffset);
    const previous = cursor.user;
    if (previous !== null) this.views?.delete(previous);
    const reader = new LogReader<Data>(this, start, wake, name, onTakenOver);
    cursor.user = reader;
    cursor.committed = start;
    this.show(reader);
    this.settle();
    previous?.onTakenOver();
    return reader;
  }

  detach(view: LogView<Data>): void {
    this.views?.delete(view);
    if (!(view instanceof LogReader)) return;
    const cursor = this.cursors.find(view.name);
    if (cursor?.user !== view) return;
    cursor.user = null;
    cursor.usedAt = this.options.now();
  }

  /** As `detach`, of a reader that does not come back: its cursor must hold nothing for it. */
  retire(reader: LogReader<Data>): void {
    const isInUse = this.cursors.find(reader.name)?.user === reader;
    this.detach(reader);
    if (isInUse) this.removeReader(reader.name);
  }

  /** Where a reader of that name would go on (or start, if it is new). */
  nextOffsetOf(name: string): number {
    return this.cursors.startOf(name, this.earliestOffset);
  }

  /** Commits for a name that nobody is attached under; the name is created if it is new. */
  commit(name: string, offset: number): number {
    this.refuseAttached(name);
    if (offset > this.headOffset) throw beyondHead(offset, this.headOffset);
    const cursor = this.cursors.claim(name, this.earliestOffset);
    this.advance(cursor, offset);
    return cursor.committed;
  }

  /** For a `receive` without an attachment: fails when somebody is attached under that name. */
  refuseAttached(name: string): void {
    if (this.cursors.find(name)?.user) {
      throw new SocketError('READER_ATTACHED', `reader "${name}" is in use elsewhere`);
    }
  }

  /** A receive waits for that reader until the answer is called: it is not away meanwhile. */
  waitFor(name: string): () => void {
    const cursor = this.cursors.claim(name, this.earliestOffset);
    this.settle();
    cursor.waits += 1;
    return () => {
      cursor.waits -= 1;
      cursor.usedAt = this.options.now();
    };
  }

  commitAs(reader: LogReader<Data>, offset: number): void {
    const cursor = this.cursors.find(reader.name);
    if (cursor?.user !== reader) return;
    if (offset > reader.position) throw beyondHead(offset, reader.position);
    cursor.usedAt = this.options.now();
    this.advance(cursor, offset);
  }

  /** Forgets a reader; who uses it is told as in a take-over. READER_NOT_FOUND when there is none. */
  removeReader(name: string): void {
    const cursor = this.cursors.remove(name);
    if (cursor.user !== null) {
      this.views?.delete(cursor.user);
      cursor.user.onTakenOver();
    }
    this.settle();
  }

  /** Removes the readers that nobody has used since `time`. */
  forgetReadersUnusedSince(time: number): void {
    for (const { name, inUse, usedAt } of this.readers()) {
      if (!inUse && usedAt <= time) this.removeReader(name);
    }
  }

  readers(): ReaderState[] {
    return [...this.cursors.entries()].map(([name, cursor]) => ({
      name,
      committedOffset: cursor.committed,
      attached: cursor.user !== null,
      inUse: cursor.user !== null || cursor.waits > 0,
      lag: this.headOffset - cursor.committed,
      usedAt: cursor.usedAt,
    }));
  }

  /** Drops what everybody has committed; what is not committed stays. */
  forgetHistory(): void {
    this.forget(this.committedOffset);
  }

  /** There may be room again: readers have moved on, or the byte budget of the process has some. */
  roomChanged(): void {
    this.options.onRoom();
  }

  /** What the window has at `offset`, which lies in it. */
  protected abstract held(offset: number, maxBytes: number): Data | GapPiece;

  /** Lets go of everything before `offset`, and takes it off the budget. */
  protected abstract forget(offset: number): void;

  /** How many are held from `offset` on. */
  protected abstract heldFrom(offset: number): number;

  private show(view: LogView<Data>): void {
    this.views ??= new Set();
    this.views.add(view);
  }

  private startOf(from: StartAt, committed: number): number {
    if (from === 'committed') return committed;
    if (from === 'earliest') return this.earliestOffset;
    if (from === 'live') return this.headOffset;
    if (from > this.headOffset) throw beyondHead(from, this.headOffset);
    return from;
  }

  private advance(cursor: Cursor<LogReader<Data>>, offset: number): void {
    cursor.committed = Math.max(cursor.committed, offset);
    this.settle();
  }

  /** After a cursor has moved: finds the lowest again, and says so when that made room. */
  private settle(): void {
    const lowest = Math.min(this.cursors.lowest, this.headOffset);
    const moved = lowest > this.lowest;
    this.lowest = lowest;
    if (!moved) return;
    if (this.budget.exhausted) this.forgetHistory();
    else this.budget.noteHistory(this);
    this.roomChanged();
  }
}

function beyondHead(offset: number, head: number): SocketError {
  return new SocketError('OFFSET_OUT_OF_RANGE', `offset ${String(offset)} is beyond ${String(head)}`, {
    field: 'offset',
  });
}
