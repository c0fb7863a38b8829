import { SocketError } from '../errors.js';
import { MAX_QUEUED_BYTES, MAX_QUEUED_DATAGRAMS } from '../limits.js';
import type { Sent } from '../stream/pending-send.js';

interface Waiting {
  readonly data: Buffer;
  /** Encoded sockaddr; null: the connected peer. */
  readonly to: Uint8Array | null;
  readonly done: Sent;
}

/** Hands one datagram to the kernel: false when there is no room now (EAGAIN). Other errors are thrown. */
export type Transmit = (data: Buffer, to: Uint8Array | null) => boolean;

/** Datagrams that wait for room in the kernel's buffer, in order. Mostly there is room, and none waits. */
export class DatagramSends {
  private readonly waiting: Waiting[] = [];
  private waitingBytes = 0;
  private emptied: (() => void)[] = [];
  sentBytes = 0;
  sentDatagrams = 0;

  constructor(
    private readonly transmit: Transmit,
    /** There is something to wait for, or nothing any more. */
    private readonly onWaiting: () => void,
  ) {}

  get queuedBytes(): number {
    return this.waitingBytes;
  }

  get isEmpty(): boolean {
    return this.waiting.length === 0;
  }

  /** sendto(2). Answers how to take the datagram back while it waits. */
  push(data: Buffer, to: Uint8Array | null, done: Sent): (reason: SocketError) => void {
    const send = { data, to, done };
    if (this.isEmpty && this.attempt(send)) return () => undefined;
    if (this.isFull(data.length)) {
      const detail = `send ENOBUFS: ${String(this.waiting.length)} datagrams wait already`;
      done(new SocketError('ENOBUFS', detail, { syscall: 'send' }), 0);
      return () => undefined;
    }
    this.waiting.push(send);
    this.waitingBytes += data.length;
    this.onWaiting();
    return (reason) => this.withdraw(send, reason);
  }

  /** As `push`, for who waits: no room within `timeoutMs` ends it with ETIMEDOUT. */
  pushWithin(data: Buffer, to: Uint8Array | null, timeoutMs: number): Promise<number> {
    return new Promise((resolve, reject) => {
      const late = (): void => withdraw(new SocketError('ETIMEDOUT', 'send ETIMEDOUT', { syscall: 'send' }));
      const timer = setTimeout(late, timeoutMs);
      const withdraw = this.push(data, to, (error, bytesSent) => {
        clearTimeout(timer);
        if (error === null) resolve(bytesSent);
        else reject(new SocketError(error.code, error.message, { ...error.details, bytesSent }));
      });
    });
  }

  /** Bytes sent: none where it would have to wait. Errors of the kernel are thrown. */
  pushNow(data: Buffer, to: Uint8Array | null): number {
    if (!this.isEmpty || !this.transmit(data, to)) return 0;
    this.count(data);
    return data.length;
  }

  /** The kernel has room again. */
  pump(): void {
    for (let send = this.waiting[0]; send !== undefined && this.attempt(send); send = this.waiting[0])
      this.remove(send);
  }

  /** Everything that waits fails with `error`. */
  fail(error: SocketError): void {
    for (const send of [...this.waiting]) this.withdraw(send, error);
  }

  /** Resolves when nothing waits any more, or after `ms`. */
  async drainedWithin(ms: number): Promise<void> {
    if (this.isEmpty) return;
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<void>((resolve) => (timer = setTimeout(resolve, ms)));
    await Promise.race([this.drained(), late]);
    clearTimeout(timer);
  }

  /** Resolves when nothing waits any more. */
  drained(): Promise<void> {
    return this.isEmpty ? Promise.resolve() : new Promise((resolve) => this.emptied.push(resolve));
  }

  /** True when it was settled, one way or the other. */
  private attempt({ data, to, done }: Waiting): boolean {
    try {
      if (!this.transmit(data, to)) return false;
    } catch (error) {
      done(SocketError.fromSystem(error), 0);
      return true;
    }
    this.count(data);
    done(null, data.length);
    return true;
  }

  private count({ length }: Buffer): void {
    this.sentBytes += length;
    this.sentDatagrams += 1;
  }

  private isFull(bytes: number): boolean {
    return this.waiting.length >= MAX_QUEUED_DATAGRAMS || this.waitingBytes + bytes > MAX_QUEUED_BYTES;
  }

  private withdraw(send: Waiting, reason: SocketError): void {
    if (!this.waiting.includes(send)) return;
    this.remove(send);
    send.done(reason, 0);
  }

  private remove(send: Waiting): void {
    this.waiting.splice(this.waiting.indexOf(send), 1);
    this.waitingBytes -= send.data.length;
    if (!this.isEmpty) return;
    this.onWaiting();
    for (const settle of this.emptied.splice(0)) settle();
  }
}
