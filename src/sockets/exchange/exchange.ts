import type { DataSocket } from '../data-socket.js';
import type { ReceivedDatagram } from '../datagram/datagram-log.js';
import { SocketError } from '../errors.js';
import { StreamConnection } from '../stream/stream-connection.js';
import { Incoming } from './incoming.js';
import type { Ending, ExchangePlan, Step } from './plan.js';

/** One step as it went. Times in milliseconds since the exchange began. */
export interface StepRecord {
  step: Step['kind'];
  atMs: number;
  tookMs: number;
  /** What was sent, or what came. */
  bytes: Buffer;
  /** Of a wait: what ended it; null: nothing did. */
  endedBy: Ending | null;
}

/** What an exchange came to: all of it, or as far as it got. */
export interface Dialogue {
  /** null: it failed. */
  endedBy: Ending | null;
  error: SocketError | null;
  received: Buffer;
  /** The same one by one, of a socket for datagrams. */
  datagrams: ReceivedDatagram[] | null;
  transcript: StepRecord[];
  firstByteAt: number | null;
}

/** A step that was begun. What came in it stands between two places of all that came. */
interface Gone {
  step: Step;
  atMs: number;
  tookMs: number;
  from: number;
  to: number;
  endedBy: Ending | null;
}

/** What a peer that upgrades has sent before its time would be read as if it had come through TLS (RFC 3207, 6). */
function refuseUnasked(incoming: Incoming): void {
  if (!incoming.hasUnasked) return;
  const detail = 'handshake EPROTO: bytes came in plain that no step has asked for';
  throw new SocketError('EPROTO', detail, { syscall: 'handshake' });
}

/** Goes through the steps of a plan over one socket, which somebody else opens and closes. */
export class Exchange {
  private readonly incoming: Incoming;
  private readonly gone: Gone[] = [];

  constructor(
    private readonly socket: DataSocket,
    private readonly plan: ExchangePlan,
    /** Both by performance.now(). */
    private readonly time: { begunAt: number; deadline: number },
    private readonly signal: AbortSignal,
  ) {
    this.incoming = new Incoming(socket, plan.maxBytes, signal);
  }

  /** The socket may have something to tell. */
  notice(): void {
    this.incoming.notice();
  }

  async run(): Promise<Dialogue> {
    try {
      return this.dialogue(await this.goThrough(), null);
    } catch (error) {
      // Who ends it from outside closes the socket, too: what that came to is not the reason.
      const reason: unknown = this.signal.aborted ? this.signal.reason : error;
      if (!(reason instanceof SocketError)) throw reason;
      return this.dialogue(null, reason);
    } finally {
      this.incoming.close();
    }
  }

  private async goThrough(): Promise<Ending> {
    for (const step of this.plan.steps) {
      const endedBy = await this.recorded(step);
      if (endedBy === 'maxBytes' || (endedBy === 'eof' && !isForEof(step))) return endedBy;
    }
    return 'steps';
  }

  private async recorded(step: Step): Promise<Ending | null> {
    const begun = performance.now();
    const from = this.incoming.taken;
    let endedBy: Ending | null = null;
    try {
      endedBy = await this.take(step);
      return endedBy;
    } finally {
      const [atMs, tookMs] = [begun - this.time.begunAt, performance.now() - begun];
      this.gone.push({ step, atMs, tookMs, from, to: this.incoming.taken, endedBy });
    }
  }

  /** Of a wait, what ended it. */
  private async take(step: Step): Promise<Ending | null> {
    if (step.kind === 'expect') return this.incoming.take(step.until);
    if (step.kind === 'send') await this.socket.sendAll(step.bytes, this.leftMs);
    else if (step.kind === 'shutdown') this.socket.shutdown('write');
    else await this.startTls(step.handshake);
    return null;
  }

  private async startTls(handshake: Extract<Step, { kind: 'starttls' }>['handshake']): Promise<void> {
    const { socket } = this;
    if (!(socket instanceof StreamConnection))
      throw new SocketError('EOPNOTSUPP', 'only TCP can be upgraded');
    refuseUnasked(this.incoming);
    await socket.startTls(handshake(socket.peerName), Buffer.alloc(0), this.leftMs);
  }

  private get leftMs(): number {
    return Math.max(1, Math.ceil(this.time.deadline - performance.now()));
  }

  private dialogue(endedBy: Ending | null, error: SocketError | null): Dialogue {
    const { datagrams, firstAt } = this.incoming;
    const received = this.incoming.bytes(error === null ? 'taken' : 'all');
    const transcript = this.gone.map(({ step, from, to, ...times }) => {
      const bytes = step.kind === 'send' ? step.bytes : received.subarray(from, to);
      return { step: step.kind, bytes, ...times };
    });
    return { endedBy, error, received, datagrams, transcript, firstByteAt: firstAt };
  }
}

function isForEof(step: Step): boolean {
  return step.kind === 'expect' && 'eof' in step.until;
}
