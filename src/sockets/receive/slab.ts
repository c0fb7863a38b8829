import { MAX_READ_BYTES, POOLED_SLAB_BYTES } from '../limits.js';

/**
 * A piece of memory that received bytes lie in. It is used again once it has left its window and
 * nobody reads from it any more: fresh memory costs the kernel a page fault for each 4 KiB, which is
 * as much as reading the bytes. Who keeps a slice without ever releasing it only keeps the slab from
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
    giveBack(this.memory);
  }
}

/** Sizes that are kept for use again: those of bulk reads. */
const SIZES = [MAX_READ_BYTES / 4, MAX_READ_BYTES] as const;
const pool = new Map<number, Buffer[]>(SIZES.map((size) => [size, []]));
let pooledBytes = 0;

/** Memory for a bulk read of up to `bytes`: of the smallest pooled size that holds it, or the largest. */
export function bulkMemory(bytes: number): Buffer {
  const size = bytes <= SIZES[0] ? SIZES[0] : SIZES[1];
  const kept = pool.get(size)?.pop();
  if (kept === undefined) return Buffer.allocUnsafeSlow(size);
  pooledBytes -= size;
  return kept;
}

function giveBack(memory: Buffer): void {
  const kept = pool.get(memory.length);
  if (kept === undefined || pooledBytes + memory.length > POOLED_SLAB_BYTES) return;
  kept.push(memory);
  pooledBytes += memory.length;
}
