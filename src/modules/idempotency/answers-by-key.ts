/** What a request was answered with. */
export type Outcome = { failed: false; answer: Answer } | { failed: true; error: unknown };

export interface Answer {
  status: number;
  location: string | undefined;
  body: unknown;
}

export interface Bounds {
  maxKeys: number;
  /** Of the bodies that are kept, as JSON. */
  maxBytes: number;
  /** Milliseconds that an answer is kept. */
  keepMs: number;
}

interface Kept {
  fingerprint: string;
  since: number;
  status: number;
  location: string | undefined;
  /** JSON: its size is known, and nobody can change what was answered. */
  body: Buffer;
}

interface AtWork {
  fingerprint: string;
  outcome: Promise<Outcome>;
}

/** The key was used before, with something else. */
export const REUSED = Symbol('reused');

/**
 * Answers that were given once, to be given again to the same key. A request that comes while the
 * first one is at work waits for it. A failure has made nothing, and may be over the next time: it is
 * not kept.
 */
export class AnswersByKey {
  /** Oldest first. */
  private readonly kept = new Map<string, Kept>();
  private readonly atWork = new Map<string, AtWork>();
  private bytes = 0;

  constructor(
    private readonly bounds: Bounds,
    private readonly now: () => number = Date.now,
  ) {}

  /** Answers that are kept. */
  get size(): number {
    return this.kept.size;
  }

  get keptBytes(): number {
    return this.bytes;
  }

  /** The key is known, with another fingerprint. */
  isReused(key: string, fingerprint: string): boolean {
    const before = this.before(key);
    return before !== undefined && before.fingerprint !== fingerprint;
  }

  /** The outcome of `work`, or the one that the key has already; `fingerprint` tells the same request from another. */
  async answer(
    key: string,
    fingerprint: string,
    work: () => Promise<Outcome>,
  ): Promise<{ outcome: Outcome; replayed: boolean } | typeof REUSED> {
    const before = this.before(key);
    if (before === undefined) return { outcome: await this.begin(key, fingerprint, work()), replayed: false };
    if (before.fingerprint !== fingerprint) return REUSED;
    return { outcome: 'outcome' in before ? await before.outcome : outcomeOf(before), replayed: true };
  }

  private before(key: string): Kept | AtWork | undefined {
    this.forgetOld();
    return this.kept.get(key) ?? this.atWork.get(key);
  }

  /** What is at work must be known, or it would be done twice; it is as bounded as requests are. */
  private async begin(key: string, fingerprint: string, outcome: Promise<Outcome>): Promise<Outcome> {
    this.atWork.set(key, { fingerprint, outcome });
    try {
      const done = await outcome;
      if (!done.failed) this.keep(key, fingerprint, done.answer);
      return done;
    } finally {
      this.atWork.delete(key);
    }
  }

  /** The oldest make room; an answer larger than all the room there is would push out every other for nothing. */
  private keep(key: string, fingerprint: string, { status, location, body }: Answer): void {
    const json = Buffer.from(JSON.stringify(body ?? null));
    if (json.length > this.bounds.maxBytes) return;
    this.kept.set(key, { fingerprint, since: this.now(), status, location, body: json });
    this.bytes += json.length;
    for (const [oldest] of this.kept) {
      if (this.kept.size <= this.bounds.maxKeys && this.bytes <= this.bounds.maxBytes) return;
      this.forget(oldest);
    }
  }

  private forgetOld(): void {
    for (const [key, { since }] of this.kept) {
      if (this.now() - since < this.bounds.keepMs) return;
      this.forget(key);
    }
  }

  private forget(key: string): void {
    this.bytes -= this.kept.get(key)?.body.length ?? 0;
    this.kept.delete(key);
  }
}

function outcomeOf({ status, location, body }: Kept): Outcome {
  return { failed: false, answer: { status, location, body: JSON.parse(body.toString()) as unknown } };
}
