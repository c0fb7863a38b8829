import { problemOf } from '../problems/problem.js';

/** What a request was answered with. */
export type Outcome =
  | { failed: false; status: number; location: string | undefined; body: unknown }
  | { failed: true; error: unknown };

export interface Bounds {
  maxKeys: number;
  /** Milliseconds that an answer is kept. */
  keepMs: number;
}

interface Kept {
  fingerprint: string;
  since: number;
  outcome: Promise<Outcome>;
  isDone: boolean;
}

/** The key was used before, with something else. */
export const REUSED = Symbol('reused');

/**
 * Answers that were given once, to be given again to the same key. A request that comes while the
 * first one is at work waits for it. Our own failures and "not now" are not kept: a retry is one.
 */
export class AnswersByKey {
  /** Oldest first. */
  private readonly kept = new Map<string, Kept>();

  constructor(
    private readonly bounds: Bounds,
    private readonly now: () => number = Date.now,
  ) {}

  get size(): number {
    return this.kept.size;
  }

  /** The outcome of `work`, or the one that the key has already; `fingerprint` tells the same request from another. */
  async answer(
    key: string,
    fingerprint: string,
    work: () => Promise<Outcome>,
  ): Promise<{ outcome: Outcome; replayed: boolean } | typeof REUSED> {
    this.forgetOld();
    const before = this.kept.get(key);
    if (before === undefined) return { outcome: await this.begin(key, fingerprint, work()), replayed: false };
    if (before.fingerprint !== fingerprint) return REUSED;
    return { outcome: await before.outcome, replayed: true };
  }

  private async begin(key: string, fingerprint: string, outcome: Promise<Outcome>): Promise<Outcome> {
    const entry: Kept = { fingerprint, since: this.now(), outcome, isDone: false };
    this.kept.set(key, entry);
    const done = await outcome;
    entry.isDone = true;
    if (isPassing(done)) this.kept.delete(key);
    this.forgetSurplus();
    return done;
  }

  private forgetOld(): void {
    for (const [key, { since, isDone }] of this.kept) {
      if (this.now() - since < this.bounds.keepMs) return;
      if (isDone) this.kept.delete(key);
    }
  }

  /** What is at work must be known, or it would be done twice; it is as bounded as requests are. */
  private forgetSurplus(): void {
    for (const [key, { isDone }] of this.kept) {
      if (this.kept.size <= this.bounds.maxKeys) return;
      if (isDone) this.kept.delete(key);
    }
  }
}

/** Says nothing about the request itself: it may go another way the next time. */
function isPassing(outcome: Outcome): boolean {
  if (!outcome.failed) return false;
  const { status } = problemOf(outcome.error);
  return status >= 500 || status === 429;
}
