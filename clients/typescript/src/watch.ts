import { ConnectionLostError, type SockeyeError } from './errors.js';
import type { Link } from './link.js';
import { iterate, Mailbox } from './mailbox.js';
import type { EventFilter, ServerData, SocketEvent } from './protocol.js';

/** Events that are gone, by their ids, both included: the service remembers only so many, and so does this side. */
export interface Missed {
  kind: 'missed';
  from: number;
  to: number;
}

/** Events that wait for a consumer; what comes beyond is told as missed. */
const MAX_WAITING = 10_000;

/** What happens to sockets, over any number of WebSockets: an async iterator. Leaving the loop ends the watch. */
export class Watch implements AsyncIterable<SocketEvent | Missed> {
  /** Settled when the service watches, the first time. */
  readonly ready: Promise<void>;
  private readonly events = new Mailbox<SocketEvent | Missed>();
  /** The last event that came, or was there when the watch began. */
  private lastId: number | null;
  /** The place in the history is not moved back any more: what comes now is in order. */
  private isLive = false;
  private link: Link | null = null;
  private isOver = false;
  private settleReady!: (error: SockeyeError | null) => void;

  constructor(
    private readonly filters: readonly EventFilter[],
    lastEventId: number | undefined,
    private readonly left: (watch: Watch) => void,
  ) {
    this.lastId = lastEventId ?? null;
    this.ready = new Promise((resolve, reject) => {
      this.settleReady = (error) => (error === null ? resolve() : reject(error));
    });
    this.ready.catch(() => {});
  }

  /** Id of the last event that came: another watch can go on behind it. */
  get lastEventId(): number | null {
    return this.lastId;
  }

  [Symbol.asyncIterator](): AsyncIterableIterator<SocketEvent | Missed> {
    return iterate(
      () => this.events.next(),
      (event) => event,
      () => this.close(),
    );
  }

  async close(): Promise<void> {
    const { link } = this;
    this.finish(null);
    await link?.ask('unwatch', {}).catch(() => {});
  }

  /**
   * Watches on a WebSocket. The place of all watches in the history is one: the last filter moves it to where it has
   * to be, and what was told before that comes again.
   */
  async attach(link: Link): Promise<void> {
    this.link = link;
    this.isLive = this.lastId === null;
    const [last, ...others] = this.filters;
    const live = ({ lastEventId }: ServerData['watching']): void => {
      this.lastId ??= lastEventId;
      this.isLive = true;
    };
    try {
      const asked = others.map((filter) => link.ask('watch', filter));
      asked.push(link.ask('watch', { ...last, lastEventId: this.lastId ?? undefined }, live));
      await Promise.all(asked);
      this.settleReady(null);
    } catch (error) {
      if (!(error instanceof ConnectionLostError)) this.finish(error as SockeyeError);
    }
  }

  lost(): void {
    this.link = null;
  }

  fail(error: SockeyeError): void {
    this.finish(error);
  }

  event(event: ServerData['event']): void {
    if (!this.isLive || (this.lastId !== null && event.id <= this.lastId)) return;
    this.lastId = event.id;
    if (this.events.size < MAX_WAITING) this.events.put({ kind: 'event', ...event });
    else this.missed({ from: event.id, to: event.id });
  }

  missed({ from, to }: ServerData['missed']): void {
    const { last } = this.events;
    if (last?.kind === 'missed') last.to = to;
    else this.events.put({ kind: 'missed', from, to });
    this.lastId = Math.max(this.lastId ?? 0, to);
  }

  private finish(error: SockeyeError | null): void {
    if (this.isOver) return;
    this.isOver = true;
    this.link = null;
    this.events.finish(error);
    this.settleReady(error);
    this.left(this);
  }
}
