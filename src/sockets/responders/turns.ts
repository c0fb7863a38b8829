import { RESPONDER_TURN_MS } from '../limits.js';

/**
 * The time that all responders together have before everything else has its turn. Who asks when it is used
 * up waits for the next one; they go on in the order of their asking, one message each.
 */
export class Turns {
  private endsAt = 0;
  private running = false;
  private next: Promise<void> | null = null;

  /** Null: go on. */
  over(): Promise<void> | null {
    const now = performance.now();
    if (!this.running) this.begin(now);
    if (now < this.endsAt) return null;
    this.next ??= new Promise((resolve) => setImmediate(resolve)).then(() => {
      this.next = null;
    });
    return this.next;
  }

  private begin(now: number): void {
    this.running = true;
    this.endsAt = now + RESPONDER_TURN_MS;
    setImmediate(() => {
      this.running = false;
    });
  }
}
