import { ByteWindow } from './byte-window.js';
import { Cursors, type Cursor } from './cursors.js';
import { SocketError } from './errors.js';
import { BUDGET_RESERVE_BYTES } from './limits.js';
import { LogReader, LogView, type Piece } from './log-view.js';
import type { ReceiveBudget } from './receive-budget.js';

/** Where a reader starts: its own cursor, the oldest byte held, the head, or an offset. */
export type StartAt = 'committed' | 'earliest' | 'live' | number;

/** `pause`: a full window stops the reading from the peer. `drop-oldest`: a live feed with gaps. */
export type Overflow = 'pause' | 'drop-oldest';

export interface ReceiveLogOptions {
  windowBytes: number;
  overflow: Overflow;
  /** Called when there may be room again after there was none. */
  onRoom: () => void;
  /** Milliseconds; tells how long a reader has been away. */
  now: () => number;
}

export interface ReaderState {
  name: string;
  committedOffset: number;
  attached: boolean;
  /** Attached, or waited for by a receive: not away. */
  inUse: boolean;
  lagBytes: number;
  /** When the reader was last used; the TTL of readers that are away counts from here. */
  usedAt: number;
}

/**
 * The bytes one socket received, for any number of readers. Every byte has an offset, from 0. A
 * bounded window of them is in memory; what some consuming reader has not committed is never dropped
 * (unless the overflow policy says so, and then the reader is told). No timer and no I/O in here.
 */
export class ReceiveLog {
  private readonly window = new ByteWindow();
  private readonly cursors: Cursors<LogReader>;
  private readonly views = new Set<LogView>();
  private lowest = 0;
  private ended = false;
  private discarded = false;
  private dropped = 0;

  constructor(
    private readonly options: ReceiveLogOptions,
    private readonly budget: ReceiveBudget,
  ) {
    this.cursors = new Cursors(options.now);
  }

  get windowBytes(): number {
    return this.options.windowBytes;
  }

  get headOffset(): number {
    return this.window.headOffset;
  }

  get earliestOffset(): number {
    return this.window.earliestOffset;
  }

  /** The lowest cursor: bytes from here on are kept for somebody. */
  get committedOffset(): number {
    return Math.max(this.lowest, this.window.earliestOffset);
  }

  /** Bytes that went before some consuming reader had them. */
  get droppedBytes(): number {
    return this.dropped;
  }

  get uncommittedBytes(): number {
    return this.headOffset - this.committedOffset;
  }

  /** How many bytes may be read from the peer now. 0: the window is full of uncommitted bytes. */
  get room(): number {
    if (this.options.overflow === 'drop-oldest') return this.windowBytes;
    const own = this.windowBytes - this.uncommittedBytes;
    return own <= 0 ? 0 : Math.min(own, this.budget.room(this, this.uncommittedBytes));
  }

  /** No byte will come any more. */
  get isEnded(): boolean {
    return this.ended;
  }

  /** What was in it was thrown away: nothing can be read, whatever the offset. */
  get isDiscarded(): boolean {
    return this.discarded;
  }

  get observerCount(): number {
    let count = 0;
    for (const view of this.views) if (!(view instanceof LogReader)) count += 1;
    return count;
  }

  /** Memory for the kernel to write the next bytes into; follow with `append`. */
  lend(maxBytes: number): Buffer {
    return this.window.lend(maxBytes);
  }

  returnLoan(): void {
    this.window.returnLoan();
  }

  /** `count` bytes were written into the memory that `lend` gave. */
  append(count: number): void {
    this.window.append(count);
    this.grown(count);
  }

  /** Copies `bytes` in. */
  write(bytes: Uint8Array): void {
    this.window.write(bytes);
    this.grown(bytes.length);
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
    this.forget(this.headOffset);
    this.budget.leave(this);
    this.wakeAll();
  }

  /** Tells every view that something its owner should look at has changed. */
  wakeAll(): void {
    for (const view of this.views) view.wake();
  }

  /** What stands at `offset`: bytes, a gap, or null at the head. */
  peek(offset: number, maxBytes: number): Piece | null {
    if (offset > this.headOffset) throw beyondHead(offset, this.headOffset);
    if (offset < this.earliestOffset) return { kind: 'gap', from: offset, to: this.earliestOffset };
    if (offset === this.headOffset) return null;
    return { kind: 'bytes', offset, ...this.window.read(offset, maxBytes) };
  }

  /** A view that holds nobody back and gets a gap when it is too slow. */
  observe(from: StartAt, wake: () => void): LogView {
    const view = new LogView(this, this.startOf(from, this.committedOffset), wake);
    this.views.add(view);
    return view;
  }

  /** Uses the cursor of `name`, created if need be; whoever used it so far is told that it is taken. */
  attach(name: string, from: StartAt, wake: () => void, onTakenOver: () => void): LogReader {
    // The start is checked first: a refused attach claims nothing and puts nobody out.
    const start = this.startOf(from, this.nextOffsetOf(name));
    const cursor = this.cursors.claim(name, this.earliestOffset);
    const previous = cursor.user;
    if (previous !== null) this.views.delete(previous);
    const reader = new LogReader(this, start, wake, name, onTakenOver);
    cursor.user = reader;
    cursor.committed = start;
    this.views.add(reader);
    this.settle();
    previous?.onTakenOver();
    return reader;
  }

  detach(view: LogView): void {
    this.views.delete(view);
    if (!(view instanceof LogReader)) return;
    const cursor = this.cursors.find(view.name);
    if (cursor?.user !== view) return;
    cursor.user = null;
    cursor.usedAt = this.options.now();
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

  commitAs(reader: LogReader, offset: number): void {
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
      this.views.delete(cursor.user);
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
      lagBytes: this.headOffset - cursor.committed,
      usedAt: cursor.usedAt,
    }));
  }

  /** Drops what everybody has committed; what is not committed stays. */
  forgetHistory(): void {
    this.forget(this.committedOffset);
  }

  /** The byte budget of the process has room again. */
  roomChanged(): void {
    this.options.onRoom();
  }

  private grown(count: number): void {
    this.budget.change(count);
    // A live feed is never stopped, so under pressure it gives way to a reserve.
    const lossy = this.options.overflow === 'drop-oldest' && this.budget.exhausted;
    const kept = lossy ? Math.min(BUDGET_RESERVE_BYTES, this.windowBytes) : this.windowBytes;
    const earliest = this.headOffset - kept;
    if (earliest > this.earliestOffset) {
      this.dropped += Math.max(0, earliest - this.committedOffset);
      this.forget(earliest);
    }
    this.wakeAll();
  }

  private forget(offset: number): void {
    const before = this.window.heldBytes;
    this.window.forget(offset);
    if (this.window.heldBytes !== before) this.budget.change(this.window.heldBytes - before);
  }

  private startOf(from: StartAt, committed: number): number {
    if (from === 'committed') return committed;
    if (from === 'earliest') return this.earliestOffset;
    if (from === 'live') return this.headOffset;
    if (from > this.headOffset) throw beyondHead(from, this.headOffset);
    return from;
  }

  private advance(cursor: Cursor<LogReader>, offset: number): void {
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
    this.options.onRoom();
  }
}

function beyondHead(offset: number, head: number): SocketError {
  return new SocketError('OFFSET_OUT_OF_RANGE', `offset ${String(offset)} is beyond ${String(head)}`, {
    field: 'offset',
  });
}
