import { ByteWindow } from './byte-window.js';
import { BUDGET_RESERVE_BYTES } from '../limits.js';
import type { BytesPiece } from './log-view.js';
import type { ReceiveBudget } from './receive-budget.js';
import { ReceiveLog, type ReceiveLogOptions } from './receive-log.js';

/** `pause`: a full window stops the reading from the peer. `drop-oldest`: a live feed with gaps. */
export type StreamOverflow = 'pause' | 'drop-oldest';

export interface ByteLogOptions extends ReceiveLogOptions {
  overflow: StreamOverflow;
}

/**
 * The bytes of one stream: an offset is the number of bytes that came before. What was read beyond the
 * window is withheld: it lies in memory, and has come as soon as there is room for it.
 */
export class ByteLog extends ReceiveLog<BytesPiece> {
  private readonly window = new ByteWindow();
  private readonly overflow: StreamOverflow;
  /** What came so far, for whoever reads. */
  private head = 0;
  private dropped = 0;
  private loan = 0;

  constructor(options: ByteLogOptions, budget: ReceiveBudget) {
    super(options, budget);
    this.overflow = options.overflow;
  }

  get headOffset(): number {
    return this.head;
  }

  get earliestOffset(): number {
    return this.window.earliestOffset;
  }

  get receivedBytes(): number {
    return this.headOffset;
  }

  get droppedBytes(): number {
    return this.dropped;
  }

  get uncommittedBytes(): number {
    return this.headOffset - this.committedOffset;
  }

  /** How many bytes may be read from the peer now. 0: the window is full of uncommitted bytes. */
  get room(): number {
    if (this.overflow === 'drop-oldest') return this.windowBytes;
    const uncommitted = this.window.headOffset - this.committedOffset;
    const own = this.windowBytes - uncommitted;
    return own <= 0 ? 0 : Math.min(own, this.budget.room(this, uncommitted));
  }

  /** How much memory may be lent before it is known what room there will be when it is filled. */
  get lendable(): number {
    return Math.min(this.windowBytes, this.budget.unused);
  }

  get isWithholding(): boolean {
    return this.window.headOffset > this.head;
  }

  /** What is withheld is not wanted any more. */
  dropWithheld(): void {
    this.budget.change(this.head - this.window.headOffset);
    this.window.cut(this.head);
  }

  override discard(): void {
    this.dropWithheld();
    super.discard();
  }

  /** Memory for the kernel to write the next bytes into; follow with `append`. */
  lend(maxBytes: number): Buffer {
    const memory = this.window.lend(maxBytes);
    this.onLoan(memory.length);
    return memory;
  }

  returnLoan(): void {
    this.window.returnLoan();
    this.onLoan(0);
  }

  /** `count` bytes were written into the memory that `lend` gave. */
  append(count: number): void {
    this.window.append(count);
    this.onLoan(0);
    this.grown(count);
  }

  /** Copies `bytes` in. */
  write(bytes: Uint8Array): void {
    this.window.write(bytes);
    this.grown(bytes.length);
  }

  /** What was withheld comes first. */
  override roomChanged(): void {
    this.advanceHead();
    super.roomChanged();
  }

  protected override held(offset: number, maxBytes: number): BytesPiece {
    const { bytes, memory } = this.window.read(offset, Math.min(maxBytes, this.head - offset));
    return { kind: 'bytes', offset, nextOffset: offset + bytes.length, bytes, memory };
  }

  protected override forget(offset: number): void {
    const before = this.window.heldBytes;
    this.window.forget(offset);
    if (this.window.heldBytes !== before) this.budget.change(this.window.heldBytes - before);
  }

  protected override heldFrom(offset: number): number {
    return this.headOffset - Math.max(offset, this.earliestOffset);
  }

  private onLoan(bytes: number): void {
    this.budget.lend(bytes - this.loan);
    this.loan = bytes;
  }

  private grown(count: number): void {
    this.budget.change(count);
    this.advanceHead();
  }

  /** What has room has come. */
  private advanceHead(): void {
    const { headOffset } = this.window;
    const end = this.overflow === 'pause' ? this.committedOffset + this.windowBytes : headOffset;
    const head = Math.min(headOffset, end);
    if (head <= this.head) return;
    this.head = head;
    // A live feed is never stopped, so under pressure it gives way to a reserve.
    const lossy = this.overflow === 'drop-oldest' && this.budget.exhausted;
    const kept = lossy ? Math.min(BUDGET_RESERVE_BYTES, this.windowBytes) : this.windowBytes;
    const earliest = this.headOffset - kept;
    if (earliest > this.earliestOffset) this.drop(earliest);
    this.wakeAll();
  }

  /** The live feed goes on without what is before `to`, committed or not. */
  private drop(to: number): void {
    const from = this.committedOffset;
    this.forget(to);
    if (to <= from) return;
    this.dropped += to - from;
    this.options.onDropped({ from, to, dropped: to - from });
  }
}
