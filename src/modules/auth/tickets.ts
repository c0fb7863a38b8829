import { createHash, randomBytes } from 'node:crypto';
import { ProblemError } from '../problems/problem.js';

/** A page fetches its ticket and opens the WebSocket in one go. */
export const TICKET_MS = 30_000;
/** Tickets that wait to be used, of all callers. */
const MAX_TICKETS = 10_000;
const TICKET_BYTES = 32;

export interface Ticket {
  ticket: string;
  /** Milliseconds since 1970. */
  expiresAt: number;
}

/** What is kept of one: who it stands for (null: nobody, in protected mode), and until when. */
interface Kept {
  keyId: string | null;
  expiresAt: number;
}

/**
 * Stand-ins for a key on one WebSocket: a browser can set no header there, and a query ends up in logs, so that what
 * stands in it must be worth nothing afterwards. Only digests are kept.
 */
export class Tickets {
  /** By digest, the oldest first: all live equally long. */
  private readonly kept = new Map<string, Kept>();

  constructor(private readonly now: () => number = Date.now) {}

  /** `quota-exceeded` when too many wait to be used. */
  issue(keyId: string | null): Ticket {
    this.forgetExpired();
    if (this.kept.size >= MAX_TICKETS)
      throw new ProblemError(
        'quota-exceeded',
        `${String(MAX_TICKETS)} tickets wait to be used, the most allowed`,
      );
    const ticket = randomBytes(TICKET_BYTES).toString('base64url');
    const expiresAt = this.now() + TICKET_MS;
    this.kept.set(digestOf(ticket), { keyId, expiresAt });
    return { ticket, expiresAt };
  }

  /** Whom it stands for; it is worth nothing afterwards. `unauthorized` for one that is not valid, or not any more. */
  redeem(ticket: string): string | null {
    const digest = digestOf(ticket);
    const kept = this.kept.get(digest);
    this.kept.delete(digest);
    if (kept === undefined || kept.expiresAt <= this.now())
      throw new ProblemError('unauthorized', 'the ticket was used, has expired or never was');
    return kept.keyId;
  }

  private forgetExpired(): void {
    for (const [digest, { expiresAt }] of this.kept) {
      if (expiresAt > this.now()) return;
      this.kept.delete(digest);
    }
  }
}

function digestOf(ticket: string): string {
  return createHash('sha256').update(ticket).digest('base64');
}
