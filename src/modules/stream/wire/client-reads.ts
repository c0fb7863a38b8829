import type { Socket } from 'node:net';
import { adopt } from '../../../sockets/index.js';

/** Memory of one read of bulk. */
const SLAB_BYTES = 256 * 1024;

/** A read that leaves more of its slab empty than this is not of bulk. */
const LEAST_BULK_BYTES = SLAB_BYTES / 4;

/** Slabs over all clients, those that wait for sockets included. */
const MAX_SLABS = 64;

/**
 * libuv asks for memory, reads and calls back without anything in between: all clients read into this
 * while they bring little, or there is no slab left, and the bytes are copied at once.
 */
const shared = Buffer.allocUnsafeSlow(64 * 1024);

/** Memory that is read into again once nobody looks at it any more. */
export class Slab {
  readonly memory = Buffer.allocUnsafeSlow(SLAB_BYTES);
  private holders = 1;

  hold(): void {
    this.holders += 1;
  }

  release(): void {
    this.holders -= 1;
    if (this.holders === 0) unused.push(this);
  }
}

const unused: Slab[] = [];
let slabs = 0;

/** One that the caller alone holds; null when there are too many. */
function takeSlab(): Slab | null {
  const kept = unused.pop();
  if (kept !== undefined) {
    kept.hold();
    return kept;
  }
  if (slabs === MAX_SLABS) return null;
  slabs += 1;
  return new Slab();
}

/** Bytes of a client. With a slab they lie in it, and stay there for who holds it; otherwise they are the taker's. */
type Taker = (bytes: Buffer, slab: Slab | null) => void;

/**
 * The connection of one WebSocket, read into memory of ours: Node takes 64 KiB of fresh memory for each
 * read, and what malloc gives back to the kernel in between comes as page faults, up to one for each 4 KiB.
 */
export class ClientReads {
  readonly socket: Socket;
  /** What the next read goes into; null: the shared memory. */
  private slab: Slab | null = null;
  private isBulk = false;
  private taker: Taker | null = null;

  /** In the tick of the upgrade: nothing was read behind `head` then. */
  constructor(upgraded: Socket) {
    upgraded.setTimeout(0); // it sees no traffic any more
    const side = {
      memory: (): Buffer => this.next(),
      filled: (count: number): boolean => this.filled(count),
    };
    // What is gone already stays what it is.
    this.socket = adopt(upgraded, side) ?? upgraded;
    this.socket.once('close', () => this.slab?.release());
  }

  /** From now on `taker` has what is read; with null it goes the way of any socket, by 'data'. */
  giveTo(taker: Taker | null): void {
    this.taker = taker;
  }

  /** Memory for the next read, which may come after a long time. */
  private next(): Buffer {
    this.slab = this.isBulk && this.taker !== null ? takeSlab() : null;
    return this.slab?.memory ?? shared;
  }

  /** Answers whether to go on reading. */
  private filled(count: number): boolean {
    const { slab, taker } = this;
    this.slab = null;
    this.isBulk = slab === null ? count === shared.length : count >= LEAST_BULK_BYTES;
    const bytes = (slab?.memory ?? shared).subarray(0, count);
    let goOn = true;
    if (taker === null) goOn = this.socket.push(Buffer.from(bytes));
    else taker(slab === null ? Buffer.from(bytes) : bytes, slab);
    slab?.release();
    return goOn;
  }
}
