import { FLOW_EVENT_MS } from '../limits.js';

/** What a log dropped before its readers had it. Datagram sockets count datagrams, streams bytes. */
export interface Dropped {
  /** First offset that is gone, and the first one behind: a part between them may have been read. */
  from: number;
  to: number;
  /** How many between them were lost. */
  dropped: number;
}

/**
 * Tells when one socket is paused, resumed, drops what it received, or hears that a datagram found
 * nobody. A busy socket does so thousands
 * of times a second: what follows within FLOW_EVENT_MS is gathered, and told as what came of it.
 */
export class FlowEvents {
  private paused = false;
  private toldPaused = false;
  private gap: Dropped | null = null;
  private unreachable = false;
  private quietUntil = 0;

  constructor(
    private readonly tell: (name: 'paused' | 'resumed' | 'gap' | 'unreachable', gap: Dropped | null) => void,
    private readonly now: () => number,
  ) {}

  setPaused(paused: boolean): void {
    if (paused === this.paused) return;
    this.paused = paused;
    this.sweep(this.now());
  }

  drop({ from, to, dropped }: Dropped): void {
    const before = this.gap ?? { from, to, dropped: 0 };
    this.gap = {
      from: Math.min(before.from, from),
      to: Math.max(before.to, to),
      dropped: before.dropped + dropped,
    };
    this.sweep(this.now());
  }

  noteUnreachable(): void {
    this.unreachable = true;
    this.sweep(this.now());
  }

  /** Tells what was gathered, unless something was told just before. */
  sweep(now: number): void {
    if (now >= this.quietUntil) this.flush();
  }

  /** Tells what was gathered at once: something else is about to be told that comes after it. */
  flush(): void {
    const { gap, paused, toldPaused, unreachable } = this;
    if (gap === null && paused === toldPaused && !unreachable) return;
    this.quietUntil = this.now() + FLOW_EVENT_MS;
    this.gap = null;
    this.toldPaused = paused;
    this.unreachable = false;
    if (gap !== null) this.tell('gap', gap);
    if (unreachable) this.tell('unreachable', null);
    if (paused !== toldPaused) this.tell(paused ? 'paused' : 'resumed', null);
  }
}
