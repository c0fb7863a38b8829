import { MAX_READ_BYTES, SHARED_READ_BYTES } from '../limits.js';
import type { ByteLog } from '../receive/byte-log.js';

const GROWTH = 4;

/**
 * libuv asks for memory, reads and calls back without anything in between, so all connections that
 * carry little, or are paused, can read into the same memory, whose bytes are copied at once.
 */
const shared = Buffer.allocUnsafeSlow(SHARED_READ_BYTES);
const nothing = Buffer.alloc(0);

/**
 * Decides where the kernel writes the next bytes of one connection: small reads into shared memory,
 * so that a quiet connection holds none; bulk straight into the log's own slabs.
 */
export class ReadBuffer {
  private target = SHARED_READ_BYTES;
  private offered: Buffer = shared;
  private lent = false;
  /**
   * Read, but not yet of the stream: Node fixes the memory of the next read before it is known how
   * much room there will be, and TLS goes on decrypting what it has. At most what Node reads ahead.
   */
  private spill: Buffer = nothing;

  constructor(private readonly log: ByteLog) {}

  /** True while memory is set aside for a read that has not come. */
  get holdsMemory(): boolean {
    return this.lent;
  }

  /** Nothing more may be read: the log has no room. */
  get isFull(): boolean {
    return this.hasSpill || this.log.room === 0;
  }

  /** Something was read that is not in the log yet. */
  get hasSpill(): boolean {
    return this.spill.length > 0;
  }

  /** Memory for the next read; never empty. */
  next(): Buffer {
    const size = Math.min(this.log.room, this.target);
    this.lent = size > SHARED_READ_BYTES;
    this.offered = this.lent ? this.log.lend(size) : shared;
    return this.offered;
  }

  /** `count` bytes arrived in the memory that `next` gave. */
  filled(count: number): void {
    const { offered, lent } = this;
    const direct = lent ? Math.min(count, this.log.room) : 0;
    if (lent) this.log.append(direct);
    this.lent = false;
    if (count < SHARED_READ_BYTES) this.target = SHARED_READ_BYTES;
    else if (count === offered.length)
      this.target = Math.min(Math.max(this.target, count * GROWTH), MAX_READ_BYTES);
    const rest = this.absorb(offered.subarray(direct, count));
    if (rest.length > 0) this.spill = Buffer.from(rest);
  }

  /** Bytes that came in memory of somebody else's. */
  take(bytes: Buffer): void {
    const rest = this.absorb(this.spill.length === 0 ? bytes : Buffer.concat([this.spill, bytes]));
    this.spill = rest.length === 0 ? nothing : Buffer.from(rest);
  }

  /** The log has room again: what was read before comes first. */
  roomMade(): void {
    this.spill = this.absorb(this.spill);
    if (this.spill.length === 0) this.spill = nothing;
  }

  /** What was read and has found no room is not wanted any more. */
  dropSpill(): void {
    this.spill = nothing;
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

  /** Copies into the log what it has room for; answers the rest. */
  private absorb(bytes: Buffer): Buffer {
    let rest = bytes;
    while (rest.length > 0) {
      const count = Math.min(rest.length, this.log.room);
      if (count === 0) return rest;
      this.log.write(rest.subarray(0, count));
      rest = rest.subarray(count);
    }
    return rest;
  }
}
