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

/** The bytes of one stream: an offset is the number of bytes that came before. */
export class ByteLog extends ReceiveLog<BytesPiece> {
  private readonly window = new ByteWindow();
  private readonly overflow: StreamOverflow;
  private dropped = 0;

  constructor(options: ByteLogOptions, budget: ReceiveBudget) {
    super(options, budget);
    this.overflow = options.overflow;
  }

  get headOffset(): number {
    return this.window.headOffset;
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
    const own = this.windowBytes - this.uncommittedBytes;
    return own <= 0 ? 0 : Math.min(own, this.budget.room(this, this.uncommittedBytes));
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

  protected override held(offset: number, maxBytes: number): BytesPiece {
    const { bytes, memory } = this.window.read(offset, maxBytes);
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

  private grown(count: number): void {
    this.budget.change(count);
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
