import { MAX_READ_BYTES, SHARED_READ_BYTES } from './limits.js';
import type { ReceiveLog } from './receive-log.js';

/** Reads that fill this much of their memory ask for more, those below this part for less. */
const SHRINK_BELOW = 1 / 8;
const GROWTH = 4;

/**
 * libuv asks for memory, reads and calls back without anything in between, so all connections that
 * carry little can read into the same memory, whose bytes are copied into their log at once.
 */
const shared = Buffer.allocUnsafeSlow(SHARED_READ_BYTES);

/**
 * Decides where the kernel writes the next bytes of one connection: small reads into shared memory,
 * so that a quiet connection holds none; large ones straight into the log's own slabs.
 */
export class ReadBuffer {
  private target = SHARED_READ_BYTES;
  private offered: Buffer = shared;
  private lent = false;

  constructor(private readonly log: ReceiveLog) {}

  /** Memory for the next read: never more than the log has room for, never empty. */
  next(): Buffer {
    const size = Math.min(this.log.room, this.target);
    this.lent = size > 0 && this.target > SHARED_READ_BYTES;
    // Without room the reading is stopped, yet Node asks: nothing will be written into this.
    if (size === 0) return (this.offered = shared);
    this.offered = this.lent ? this.log.lend(size) : shared.subarray(0, size);
    return this.offered;
  }

  /** `count` bytes arrived in the memory that `next` gave. */
  filled(count: number): void {
    const size = this.offered.length;
    if (this.lent) this.log.append(count);
    else this.log.write(this.offered.subarray(0, count));
    this.lent = false;
    if (count === size && size === this.target) this.target = Math.min(this.target * GROWTH, MAX_READ_BYTES);
    else if (count < this.target * SHRINK_BELOW) this.target = Math.max(this.target / GROWTH, SHARED_READ_BYTES);
  }

  /** True while memory is set aside for a read that has not come. */
  get holdsMemory(): boolean {
    return this.lent;
  }

  /** Back to shared memory: the connection has gone quiet, or its bytes are not wanted any more. */
  release(): Buffer {
    this.target = SHARED_READ_BYTES;
    if (this.lent) this.log.returnLoan();
    this.lent = false;
    this.offered = shared.subarray(0, Math.max(1, Math.min(this.log.room, SHARED_READ_BYTES)));
    return this.offered;
  }

  /** Memory for bytes that nobody will see. */
  get dump(): Buffer {
    return shared;
  }
}
