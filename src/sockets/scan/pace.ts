/** What a pause may make up for: timers are late by some milliseconds, and the rate holds all the same. */
const CATCH_UP_MS = 50;

/** At most so many a second, evenly: the moment of each is the one before it and a step. */
export class Pace {
  private readonly stepMs: number;
  private next: number;

  constructor(perSecond: number | null, now: number) {
    this.stepMs = perSecond === null ? 0 : 1000 / perSecond;
    this.next = now;
  }

  /** How long until the next one may begin; 0: now. */
  waitMs(now: number): number {
    return Math.max(0, this.next - now);
  }

  took(now: number): void {
    this.next = Math.max(this.next, now - CATCH_UP_MS) + this.stepMs;
  }
}
