import { setTimeout as pause } from 'node:timers/promises';
import type { DataSocket } from '../data-socket.js';
import { DatagramLog, type ReceivedDatagram } from '../datagram/datagram-log.js';
import { DatagramSocket } from '../datagram/datagram-socket.js';
import { SocketError } from '../errors.js';
import { MAX_EXCHANGE_DATAGRAMS } from '../limits.js';
import type { ByteLog } from '../receive/byte-log.js';
import type { DataPiece, GapPiece, LogView } from '../receive/log-view.js';
import { gone } from '../receive/read.js';
import { goalOf, type Goal } from './goal.js';
import type { Ending, Until } from './plan.js';

const LOOK_BYTES = 64 * 1024;

/**
 * What the peer has sent, as one who asks for it step by step sees it. It stays in the socket's log, within
 * the budget of the process, until the end; nothing is committed, so that all of it is there then.
 */
export class Incoming {
  /** When the first byte came, by performance.now(). */
  firstAt: number | null = null;
  readonly datagrams: ReceivedDatagram[] | null;
  /** Bytes that belong to the steps so far. */
  taken = 0;
  private readonly log: ByteLog | DatagramLog;
  private readonly view: LogView;
  private hasNews = false;
  private wake = (): void => undefined;

  constructor(
    private readonly socket: DataSocket,
    private readonly maxBytes: number,
    /** Aborted, with an error, when nobody waits any longer. */
    private readonly signal: AbortSignal,
  ) {
    this.log = socket.log;
    this.datagrams = this.log instanceof DatagramLog ? [] : null;
    const log: { observe: (from: number, wake: () => void) => LogView } = this.log;
    this.view = log.observe(0, () => this.notice());
    this.notice();
    signal.addEventListener('abort', () => this.wake());
  }

  /** Something may have happened to the socket. */
  notice(): void {
    if (this.log.headOffset > 0) this.firstAt ??= performance.now();
    this.hasNews = true;
    this.wake();
  }

  /** Bytes that came in plain and that no step has asked for. */
  get hasUnasked(): boolean {
    return !this.view.atHead;
  }

  /** How it ended, which may be by what came instead. Fails as receiving does, and with the signal's reason. */
  async take(until: Until): Promise<Ending> {
    const goal = goalOf(until);
    const idleMs = 'idleMs' in until ? until.idleMs : null;
    const before = this.view.position;
    for (;;) {
      this.hasNews = false;
      const ending = this.lookFor(goal) ?? this.ended();
      if (ending !== null) return ending;
      const isOver = await this.news(this.view.position > before ? idleMs : null);
      if (isOver) return goal.ending;
      if (goal.restMs > 0) await pause(goal.restMs);
    }
  }

  /** All that came, or what the steps have taken of it. */
  bytes(what: 'all' | 'taken'): Buffer {
    if (this.datagrams !== null) return Buffer.concat(this.datagrams.map(({ payload }) => payload));
    const end = what === 'all' ? Math.min(this.log.headOffset, this.maxBytes) : this.taken;
    const parts: Buffer[] = [];
    for (let at = 0; at < end;) {
      const piece: DataPiece | GapPiece | null = this.log.peek(at, end - at);
      if (piece?.kind !== 'bytes') break;
      parts.push(Buffer.from(piece.bytes));
      at = piece.nextOffset;
      piece.memory.release();
    }
    return Buffer.concat(parts);
  }

  close(): void {
    this.view.detach();
  }

  private lookFor(goal: Goal): Ending | null {
    for (;;) {
      const piece = this.view.read(LOOK_BYTES);
      if (piece === null) return null;
      if (piece.kind === 'gap') throw gone(piece);
      const found = piece.kind === 'bytes' ? this.lookAt(piece.bytes, goal) : this.lookThrough(piece, goal);
      piece.memory.release();
      if (found !== null && piece.kind === 'bytes') this.view.position = this.taken;
      if (found !== null) return found;
    }
  }

  private lookAt(bytes: Buffer, goal: Goal): Ending | null {
    const left = this.maxBytes - this.taken;
    const found = goal.look(bytes.subarray(0, left));
    this.taken += Math.min(left, typeof found === 'number' ? found : bytes.length);
    if (typeof found === 'number') return goal.ending;
    return found === 'full' || bytes.length > left ? 'maxBytes' : null;
  }

  /** Datagrams of one piece; what comes behind the end is for the next step. */
  private lookThrough(piece: Extract<DataPiece, { kind: 'datagrams' }>, goal: Goal): Ending | null {
    if (!(this.log instanceof DatagramLog) || this.datagrams === null) return null;
    for (const datagram of this.log.datagramsOf(piece)) {
      const { length } = this.datagrams;
      if (length >= MAX_EXCHANGE_DATAGRAMS || this.taken + datagram.payload.length > this.maxBytes)
        return 'maxBytes';
      // A copy: the memory of the log is used again.
      this.datagrams.push({ ...datagram, payload: Buffer.from(datagram.payload) });
      this.taken += datagram.payload.length;
      this.view.position = datagram.sequence + 1;
      if (goal.look(datagram.payload) !== null) return goal.ending;
    }
    return null;
  }

  /** The peer has ended; or the socket, by an error. */
  private ended(): Ending | null {
    const { socket } = this;
    if (socket.closeReason instanceof SocketError) throw socket.closeReason;
    // ICMP port unreachable, say: to a connected socket it is an answer.
    if (socket instanceof DatagramSocket && socket.lastError !== null) throw socket.lastError.error;
    return this.log.isEnded ? 'eof' : null;
  }

  /** True when it was silent for `idleMs`. */
  private async news(idleMs: number | null): Promise<boolean> {
    let timer: NodeJS.Timeout | undefined;
    const isIdle = await new Promise<boolean>((resolve) => {
      this.wake = () => resolve(false);
      if (idleMs !== null) timer = setTimeout(() => resolve(true), idleMs);
      if (this.hasNews || this.signal.aborted) resolve(false);
    });
    clearTimeout(timer);
    this.wake = () => undefined;
    if (this.signal.aborted) throw this.signal.reason;
    return isIdle;
  }
}
