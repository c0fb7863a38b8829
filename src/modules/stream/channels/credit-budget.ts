import { Injectable } from '@nestjs/common';

/** How much a client may send ahead on one channel, */
export const CREDIT_BYTES = 1024 * 1024;

/** and on a channel for which the budget has no more. */
export const LEAST_CREDIT_BYTES = 16 * 1024;

/** What all clients together may send ahead. */
export const CREDIT_BUDGET_BYTES = 256 * 1024 * 1024;

/** Credit is a promise of memory: it is made for the whole process, so that all of them can be kept. */
@Injectable()
export class CreditBudget {
  private promisedBytes = 0;

  /** The credit of one channel, with which it begins. */
  open(): ChannelCredit {
    return new ChannelCredit((bytes) => this.take(bytes));
  }

  /** Answers how much of `bytes` can be promised; fewer than 0 are given back. */
  private take(bytes: number): number {
    const taken = Math.min(bytes, Math.max(0, CREDIT_BUDGET_BYTES - this.promisedBytes));
    this.promisedBytes += taken;
    return taken;
  }
}

/** How far the client of one channel may be ahead of the kernel. */
export class ChannelCredit {
  /** The most that may be on its way. It grows to the full credit as soon as the budget allows. */
  windowBytes = LEAST_CREDIT_BYTES;
  private promised = 0;
  private freed = 0;

  constructor(private readonly take: (bytes: number) => number) {
    this.grow();
  }

  /** `bytes` do not wait any more. Answers what the client is to be told; 0: not yet. */
  free(bytes: number): number {
    this.freed += bytes;
    if (this.freed < this.windowBytes / 4) return 0;
    const told = this.freed + this.grow();
    this.freed = 0;
    return told;
  }

  close(): void {
    this.take(-this.promised);
    this.promised = 0;
  }

  private grow(): number {
    const more = this.take(CREDIT_BYTES - this.windowBytes);
    this.promised += more;
    this.windowBytes += more;
    return more;
  }
}
