import { LITTLE_BYTES_A_TURN, MAX_READ_BYTES, READ_BYTES_A_TURN } from '../limits.js';

/** One connection's place in the turns. */
export class ReadTurn {
  /** The turn that what follows is of. */
  number = 0;
  /** Bytes read in it. */
  taken = 0;
  /** Bytes it may still read in it that are paid for. */
  credit = 0;

  constructor(
    private readonly turns: ReadTurns,
    /** Called when it may read on, after it could not. */
    readonly goOn: () => void,
  ) {}

  /** `bytes` were read. False: no more before `goOn`. */
  took(bytes: number): boolean {
    return this.turns.took(this, bytes);
  }

  leave(): void {
    this.turns.leave(this);
  }
}

/**
 * How much is read in one turn of the event loop, over all connections, so that those who carry much
 * hold up neither HTTP nor those who carry little. Who wants more than is left reads on in one of the
 * next turns, in the order of asking, a quantum each (deficit round-robin, Shreedhar and Varghese
 * 1995). There is no timer and no count of turns: the budget is made new when it has run out.
 */
export class ReadTurns {
  private number = 1;
  private left = READ_BYTES_A_TURN;
  private readonly waiting = new Set<ReadTurn>();
  private isNextDue = false;

  leave(turn: ReadTurn): void {
    this.waiting.delete(turn);
  }

  took(turn: ReadTurn, bytes: number): boolean {
    if (turn.number !== this.number) this.enter(turn, 0);
    const paid = Math.min(turn.credit, bytes);
    turn.credit -= paid;
    turn.taken += bytes;
    this.left -= bytes - paid;
    if (turn.credit > 0 || turn.taken < LITTLE_BYTES_A_TURN) return true;
    if (this.left > 0 && this.waiting.size === 0) return true;
    this.waiting.add(turn);
    this.schedule();
    return false;
  }

  private schedule(): void {
    if (this.isNextDue) return;
    this.isNextDue = true;
    setImmediate(() => this.next());
  }

  private next(): void {
    this.isNextDue = false;
    this.number += 1;
    this.left = READ_BYTES_A_TURN;
    for (const turn of this.waiting) {
      if (this.left <= 0) return this.schedule();
      this.waiting.delete(turn);
      this.left -= MAX_READ_BYTES;
      this.enter(turn, MAX_READ_BYTES);
      turn.goOn();
    }
  }

  private enter(turn: ReadTurn, credit: number): void {
    turn.number = this.number;
    turn.taken = 0;
    turn.credit = credit;
  }
}
