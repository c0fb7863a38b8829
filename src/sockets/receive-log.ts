import { ByteWindow } from './byte-window.js';
import { SocketError } from './errors.js';
import { MAX_READERS } from './limits.js';
import type { ReceiveBudget } from './receive-budget.js';

/** Bytes that are not there any more: from `from` up to, not including, `to`. */
export interface Gap {
  from: number;
  to: number;
}

/** What a reader gets next: bytes that lie together in memory, or a hole with its exact bounds. */
export type Piece = { kind: 'bytes'; offset: number; bytes: Buffer } | ({ kind: 'gap' } & Gap);

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
  lagBytes: number;
  /** When the reader was last used; the TTL of readers that are away counts from here. */
  usedAt: number;
}

/** A consuming reader's place in the stream. It belongs to the name, not to who uses it. */
interface Cursor {
  committed: number;
  user: LogReader | null;
  usedAt: number;
}

/** One look at the log: a position that moves on as it is read. It holds nobody back. */
export class LogView {
  constructor(
    protected readonly log: ReceiveLog,
    /** Offset of the next byte this view will get. */
    public position: number,
    /** Called when there is something new: bytes, the end, or a change that its owner should see. */
    readonly wake: () => void,
  ) {}

  /** The next bytes, at most `maxBytes`, or the gap in front of them; null at the head. */
  read(maxBytes: number): Piece | null {
    const piece = this.log.peek(this.position, maxBytes);
    if (piece !== null) this.position = piece.kind === 'gap' ? piece.to : piece.offset + piece.bytes.length;
    return piece;
  }

  /** As `read`, but whole: also bytes that do not lie together in memory, copied into one piece. */
  readWhole(maxBytes: number): Piece | null {
    const first = this.read(maxBytes);
    if (first?.kind !== 'bytes') return first;
    const parts = [first.bytes];
    for (let size = first.bytes.length; size < maxBytes && !this.atHead; ) {
      const next = this.log.peek(this.position, maxBytes - size);
      if (next?.kind !== 'bytes') break;
      parts.push(next.bytes);
      size += next.bytes.length;
      this.position += next.bytes.length;
    }
    return parts.length === 1 ? first : { ...first, bytes: Buffer.concat(parts) };
  }

  get atHead(): boolean {
    return this.position >= this.log.headOffset;
  }

  detach(): void {
    this.log.detach(this);
  }
}

/** A consuming reader in use: what it has not committed stays in the log. */
export class LogReader extends LogView {
  constructor(
    log: ReceiveLog,
    position: number,
    wake: () => void,
    readonly name: string,
    readonly onTakenOver: () => void,
  ) {
    super(log, position, wake);
  }

  /** Everything before `offset` may go. An older offset than the last one changes nothing. */
  commit(offset: number): void {
    this.log.commitAs(this, offset);
  }
}

/**
 * The bytes one socket received, for any number of readers. Every byte has an offset, from 0. A
 * bounded window of them is in memory; what some consuming reader has not committed is never dropped
 * (unless the overflow policy says so, and then the reader is told). No timer and no I/O in here.
 */
export class ReceiveLog {
  private readonly window = new ByteWindow();
  private readonly cursors = new Map<string, Cursor>();
  private readonly views = new Set<LogView>();
  /** The cursor a socket is born with; the first consuming reader, whatever its name, takes it. */
  private unclaimed: number | null = 0;
  private lowest = 0;
  private ended = false;
  private discarded = false;
  private dropped = 0;

  constructor(
    private readonly options: ReceiveLogOptions,
    private readonly budget: ReceiveBudget,
  ) {
    budget.join(this);
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
    return { kind: 'bytes', offset, bytes: this.window.read(offset, maxBytes) };
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
    const cursor = this.cursorOf(name);
    const previous = cursor.user;
    if (previous !== null) this.views.delete(previous);
    const reader = new LogReader(this, start, wake, name, onTakenOver);
    cursor.user = reader;
    cursor.committed = start;
    cursor.usedAt = this.options.now();
    this.views.add(reader);
    this.settle();
    previous?.onTakenOver();
    return reader;
  }

  detach(view: LogView): void {
    this.views.delete(view);
    if (!(view instanceof LogReader)) return;
    const cursor = this.cursors.get(view.name);
    if (cursor?.user !== view) return;
    cursor.user = null;
    cursor.usedAt = this.options.now();
  }

  /** Where a reader of that name would go on (or start, if it is new). */
  nextOffsetOf(name: string): number {
    return this.cursors.get(name)?.committed ?? this.unclaimed ?? this.earliestOffset;
  }

  /** Commits for a name that nobody is attached under; the name is created if it is new. */
  commit(name: string, offset: number): number {
    this.refuseAttached(name);
    if (offset > this.headOffset) throw beyondHead(offset, this.headOffset);
    const cursor = this.cursorOf(name);
    cursor.usedAt = this.options.now();
    this.advance(cursor, offset);
    return cursor.committed;
  }

  /** For a `receive` without an attachment: fails when somebody is attached under that name. */
  refuseAttached(name: string): void {
    if (this.cursors.get(name)?.user) {
      throw new SocketError('READER_ATTACHED', `reader "${name}" is attached over a WebSocket`);
    }
  }

  commitAs(reader: LogReader, offset: number): void {
    const cursor = this.cursors.get(reader.name);
    if (cursor?.user !== reader) return;
    if (offset > reader.position) throw beyondHead(offset, reader.position);
    cursor.usedAt = this.options.now();
    this.advance(cursor, offset);
  }

  /**
   * Forgets a reader; who uses it is told as in a take-over. The last one leaves its place
   * unclaimed, so that nothing is lost before somebody else takes it.
   */
  removeReader(name: string): void {
    const cursor = this.cursors.get(name);
    if (cursor === undefined) throw new SocketError('READER_NOT_FOUND', `no reader "${name}"`);
    this.cursors.delete(name);
    if (this.cursors.size === 0 && this.unclaimed === null) this.unclaimed = cursor.committed;
    if (cursor.user !== null) {
      this.views.delete(cursor.user);
      cursor.user.onTakenOver();
    }
    this.settle();
  }

  readers(): ReaderState[] {
    return [...this.cursors].map(([name, cursor]) => ({
      name,
      committedOffset: cursor.committed,
      attached: cursor.user !== null,
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
    const earliest = this.headOffset - this.windowBytes;
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

  private cursorOf(name: string): Cursor {
    const known = this.cursors.get(name);
    if (known !== undefined) return known;
    if (this.cursors.size >= MAX_READERS) {
      throw new SocketError('QUOTA_EXCEEDED', `a socket has at most ${String(MAX_READERS)} readers`);
    }
    const cursor = { committed: this.nextOffsetOf(name), user: null, usedAt: this.options.now() };
    this.unclaimed = null;
    this.cursors.set(name, cursor);
    this.settle();
    return cursor;
  }

  private advance(cursor: Cursor, offset: number): void {
    if (offset <= cursor.committed) return;
    cursor.committed = offset;
    this.settle();
  }

  /** After a cursor has moved: finds the lowest again, and says so when that made room. */
  private settle(): void {
    let lowest = this.unclaimed ?? Infinity;
    for (const cursor of this.cursors.values()) lowest = Math.min(lowest, cursor.committed);
    const moved = lowest > this.lowest;
    this.lowest = Math.min(lowest, this.headOffset);
    if (!moved) return;
    if (this.budget.exhausted) this.forgetHistory();
    this.options.onRoom();
  }
}

function beyondHead(offset: number, head: number): SocketError {
  return new SocketError('OFFSET_OUT_OF_RANGE', `offset ${String(offset)} is beyond ${String(head)}`, { field: 'offset' });
}
