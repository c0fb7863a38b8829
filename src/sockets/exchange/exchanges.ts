import type { OnDialPhase } from '../connect/dial.js';
import type { DataSocket } from '../data-socket.js';
import { errorFields } from '../endpoint.js';
import { SocketError } from '../errors.js';
import { MAX_EXCHANGES } from '../limits.js';
import type { Removals } from '../removal.js';
import type { SocketEvent } from '../socket.js';
import { Exchange, type Dialogue } from './exchange.js';
import type { ExchangePlan } from './plan.js';

/** Makes the socket of an exchange, within the deadline of its plan; `gone` gives up. */
export type Opening = (gone: AbortSignal, onPhase: OnDialPhase) => Promise<DataSocket>;

/** Milliseconds; null: there was no such phase, or nothing came. */
export interface Timings {
  resolveMs: number | null;
  connectMs: number;
  /** The handshake of a socket that speaks TLS from its beginning. */
  tlsMs: number | null;
  /** Since the beginning, as is `totalMs`. */
  firstByteMs: number | null;
  totalMs: number;
}

export interface ExchangeReport extends Dialogue {
  /** Closed and forgotten; what it was can still be asked. */
  socket: DataSocket;
  timings: Timings;
}

/** What exchanges need of the engine around them. */
interface Surroundings {
  readonly stopSignal: AbortSignal;
  onEvent(listener: (event: SocketEvent) => void): () => void;
}

/** Runs exchanges, so many at once: each opens a socket, speaks with its peer, and leaves nothing behind. */
export class Exchanges {
  private running = 0;

  constructor(
    private readonly engine: Surroundings,
    private readonly removals: Removals,
  ) {}

  /**
   * Errors before there is a connection are thrown, as connecting has them, and LIMIT_REACHED; those after it
   * stand in the report beside all that came until then. `gone`: nobody waits for the answer any more.
   */
  async run(plan: ExchangePlan, open: Opening, gone: AbortSignal): Promise<ExchangeReport> {
    if (this.running >= MAX_EXCHANGES)
      throw new SocketError('LIMIT_REACHED', `${String(MAX_EXCHANGES)} exchanges run, the most allowed`);
    this.running += 1;
    try {
      return await this.spoken(plan, open, AbortSignal.any([gone, this.engine.stopSignal]));
    } finally {
      this.running -= 1;
    }
  }

  private async spoken(plan: ExchangePlan, open: Opening, given: AbortSignal): Promise<ExchangeReport> {
    const clock = new Stopwatch();
    const socket = await open(given, (phase) => clock.reached(phase));
    const isSecure = socket.protocol === 'tls';
    clock.reached('open');
    const over = new AbortController();
    const deadline = clock.begunAt + plan.timeoutMs;
    const late = setTimeout(() => over.abort(tooLate(socket, plan)), deadline - performance.now());
    const giveUp = (): void => {
      over.abort(this.abandoned());
      void socket.close('reset', 'api');
    };
    given.addEventListener('abort', giveUp);
    if (given.aborted) giveUp();
    const exchange = new Exchange(socket, plan, { begunAt: clock.begunAt, deadline }, over.signal);
    const stop = this.engine.onEvent((event) => {
      if (event.socket === socket) exchange.notice();
    });
    try {
      const dialogue = await exchange.run();
      return { ...dialogue, socket, timings: clock.timings(dialogue.firstByteAt, isSecure) };
    } finally {
      stop();
      clearTimeout(late);
      given.removeEventListener('abort', giveUp);
      await this.removals.forget(socket, over.signal.aborted ? 'reset' : 'graceful');
    }
  }

  private abandoned(): SocketError {
    if (this.engine.stopSignal.aborted) return new SocketError('STOPPING', 'the service is stopping');
    return new SocketError('ECANCELED', 'exchange ECANCELED: the caller went away');
  }
}

function tooLate({ remoteAddress }: DataSocket, { timeoutMs }: ExchangePlan): SocketError {
  const message = `exchange ETIMEDOUT: not over within ${String(timeoutMs)} ms`;
  return new SocketError('ETIMEDOUT', message, { syscall: 'recv', ...errorFields(remoteAddress) });
}

type Phase = Parameters<OnDialPhase>[0] | 'open';

class Stopwatch {
  readonly begunAt = performance.now();
  private readonly at = new Map<Phase, number>();

  reached(phase: Phase): void {
    this.at.set(phase, performance.now());
  }

  timings(firstByteAt: number | null, isSecure: boolean): Timings {
    const { begunAt } = this;
    const resolved = this.at.get('resolved');
    const connected = this.at.get('connected');
    const open = this.at.get('open') ?? begunAt;
    return {
      resolveMs: resolved === undefined ? null : resolved - begunAt,
      connectMs: (connected ?? open) - (resolved ?? begunAt),
      tlsMs: isSecure && connected !== undefined ? open - connected : null,
      firstByteMs: firstByteAt === null ? null : firstByteAt - begunAt,
      totalMs: performance.now() - begunAt,
    };
  }
}
