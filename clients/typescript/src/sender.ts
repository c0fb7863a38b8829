import {
  ConnectionLostError,
  SendInterruptedError,
  TooMuchWaitingError,
  type SockeyeError,
} from './errors.js';
import { RECORD_HEADER_BYTES } from './datagram.js';
import { Fifo } from './fifo.js';
import { concat, Kept } from './kept.js';

/** One frame holds at most this much of a stream. */
const FRAME_BYTES = 64 * 1024;

/** Bytes that may wait for credit on one channel; a single send may be larger. */
const MAX_WAITING_BYTES = 16 * 1024 * 1024;

/** The service lets no more than this be on its way to the kernel: all credit beyond it came back for what arrived. */
const MAX_CREDIT_BYTES = 1024 * 1024;

/** What is sent: bytes in order; messages in order, whole; datagrams, which promise nothing. */
export type Flow = 'stream' | 'seqpacket' | 'datagram';

interface Send {
  /** Bytes of a stream, or the record of one message. */
  payload: Uint8Array;
  /** How much of the payload has gone out. */
  written: number;
  /** Called once, before anything behind it goes out. */
  done: (error: SockeyeError | null) => void;
}

/** Where frames go while there is a WebSocket. */
export type Out = (payload: Uint8Array) => void;

/** The sending side of one channel: what goes out, in order, as far as the credit of the service reaches. */
export class Sender {
  private readonly queue = new Fifo<Send>();
  private waitingBytes = 0;
  private flow: Flow = 'stream';
  private out: Out | null = null;
  private credit = 0;
  /** What the socket had sent, by its own counter, when this began to count. */
  private base = 0;
  /** Bytes of the user written to WebSockets since then. */
  private written = 0;
  /** All credit of this WebSocket. */
  private granted = 0;
  /** Credit comes back for what failed as well: from then on it says nothing about what was sent. */
  private hasFailed = false;
  /** A message with bytes was on its way when the WebSocket broke: the counter of the socket says nothing. */
  private isUncountable = false;
  /** What was written and not given credit for, where it may have to be written once more. */
  private readonly kept: Kept | null;
  /** What did not arrive over the WebSocket before: it goes first. */
  private owed: Send | null = null;
  /** For the next call, where there was none to tell it to: the first of them, which the others may come of. */
  private untold: SockeyeError | null = null;
  private over: SockeyeError | null = null;

  constructor(isOnlySender: boolean) {
    this.kept = isOnlySender ? new Kept() : null;
  }

  /** Resolves when all of it has gone out within the credit. */
  send(payload: Uint8Array): Promise<void> {
    return new Promise((resolve, reject) => {
      this.enqueue(payload, (error) => (error === null ? resolve() : reject(error)));
    });
  }

  /** Asks when everything before it has gone out, and before anything behind it does. */
  inTurn<T>(ask: () => Promise<T>): Promise<T> {
    return new Promise((resolve, reject) => {
      this.enqueue(new Uint8Array(), (error) => (error === null ? resolve(ask()) : reject(error)));
    });
  }

  /** A message carried bytes past the credit: so many, or nobody knows how many. */
  sentBeside(bytes: number | null): void {
    if (bytes === null) this.isUncountable = true;
    else this.base += bytes;
  }

  /** There is a WebSocket. `total` is what the socket has sent and what waits in it, by its own counter. */
  resumed(flow: Flow, total: number, out: Out): void {
    const arrived = total - this.base;
    const isCounted = !this.isUncountable && arrived >= 0 && arrived <= this.written;
    const sent = isCounted ? arrived : this.taken;
    if (flow === 'stream' && isCounted && this.kept !== null) this.owe(this.kept, this.written - sent);
    else if (flow !== 'datagram' && sent < this.written) this.interrupted(sent, isCounted);
    this.flow = flow;
    this.base = total;
    this.written = this.granted = 0;
    this.isUncountable = this.hasFailed = false;
    this.out = out;
    this.credit = 0;
    this.pump();
  }

  lost(): void {
    this.out = null;
    this.credit = 0;
  }

  credited(bytes: number): void {
    this.granted += bytes;
    this.credit += bytes;
    this.kept?.trim(MAX_CREDIT_BYTES);
    this.pump();
  }

  /** Something that went out was not sent, the service says. */
  failed(error: SockeyeError): void {
    this.hasFailed = true;
    if (this.flow === 'datagram' || this.queue.size === 0) this.untold ??= error;
    else this.reject(error);
  }

  /** What went wrong and was told to nobody yet; who takes it tells it. */
  takeUntold(): SockeyeError | null {
    const { untold } = this;
    this.untold = null;
    return untold;
  }

  /** Nothing is sent any more. */
  end(error: SockeyeError): void {
    this.out = null;
    this.over ??= error;
    if ((this.queue.first?.written ?? 0) > 0) this.interrupted(this.taken, false, error);
    this.reject(error);
  }

  /** Of what was written to a stream, the kernel has taken at least so much. */
  private get taken(): number {
    return this.flow === 'stream' && !this.hasFailed ? Math.max(0, this.granted - MAX_CREDIT_BYTES) : 0;
  }

  private enqueue(payload: Uint8Array, done: Send['done']): void {
    const error = this.takeUntold() ?? this.over ?? this.refusal(payload.length);
    if (error !== null) return done(error);
    this.queue.push({ payload, written: 0, done });
    this.waitingBytes += payload.length;
    this.pump();
  }

  private refusal(bytes: number): SockeyeError | null {
    if (this.waitingBytes === 0 || this.waitingBytes + bytes <= MAX_WAITING_BYTES) return null;
    return new TooMuchWaitingError(`${String(this.waitingBytes)} bytes wait to be sent already`);
  }

  private pump(): void {
    for (let send = this.next(); send !== undefined && this.out !== null; send = this.next()) {
      if (!this.write(send, this.out)) return;
      if (send === this.owed) this.owed = null;
      else this.waitingBytes -= this.queue.shift()?.payload.length ?? 0;
      send.done(null);
    }
  }

  private next(): Send | undefined {
    return this.owed ?? this.queue.first;
  }

  /** The last `missing` bytes that were written are to be written again, before what was not written at all. */
  private owe(kept: Kept, missing: number): void {
    const rest = this.owed?.payload.subarray(this.owed.written) ?? new Uint8Array();
    const payload = concat([kept.takeLast(missing), rest]);
    this.owed = payload.length === 0 ? null : { payload, written: 0, done: () => {} };
  }

  /** As much as there is credit for, a record whole or not at all; true when that was the end of it. */
  private write(send: Send, out: Out): boolean {
    const { payload } = send;
    while (send.written < payload.length) {
      const rest = payload.length - send.written;
      const { credit } = this;
      const part = this.flow === 'stream' ? Math.min(credit, rest, FRAME_BYTES) : rest;
      if (part === 0 || part > credit) return false;
      const bytes = payload.subarray(send.written, send.written + part);
      out(bytes);
      this.kept?.push(bytes);
      send.written += part;
      this.written += this.flow === 'stream' ? part : part - RECORD_HEADER_BYTES;
      this.credit = credit - part;
    }
    return true;
  }

  /** Of what was written, `sent` bytes arrived. Everybody who waits is told, or else the next who comes. */
  private interrupted(sent: number, isCounted: boolean, cause?: SockeyeError): void {
    const current = this.queue.first?.written ?? 0;
    const start = this.written - current;
    const lostBefore = Math.max(0, start - sent);
    const options = { cause: cause ?? new ConnectionLostError('send') };
    const error = new SendInterruptedError(
      Math.max(0, sent - start),
      current,
      lostBefore,
      isCounted,
      options,
    );
    const first = this.queue.shift();
    if (first === undefined) this.untold = error;
    else first.done(error);
    this.reject(new SendInterruptedError(0, 0, this.written - sent, isCounted, options));
  }

  private reject(error: SockeyeError): void {
    this.waitingBytes = 0;
    for (const send of this.queue.clear()) send.done(error);
  }
}
