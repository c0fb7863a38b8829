import { COALESCE_BELOW_BYTES, SEND_SLICE_BYTES } from '../limits.js';
import type { SocketError } from '../errors.js';

/** Called once: with null when the kernel took all of it, or with why it did not. */
export type Sent = (error: SocketError | null, bytesSent: number) => void;

/** What short sends are put together in has room for this much at least. */
const LEAST_JOINED_BYTES = 1024;

/** One send on its way to the kernel. */
export class PendingSend {
  /** Bytes handed to the socket: they can not be called back. */
  handed = 0;
  /** Bytes that the kernel took. */
  flushed = 0;
  /** Where several short ones lie together; `data` is the part of it that is in use. */
  private joined: Buffer | null = null;

  constructor(
    public data: Buffer,
    readonly done: Sent,
    /** Of urgent data the place of its last byte: the one that TCP can mark. */
    readonly urgentAt: number | null,
  ) {}

  get isHanded(): boolean {
    return this.handed === this.data.length;
  }

  /**
   * Copies `more` behind its data, while nothing of it has left: short sends that wait are one object, of
   * which the first alone keeps what it was read into until it has gone. False: it has to wait by itself.
   */
  extend(more: Buffer): boolean {
    const { data, handed, urgentAt } = this;
    const bytes = data.length + more.length;
    if (handed > 0 || urgentAt !== null) return false;
    if (more.length >= COALESCE_BELOW_BYTES || bytes > SEND_SLICE_BYTES) return false;
    if (this.joined === null || this.joined.length < bytes) this.joined = this.roomFor(bytes);
    more.copy(this.joined, data.length);
    this.data = this.joined.subarray(0, bytes);
    return true;
  }

  private roomFor(bytes: number): Buffer {
    const room = Math.min(Math.max(2 * bytes, LEAST_JOINED_BYTES), SEND_SLICE_BYTES);
    const joined = Buffer.allocUnsafeSlow(room);
    this.data.copy(joined);
    return joined;
  }
}
