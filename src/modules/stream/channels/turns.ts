/** Who takes turns: a channel. */
export interface TurnTaker {
  /** Sends one piece of at most `maxBytes`. Answers what it cost, in bytes; 0: there is nothing to send now. */
  step(maxBytes: number): number;
}

/** What is left of a quantum below this is kept for the next turn: frames of a few bytes serve nobody. */
export const SMALLEST_PIECE_BYTES = 4 * 1024;

/**
 * Whose turn it is: deficit round robin (Shreedhar and Varghese, 1995), counted in bytes. Who always has
 * something gets one quantum after the other in its turn; what a piece took beyond it is taken off the
 * next. Who had nothing and now has goes first, for one quantum, as the new flows of RFC 8290 do (4.2):
 * a short message waits for one quantum of others at most, however many they are.
 */
export class Turns<Taker extends TurnTaker> {
  /** What each may still send, in bytes; in the order of their turns. */
  private readonly woken = new Map<Taker, number>();
  private readonly busy = new Map<Taker, number>();

  constructor(private readonly quantumBytes: number) {}

  get isEmpty(): boolean {
    return this.woken.size === 0 && this.busy.size === 0;
  }

  /** It has, or may have, something to send. */
  wake(taker: Taker): void {
    if (!this.busy.has(taker) && !this.woken.has(taker)) this.woken.set(taker, this.quantumBytes);
  }

  remove(taker: Taker): void {
    this.woken.delete(taker);
    this.busy.delete(taker);
  }

  clear(): void {
    this.woken.clear();
    this.busy.clear();
  }

  /** One step of the one whose turn it is. Answers its cost; 0 when it had nothing, or only its turn has ended. */
  step(): number {
    const line = this.woken.size > 0 ? this.woken : this.busy;
    for (const [taker, allowance] of line) return this.stepOf(line, taker, allowance);
    return 0;
  }

  private stepOf(line: Map<Taker, number>, taker: Taker, allowance: number): number {
    if (allowance < SMALLEST_PIECE_BYTES) {
      line.delete(taker);
      this.busy.set(taker, allowance + this.quantumBytes);
      return 0;
    }
    const cost = taker.step(allowance);
    if (!line.has(taker)) return cost; // it went while it was asked
    if (cost > 0) {
      line.set(taker, allowance - cost);
    } else {
      line.delete(taker);
      // It could wake again and again to be first: all who wait come before it gets there.
      if (line === this.woken && this.busy.size > 0) this.busy.set(taker, allowance);
    }
    return cost;
  }
}
