import { SlabPool } from './slab-pool.js';

const pool = new SlabPool();

/**
 * A piece of memory that received bytes lie in. It is used again once it has left its window and
 * nobody reads from it any more. Who keeps a slice without ever releasing it only keeps the slab from
 * being used again; the slice stays what it is.
 */
export class Slab {
  /** Bytes from the start of the memory that are part of the stream. */
  used = 0;
  private pins = 0;
  private inWindow = true;

  constructor(
    readonly memory: Buffer,
    /** Offset in the stream of the first byte of the memory. */
    readonly offset: number,
  ) {}

  get end(): number {
    return this.offset + this.used;
  }

  get free(): number {
    return this.memory.length - this.used;
  }

  /** A slice of the memory is handed out; call `release` when it will not be looked at again. */
  pin(): void {
    this.pins += 1;
  }

  release(): void {
    this.pins -= 1;
    this.recycle();
  }

  /** The window has moved on, or the memory was never filled. */
  leaveWindow(): void {
    this.inWindow = false;
    this.recycle();
  }

  private recycle(): void {
    if (this.inWindow || this.pins > 0) return;
    this.inWindow = true; // once only
    pool.give(this.memory);
  }
}

/** Memory for a bulk read of up to `bytes`; it may be larger, or at most as large as a single read. */
export function bulkMemory(bytes: number): Buffer {
  return pool.take(bytes);
}
