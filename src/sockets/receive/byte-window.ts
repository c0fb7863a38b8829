import { bulkMemory, Slab } from './slab.js';

const SMALLEST_SLAB_BYTES = 1024;
const LARGEST_COPY_SLAB_BYTES = 64 * 1024;
/** A shorter rest of a slab is not worth a system call of its own. */
const WORTH_LENDING_BYTES = 64 * 1024;

/** Bytes that lie together in memory; `memory.release` says that nobody looks at them any more. */
export interface Slice {
  bytes: Buffer;
  memory: Slab;
}

/**
 * Received bytes in memory, addressed by their offset in the stream. Memory comes in slabs that are
 * lent to the kernel: a byte is written once, by the kernel, and read once, by the kernel, through
 * slices of the same slab.
 */
export class ByteWindow {
  private readonly slabs: Slab[] = [];
  private head = 0;
  private earliest = 0;
  /** The slab being filled; it may not hold a byte yet. */
  private tail: Slab | null = null;
  private onLoan = false;

  /** Offset that the next byte will get. */
  get headOffset(): number {
    return this.head;
  }

  /** Offset of the oldest byte still held; equal to `headOffset` when none is. */
  get earliestOffset(): number {
    return this.earliest;
  }

  get heldBytes(): number {
    return this.head - this.earliest;
  }

  /** Memory for the next bytes, of at most `maxBytes`. What gets filled is said with `append`. */
  lend(maxBytes: number): Buffer {
    if (this.tail === null || this.tail.free < Math.min(maxBytes, WORTH_LENDING_BYTES))
      this.startSlab(bulkMemory(maxBytes));
    this.onLoan = true;
    const { memory, used } = this.tail as Slab;
    return memory.subarray(used, Math.min(used + maxBytes, memory.length));
  }

  /** Nothing will be written into what `lend` gave: its memory can go. */
  returnLoan(): void {
    this.onLoan = false;
    if (this.heldBytes === 0 || this.tail?.used === 0) this.dropTail();
    this.forget(this.earliest);
  }

  /** The first `count` bytes of what `lend` gave last are now part of the stream. */
  append(count: number): void {
    const slab = this.tail;
    if (slab === null || count > slab.free) throw new RangeError('append without a loan');
    this.onLoan = false;
    if (count === 0) return;
    slab.used += count;
    this.head += count;
    if (this.slabs[this.slabs.length - 1] !== slab) this.slabs.push(slab);
  }

  /** Copies bytes in: for small reads, which are not worth a slab of their own. */
  write(bytes: Uint8Array): void {
    for (let at = 0; at < bytes.length;) {
      const rest = bytes.length - at;
      if (this.tail === null || this.tail.free === 0) {
        const grown = Math.min((this.tail?.memory.length ?? 0) * 2, LARGEST_COPY_SLAB_BYTES);
        this.startSlab(Buffer.allocUnsafeSlow(Math.max(rest, grown, SMALLEST_SLAB_BYTES)));
      }
      const slab = this.tail as Slab;
      const count = Math.min(rest, slab.free);
      // A slice costs as much as the copying of some bytes.
      slab.memory.set(count === bytes.length ? bytes : bytes.subarray(at, at + count), slab.used);
      this.append(count);
      at += count;
    }
  }

  /** Memory whose free part, from `used` on, takes `bytes` that must lie together; follow with `append`. */
  together(bytes: number): Slab {
    if (this.tail === null || this.tail.free < bytes) {
      const doubled = Math.min((this.tail?.memory.length ?? 0) * 2, LARGEST_COPY_SLAB_BYTES);
      const size = Math.max(bytes, doubled, SMALLEST_SLAB_BYTES);
      this.startSlab(size < LARGEST_COPY_SLAB_BYTES ? Buffer.allocUnsafeSlow(size) : bulkMemory(size));
    }
    return this.tail as Slab;
  }

  /** Bytes from `offset` on that lie together in memory, at most `maxBytes`. There must be some. */
  read(offset: number, maxBytes: number): Slice {
    const slab = this.slabs[this.indexOf(offset)];
    if (offset < this.earliest || slab === undefined) throw new RangeError('offset outside the window');
    const start = offset - slab.offset;
    slab.pin();
    return { bytes: slab.memory.subarray(start, Math.min(start + maxBytes, slab.used)), memory: slab };
  }

  /** Lets go of everything before `offset`; slabs without a byte left can be used again. */
  forget(offset: number): void {
    this.earliest = Math.max(this.earliest, Math.min(offset, this.head));
    for (
      let first = this.slabs[0];
      first !== undefined && first.end <= this.earliest;
      first = this.slabs[0]
    ) {
      if (first === this.tail && this.onLoan) return;
      this.slabs.shift();
      if (first === this.tail) this.tail = null;
      first.leaveWindow();
    }
  }

  /** Takes back everything from `offset` on, which nobody has read. */
  cut(offset: number): void {
    if (offset >= this.head) return;
    this.dropTail();
    this.head = offset;
    for (let last = this.slabs.at(-1); last !== undefined && last.end > offset; last = this.slabs.at(-1)) {
      last.used = Math.max(0, offset - last.offset);
      if (last.used > 0) return;
      this.slabs.pop();
      last.leaveWindow();
    }
  }

  private startSlab(memory: Buffer): void {
    this.dropTail();
    this.tail = new Slab(memory, this.head);
  }

  /** A tail that holds bytes stays in the window as one slab among others. */
  private dropTail(): void {
    const { tail } = this;
    this.tail = null;
    if (tail !== null && this.slabs[this.slabs.length - 1] !== tail) tail.leaveWindow();
  }

  /** Binary search for the slab that holds `offset`. */
  private indexOf(offset: number): number {
    let low = 0;
    let high = this.slabs.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.slabs[middle] as Slab).end <= offset) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}
