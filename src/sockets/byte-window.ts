/**
 * Received bytes in memory, addressed by their offset in the stream. Memory comes in slabs that are
 * lent to the kernel: a byte is written once, by the kernel, and read once, by the kernel, through
 * slices of the same slab. A slab lives for as long as a slice of it does, so bytes that were handed
 * out stay what they were even when the window has moved on.
 */
interface Slab {
  readonly memory: Buffer;
  /** Offset in the stream of the first byte of this slab's memory. */
  readonly offset: number;
  used: number;
}

const SMALLEST_SLAB_BYTES = 1024;
const LARGEST_COPY_SLAB_BYTES = 64 * 1024;
/** A shorter rest of a slab is not worth a system call of its own. */
const WORTH_LENDING_BYTES = 64 * 1024;

export class ByteWindow {
  private readonly slabs: Slab[] = [];
  private head = 0;
  private earliest = 0;
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
    const free = this.tail === null ? 0 : this.tail.memory.length - this.tail.used;
    if (this.tail === null || free < Math.min(maxBytes, WORTH_LENDING_BYTES)) this.startSlab(maxBytes);
    this.onLoan = true;
    const { memory, used } = this.tail as Slab;
    return memory.subarray(used, Math.min(used + maxBytes, memory.length));
  }

  /** Nothing will be written into what `lend` gave: its memory can go. */
  returnLoan(): void {
    this.onLoan = false;
    if (this.heldBytes === 0) this.tail = null;
  }

  /** The first `count` bytes of what `lend` gave last are now part of the stream. */
  append(count: number): void {
    const slab = this.tail;
    if (slab === null || slab.used + count > slab.memory.length)
      throw new RangeError('append without a loan');
    this.onLoan = false;
    slab.used += count;
    this.head += count;
    if (this.slabs[this.slabs.length - 1] !== slab) this.slabs.push(slab);
  }

  /** Copies bytes in: for small reads, which are not worth a slab of their own. */
  write(bytes: Uint8Array): void {
    let rest = bytes;
    while (rest.length > 0) {
      if (this.tail === null || this.tail.used === this.tail.memory.length) {
        const grown = Math.min((this.tail?.memory.length ?? 0) * 2, LARGEST_COPY_SLAB_BYTES);
        this.startSlab(Math.max(rest.length, grown, SMALLEST_SLAB_BYTES));
      }
      const { memory, used } = this.tail as Slab;
      const count = Math.min(rest.length, memory.length - used);
      memory.set(rest.subarray(0, count), used);
      this.append(count);
      rest = rest.subarray(count);
    }
  }

  /** Bytes from `offset` on that lie together in memory, at most `maxBytes`; empty at the head. */
  read(offset: number, maxBytes: number): Buffer {
    if (offset < this.earliest || offset > this.head) throw new RangeError('offset outside the window');
    const slab = this.slabs[this.indexOf(offset)];
    if (slab === undefined) return Buffer.alloc(0);
    const start = offset - slab.offset;
    return slab.memory.subarray(start, Math.min(start + maxBytes, slab.used));
  }

  /** Lets go of everything before `offset`; slabs without a byte left are freed. */
  forget(offset: number): void {
    this.earliest = Math.max(this.earliest, Math.min(offset, this.head));
    while (this.slabs[0] !== undefined && this.slabs[0].offset + this.slabs[0].used <= this.earliest) {
      this.slabs.shift();
    }
    if (this.heldBytes === 0 && !this.onLoan) this.tail = null;
  }

  private startSlab(bytes: number): void {
    this.tail = { memory: Buffer.allocUnsafeSlow(bytes), offset: this.head, used: 0 };
  }

  /** Binary search for the slab that holds `offset`. */
  private indexOf(offset: number): number {
    let low = 0;
    let high = this.slabs.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      const slab = this.slabs[middle] as Slab;
      if (slab.offset + slab.used <= offset) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}
