import { MAX_READ_BYTES, SHARED_READ_BYTES } from '../limits.js';
import type { ByteLog } from '../receive/byte-log.js';

const GROWTH = 4;

/**
 * libuv asks for memory, reads and calls back without anything in between, so all connections that
 * carry little can read into the same memory, whose bytes are copied at once.
 */
const shared = Buffer.allocUnsafeSlow(SHARED_READ_BYTES);

/**
 * Decides where the kernel writes the next bytes of one connection: small reads into shared memory,
 * so that a quiet connection holds none; bulk straight into the log's own slabs. Node fixes the memory
 * of the next read right after the last one, before anybody knows what room there will be: a read can
 * bring more than that, and the log withholds it.
 */
export class ReadBuffer {
  private target = SHARED_READ_BYTES;
  private offered: Buffer = shared;
  private lent = false;

  constructor(private readonly log: ByteLog) {}

  /** True while memory is set aside for a read that has not come. */
  get holdsMemory(): boolean {
    return this.lent;
  }

  /** Memory for the next read; never empty. It may come after a pause. */
  next(): Buffer {
    const size = Math.min(this.log.lendable, this.target);
    this.lent = size > SHARED_READ_BYTES;
    this.offered = this.lent ? this.log.lend(size) : shared;
    return this.offered;
  }

  /** `count` bytes arrived in the memory that `next` gave. */
  filled(count: number): void {
    const { offered, lent } = this;
    this.adapt(count, offered.length);
    this.lent = false;
    if (lent) this.log.append(count);
    else this.log.write(offered.subarray(0, count));
  }

  /** The connection has gone quiet: its memory back, shared memory for the next read. */
  release(): Buffer {
    if (this.lent) this.log.returnLoan();
    this.lent = false;
    this.target = SHARED_READ_BYTES;
    this.offered = shared;
    return shared;
  }

  /** Memory for bytes that nobody will see. */
  get dump(): Buffer {
    return shared;
  }

  /** A read that fills its memory is followed by one of four times as much; by less, when it left most of it empty. */
  private adapt(count: number, offered: number): void {
    if (count === offered) this.target = Math.min(Math.max(this.target, count * GROWTH), MAX_READ_BYTES);
    else if (count < this.target / GROWTH) this.target = Math.max(this.target / GROWTH, SHARED_READ_BYTES);
  }
}
