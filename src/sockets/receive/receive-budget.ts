import { BUDGET_RESERVE_BYTES } from '../limits.js';

/** What the budget needs from a log: to drop history, and to hear that there is room again. */
interface BudgetMember {
  forgetHistory(): void;
  roomChanged(): void;
}

/**
 * Received bytes in memory over all sockets. Under pressure committed history goes first; then logs
 * are held to a small reserve each, so that none is brought to a halt by the others' unread bytes.
 */
export class ReceiveBudget {
  private used = 0;
  private lent = 0;
  /** Logs that hold bytes which all their readers have committed. */
  private readonly withHistory = new Set<BudgetMember>();
  private readonly starved = new Set<BudgetMember>();

  constructor(readonly limitBytes: number) {}

  get usedBytes(): number {
    return this.used;
  }

  get exhausted(): boolean {
    return this.unused <= 0;
  }

  /** What may still be held, or lent; below 0 over the limit. */
  get unused(): number {
    return this.limitBytes - this.used - this.lent;
  }

  /** Readers of that log have moved on: it may hold bytes that nobody waits for. */
  noteHistory(member: BudgetMember): void {
    this.withHistory.add(member);
  }

  leave(member: BudgetMember): void {
    this.withHistory.delete(member);
    this.starved.delete(member);
  }

  /** How much a log that holds `uncommittedBytes` may still read; it is woken when that grows from 0. */
  room(member: BudgetMember, uncommittedBytes: number): number {
    if (this.exhausted) this.dropHistory();
    const room = Math.max(this.unused, BUDGET_RESERVE_BYTES - uncommittedBytes, 0);
    if (room === 0) this.starved.add(member);
    return room;
  }

  /** While over the limit: drops what all readers have committed, log after log. */
  dropHistory(): void {
    for (const member of this.withHistory) {
      if (!this.exhausted) return;
      this.withHistory.delete(member);
      member.forgetHistory();
    }
  }

  /** Bytes more (or, negative, fewer) that some log holds now. */
  change(bytes: number): void {
    this.used += bytes;
    this.wakeStarved(bytes);
  }

  /** Bytes more (or, negative, fewer) of memory that waits to be read into: it could be full at any time. */
  lend(bytes: number): void {
    this.lent += bytes;
    this.wakeStarved(bytes);
  }

  private wakeStarved(bytes: number): void {
    if (bytes >= 0 || this.exhausted || this.starved.size === 0) return;
    const waiting = [...this.starved];
    this.starved.clear();
    for (const member of waiting) member.roomChanged();
  }
}
