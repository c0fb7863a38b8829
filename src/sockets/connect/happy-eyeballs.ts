import type { Family } from '../endpoint.js';
import { SocketError, type Attempt } from '../errors.js';

/**
 * RFC 8305, 4: the families take turns, beginning with that of the first address; within a family the
 * resolver's order stays.
 */
export function interleave<T extends { family: Family }>(found: readonly T[]): T[] {
  const preferred = found.filter(({ family }) => family === found[0]?.family);
  const others = found.filter(({ family }) => family !== found[0]?.family);
  const rounds = Array.from({ length: Math.max(preferred.length, others.length) }, (_, round) => [
    preferred[round],
    others[round],
  ]);
  return rounds.flat().filter((candidate) => candidate !== undefined);
}

export interface RaceOptions<C, T> {
  candidates: readonly C[];
  /** Rejects with a SocketError, and does so at once when `signal` is aborted, with nothing left open. */
  connect: (candidate: C, signal: AbortSignal) => Promise<T>;
  /** How long an attempt may say nothing before the next one begins beside it. */
  delayMs: number;
  /** Ends every attempt. */
  signal: AbortSignal;
}

/**
 * RFC 8305, 5: one attempt after the other, the next one when the last one failed or was silent for
 * too long. The first that connects ends the others. When there is none, this rejects with the error
 * that came last, which has all of them in `details.attempts`.
 */
export function race<C, T>(options: RaceOptions<C, T>): Promise<T> {
  return new Promise((resolve, reject) => new Race(options, resolve, reject).start());
}

/** Why the others end. Without a reason of its own each abort would make an error, and its stack. */
const DECIDED = 'another has connected';

class Race<C, T> {
  private readonly attempts: Attempt[] = [];
  private readonly end = new AbortController();
  private waiting: C[];
  private inFlight = 0;
  private timer: NodeJS.Timeout | undefined;

  constructor(
    private readonly options: RaceOptions<C, T>,
    private readonly resolve: (value: T) => void,
    private readonly reject: (error: SocketError) => void,
  ) {
    this.waiting = [...options.candidates];
  }

  start(): void {
    this.options.signal.addEventListener('abort', this.stop);
    this.next();
  }

  private readonly stop = (): void => {
    this.waiting = [];
    this.finish(this.options.signal.reason);
  };

  private next(): void {
    clearTimeout(this.timer);
    const candidate = this.waiting.shift();
    if (candidate === undefined) return;
    this.inFlight += 1;
    const { connect, delayMs } = this.options;
    if (this.waiting.length > 0) this.timer = setTimeout(() => this.next(), delayMs);
    const startedAt = performance.now();
    connect(candidate, this.end.signal).then(
      (value) => {
        this.finish();
        this.resolve(value);
      },
      (error: unknown) => this.lost(SocketError.fromSystem(error, { syscall: 'connect' }), startedAt),
    );
  }

  private lost(error: SocketError, startedAt: number): void {
    this.inFlight -= 1;
    this.attempts.push(attemptOf(error, performance.now() - startedAt));
    this.next();
    if (this.inFlight > 0) return;
    this.finish();
    const { code, message, details } = error;
    this.reject(new SocketError(code, message, { ...details, attempts: this.attempts }));
  }

  private finish(reason: unknown = DECIDED): void {
    clearTimeout(this.timer);
    this.waiting = [];
    this.options.signal.removeEventListener('abort', this.stop);
    this.end.abort(reason);
  }
}

function attemptOf({ code, errno, details }: SocketError, durationMs: number): Attempt {
  const { address, port, syscall } = details;
  return {
    address: address ?? null,
    port: port ?? null,
    code,
    errno: errno ?? null,
    syscall: syscall ?? null,
    durationMs: Math.round(durationMs),
  };
}
