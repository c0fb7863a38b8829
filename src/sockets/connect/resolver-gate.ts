import { SocketError } from '../errors.js';
import { MAX_WAITING_QUESTIONS } from '../limits.js';

export interface Question {
  syscall: string;
  address: string;
}

/** The resolver cannot be told to stop: past the deadline its answer is ignored. */
export async function withDeadline<T>(work: Promise<T>, timeoutMs: number, what: Question): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => {
      reject(new SocketError('ETIMEDOUT', `${what.syscall} ETIMEDOUT ${what.address}`, { ...what }));
    }, timeoutMs);
  });
  try {
    return await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
  }
}

/**
 * Questions to the resolver that wait for each other: each holds a thread for as long as the resolver takes, past
 * the deadline of who asked.
 */
export class ResolverGate {
  private running = 0;
  private readonly waiting = new Set<() => void>();

  /** `width`: how many run at once. */
  constructor(private readonly width: number) {}

  /** Waits for its turn and for the answer, `timeoutMs` in all. ETIMEDOUT, LIMIT_REACHED. */
  async ask<T>(work: () => Promise<T>, timeoutMs: number, what: Question): Promise<T> {
    if (this.waiting.size >= MAX_WAITING_QUESTIONS)
      throw new SocketError('LIMIT_REACHED', 'too many questions wait for the resolver', { ...what });
    let leave = (): unknown => undefined;
    const turn = new Promise<void>((start) => {
      if (this.running < this.width) {
        this.running += 1;
        return start();
      }
      this.waiting.add(start);
      leave = () => this.waiting.delete(start);
    });
    const answer = turn.then(work).finally(() => this.ended());
    try {
      return await withDeadline(answer, timeoutMs, what);
    } finally {
      leave();
    }
  }

  private ended(): void {
    const [next] = this.waiting;
    if (next === undefined) {
      this.running -= 1;
      return;
    }
    this.waiting.delete(next);
    next();
  }
}
