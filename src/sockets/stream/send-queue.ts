import type { Socket } from 'node:net';
import { SocketError } from '../errors.js';
import { filenoOf } from './kernel-handle.js';
import {
  COALESCE_BELOW_BYTES,
  MAX_QUEUED_BYTES,
  MAX_WRITES,
  SEND_SLICE_BYTES,
  SOME_SLICE_BYTES,
  URGENT_RETRY_MS,
} from '../limits.js';
import { sendUrgent } from '../native/syscalls.js';
import { PendingSend, type Sent } from './pending-send.js';

/**
 * What waits to be sent on one connection, in order. Data goes to the kernel slice by slice, so that
 * a send which runs out of time ends at a known byte: what was handed over is the stream's, the rest
 * is the caller's again.
 */
export class SendQueue {
  private readonly waiting: PendingSend[] = [];
  /** Made with the first send: many connections only receive. */
  private inFlight: Set<PendingSend> | null = null;
  private waitingBytes = 0;
  private flushedBytes = 0;
  /** Handed to the socket, and not taken by the kernel. */
  private writes = 0;
  private retry: NodeJS.Timeout | null = null;
  private corked = false;
  private smallWrites = 0;
  private hadSeveral = false;
  private ending = false;
  /** TLS says only later whether the kernel took a write. */
  private tellsLater = false;
  private failure: SocketError | null = null;

  constructor(
    private socket: Socket,
    /** The kernel took some bytes. */
    private readonly onProgress: () => void,
  ) {}

  /** Bytes not yet taken by the kernel. */
  get queuedBytes(): number {
    return this.waitingBytes + this.socket.writableLength;
  }

  get sentBytes(): number {
    return this.flushedBytes;
  }

  /** `end` was called: no more sends. */
  get isEnding(): boolean {
    return this.ending;
  }

  get isEmpty(): boolean {
    return this.waiting.length === 0 && (this.inFlight?.size ?? 0) === 0;
  }

  /** Why `bytes` more can't be taken now: EPIPE, ENOBUFS; null when they can. */
  refuses(bytes: number): SocketError | null {
    if (!this.socket.writable || this.ending) {
      return new SocketError('EPIPE', 'send EPIPE: the sending side was shut down', { syscall: 'send' });
    }
    const { queuedBytes } = this;
    if (queuedBytes > 0 && queuedBytes + bytes > MAX_QUEUED_BYTES) {
      const queued = `${String(queuedBytes)} bytes are queued already: the peer does not read`;
      return new SocketError('ENOBUFS', `send ENOBUFS: ${queued}`, { syscall: 'send' });
    }
    return null;
  }

  /**
   * sendall(): queues all of `data`, whose last byte may be urgent. Answers a function that takes back
   * what was not handed over.
   */
  push(data: Buffer, done: Sent, urgent = false): (reason: SocketError) => void {
    if (this.failure !== null || data.length === 0) {
      const error = this.failure;
      queueMicrotask(() => done(error, 0));
      return () => undefined;
    }
    const send = new PendingSend(data, done, urgent ? data.length - 1 : null);
    this.waiting.push(send);
    this.inFlight ??= new Set();
    this.inFlight.add(send);
    this.waitingBytes += data.length;
    this.pump();
    return (reason) => this.withdraw(send, reason);
  }

  /**
   * Puts short `data` behind the send that waits last, if that is the one of `done`: they are one from
   * then on. False: it is a send of its own.
   */
  extend(data: Buffer, done: Sent): boolean {
    const last = this.waiting.at(-1);
    if (last?.done !== done || !last.extend(data)) return false;
    this.waitingBytes += data.length;
    return true;
  }

  /** sendall() with a deadline: rejects with ETIMEDOUT, or what ended the socket, and `bytesSent`. */
  pushWithin(data: Buffer, timeoutMs: number, urgent = false): Promise<number> {
    return new Promise((resolve, reject) => {
      const late = (): void =>
        withdraw(new SocketError('ETIMEDOUT', 'the peer does not read', { syscall: 'send' }));
      const timer = setTimeout(late, timeoutMs);
      const done: Sent = (error, bytesSent) => {
        clearTimeout(timer);
        if (error === null) resolve(bytesSent);
        else reject(new SocketError(error.code, error.message, { ...error.details, bytesSent }));
      };
      const withdraw = this.push(data, done, urgent);
    });
  }

  /**
   * send(): hands over what the kernel takes now and answers how much that was; never waits. The last
   * slice may be taken in part: the rest of it is sent as soon as there is room, and counts. TLS takes a
   * slice of sendall, whatever the kernel has room for.
   */
  pushSome(data: Buffer): number {
    if (this.failure !== null) throw this.failure;
    this.uncork();
    let taken = 0;
    for (let room = this.roomForSome; taken < data.length && room > 0; room = this.roomForSome) {
      const slice = data.subarray(taken, taken + room);
      this.socket.write(slice, (error) => {
        if (error || this.socket.destroyed) return;
        this.flushedBytes += slice.length;
        this.onProgress();
        this.pump();
      });
      taken += slice.length;
    }
    return taken;
  }

  /** Goes on through TLS. Nothing may wait. */
  continueOver(socket: Socket): void {
    this.socket = socket;
    this.tellsLater = true;
  }

  /** FIN after everything that waits; nothing is taken after this. */
  end(): void {
    this.ending = true;
    this.pump();
  }

  /** Everything that waits, and everything that comes after, fails with `error`. */
  fail(error: SocketError): void {
    if (this.failure !== null) return;
    this.failure = error;
    if (this.retry !== null) clearTimeout(this.retry);
    this.waiting.length = 0;
    this.waitingBytes = 0;
    const open = this.inFlight ?? [];
    this.inFlight = null;
    for (const send of open) send.done(error, send.flushed);
  }

  private withdraw(send: PendingSend, reason: SocketError): void {
    if (this.inFlight?.delete(send) !== true) return;
    const index = this.waiting.indexOf(send);
    if (index >= 0) {
      this.waiting.splice(index, 1);
      this.waitingBytes -= send.data.length - send.handed;
    }
    send.done(reason, send.handed);
    this.pump();
  }

  private pump(): void {
    for (let send = this.waiting[0]; send !== undefined && !this.isFull; send = this.waiting[0]) {
      if (send.handed === send.urgentAt) {
        if (this.handUrgent(send, send.urgentAt)) continue;
        return;
      }
      const end = Math.min(send.handed + SEND_SLICE_BYTES, send.urgentAt ?? send.data.length);
      const isWhole = end - send.handed === send.data.length;
      const slice = isWhole ? send.data : send.data.subarray(send.handed, end);
      send.handed += slice.length;
      this.waitingBytes -= slice.length;
      if (send.isHanded) this.waiting.shift();
      if (slice.length < COALESCE_BELOW_BYTES) this.gather();
      this.writes += 1;
      this.socket.write(slice, (error) => this.written(send, slice.length, error));
    }
    if (this.ending && this.waiting.length === 0 && !this.socket.writableEnded) {
      this.uncork();
      this.socket.end();
    }
  }

  private get roomForSome(): number {
    if (this.waiting.length > 0) return 0;
    const { writableLength } = this.socket;
    if (this.tellsLater) return Math.max(0, SEND_SLICE_BYTES - writableLength);
    return writableLength === 0 ? SOME_SLICE_BYTES : 0;
  }

  private get isFull(): boolean {
    return this.socket.writableLength >= SEND_SLICE_BYTES || this.writes >= MAX_WRITES;
  }

  private written(send: PendingSend, bytes: number, error: Error | null | undefined): void {
    this.writes -= 1;
    // The socket's own end says why, and fails the queue. Node reports writes that a destroy has cut
    // short without an error.
    if (error || this.socket.destroyed) return;
    this.taken(send, bytes);
    this.pump();
  }

  private taken(send: PendingSend, bytes: number): void {
    this.flushedBytes += bytes;
    this.onProgress();
    send.flushed += bytes;
    if (send.flushed === send.data.length && this.inFlight?.delete(send) === true)
      send.done(null, send.flushed);
  }

  /**
   * The urgent byte goes by itself, past Node, once everything before it is the kernel's. False: not
   * now. What is being written, or the timer, comes back for it.
   */
  private handUrgent(send: PendingSend, at: number): boolean {
    this.uncork();
    const fd = filenoOf(this.socket);
    if (this.socket.writableLength > 0 || fd === null) return false;
    try {
      if (sendUrgent(fd, send.data.subarray(at)) === null) {
        this.retry = setTimeout(() => this.pump(), URGENT_RETRY_MS);
        return false;
      }
    } catch (error) {
      // Of a connection that is gone, its own end says why.
      if (!(error instanceof SocketError)) throw error;
      this.withdraw(send, error);
      return true;
    }
    send.handed += 1;
    this.waitingBytes -= 1;
    this.waiting.shift();
    this.taken(send, 1);
    return true;
  }

  /**
   * Before a small write. The first of a tick leaves at once: somebody may wait for it. The others leave
   * in one system call, and the first with them when there were several the time before.
   */
  private gather(): void {
    this.smallWrites += 1;
    const isFirst = this.smallWrites === 1;
    if (isFirst) process.nextTick(this.endTick);
    if (this.corked || (isFirst && !this.hadSeveral)) return;
    this.corked = true;
    this.socket.cork();
  }

  private readonly endTick = (): void => {
    this.hadSeveral = this.smallWrites > 1;
    this.smallWrites = 0;
    this.uncork();
  };

  private uncork(): void {
    if (!this.corked) return;
    this.corked = false;
    this.socket.uncork();
  }
}
