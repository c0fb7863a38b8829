import { MAX_POOLED_BYTES, MAX_READ_BYTES, POOL_TRIM_MS, POOLED_BYTES } from '../limits.js';

/** Sizes that are kept for use again: those of bulk reads. */
const SIZES = [MAX_READ_BYTES / 4, MAX_READ_BYTES] as const;

/**
 * Memory of bulk reads that is not in use, to be used again: the last that came first, which may still lie
 * in the cache. Fresh memory costs the kernel a page fault for each 4 KiB, and V8 marks its whole heap
 * whenever it has grown by tens of MiB outside of it. What nobody wanted for a while goes, but for a little.
 */
export class SlabPool {
  private readonly bySize = new Map<number, Buffer[]>(SIZES.map((size) => [size, []]));
  private held = 0;
  /** The least it held since the last look: so much nobody wanted. */
  private unwanted = 0;
  private trimming: NodeJS.Timeout | null = null;

  /** Bytes that are kept. */
  get bytes(): number {
    return this.held;
  }

  /** Memory for a read of up to `bytes`: of the smallest size that holds it, or the largest. */
  take(bytes: number): Buffer {
    const size = bytes <= SIZES[0] ? SIZES[0] : SIZES[1];
    const memory = this.bySize.get(size)?.pop();
    if (memory === undefined) return Buffer.allocUnsafeSlow(size);
    this.held -= size;
    this.unwanted = Math.min(this.unwanted, this.held);
    return memory;
  }

  /** Nobody looks at it any more. Memory of other sizes is let go. */
  give(memory: Buffer): void {
    const kept = this.bySize.get(memory.length);
    if (kept === undefined || this.held + memory.length > MAX_POOLED_BYTES) return;
    kept.push(memory);
    this.held += memory.length;
    if (this.held <= POOLED_BYTES || this.trimming !== null) return;
    this.unwanted = this.held;
    this.trimming = setInterval(() => this.trim(), POOL_TRIM_MS).unref();
  }

  /** Lets go of what nobody wanted since the last time. */
  trim(): void {
    const goal = Math.max(POOLED_BYTES, this.held - this.unwanted);
    for (const [size, kept] of this.bySize)
      while (this.held > goal && kept.length > 0) {
        kept.shift();
        this.held -= size;
      }
    this.unwanted = this.held;
    if (this.held > POOLED_BYTES || this.trimming === null) return;
    clearInterval(this.trimming);
    this.trimming = null;
  }
}
