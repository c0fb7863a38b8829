import { SocketError } from './errors.js';

/**
 * The time a socket has before somebody must renew it. Whoever made it may die without a word; what
 * it left behind goes by itself then.
 */
export class Lease {
  private ended = false;

  constructor(
    readonly ms: number,
    /** Milliseconds since 1970. */
    readonly expiresAt: number,
  ) {}

  /** `null`: none. */
  static of(ms: number | null, now: number): Lease | null {
    return ms === null ? null : new Lease(ms, now + ms);
  }

  /** The socket is on its way out: too late to renew. */
  get isOver(): boolean {
    return this.ended;
  }

  /** True at the first look after the time has run out, and never again. */
  runsOut(now: number): boolean {
    if (this.ended || now < this.expiresAt) return false;
    this.ended = true;
    return true;
  }
}

/**
 * The lease that follows on `lease`: as long as it was, or `ms`; null ends it for good. Fails with
 * EINVAL when there is neither.
 */
export function renewed(lease: Lease | null, ms: number | null | undefined, now: number): Lease | null {
  if (ms !== undefined) return Lease.of(ms, now);
  if (lease !== null) return Lease.of(lease.ms, now);
  throw new SocketError('EINVAL', 'is needed: the socket has no lease to renew', { field: 'leaseMs' });
}
