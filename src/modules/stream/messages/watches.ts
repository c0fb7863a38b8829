import { SocketError, type EventCursor } from '../../../sockets/index.js';
import { isWanted, type EventRecord } from '../../common/event.dto.js';
import type { EventFeed } from '../../engine/event-feed.js';
import { ProblemError } from '../../problems/problem.js';
import type { ChannelHost } from '../channels/channel.js';
import type { UnwatchData, WatchData } from './messages.js';
import type { WatchingData } from './server-messages.js';

/** Each is asked about each event. */
const MAX_WATCHES = 64;

/**
 * The events one client watches. All its watches share one place in the history: an event that several
 * want comes once, and what a client that reads slowly has not got stays there, not in a queue.
 */
export class Watches {
  private readonly filters = new Map<string, UnwatchData>();
  private cursor: EventCursor<EventRecord> | null = null;
  private stop: (() => void) | null = null;

  constructor(
    private readonly feed: EventFeed,
    private readonly host: Pick<ChannelHost, 'writer' | 'message'>,
  ) {}

  /** A filter that is watched already is not watched twice. `lastEventId` moves the place of all back. */
  add({ lastEventId, ...filter }: WatchData): WatchingData {
    this.feed.requireListener(filter.listenerId);
    const key = keyOf(filter);
    if (!this.filters.has(key) && this.filters.size >= MAX_WATCHES) {
      throw new SocketError('QUOTA_EXCEEDED', `a WebSocket has at most ${String(MAX_WATCHES)} watches`);
    }
    if (lastEventId !== undefined || this.cursor === null)
      this.cursor = this.feed.follow(lastEventId ?? this.feed.lastId);
    this.filters.set(key, filter);
    this.stop ??= this.feed.onEvent(() => this.pump());
    return this.shown(this.cursor);
  }

  /** Ends the watch with that filter; all of them when it asks for nothing in particular. */
  remove(filter: UnwatchData): WatchingData {
    const cursor = this.cursor ?? this.feed.follow(this.feed.lastId);
    if (keyOf(filter) === keyOf({})) this.clear();
    else if (!this.filters.delete(keyOf(filter)))
      throw new ProblemError('not-found', 'nothing is watched with that filter on this WebSocket');
    if (this.filters.size === 0) this.clear();
    return this.shown(cursor);
  }

  /** As much as the WebSocket takes. */
  pump(): void {
    const { cursor } = this;
    if (cursor === null) return;
    while (!this.host.writer.isSaturated && this.host.writer.isOpen) {
      const piece = cursor.next((event) => this.wanted(event));
      if (piece === null) return;
      if (piece.kind === 'missed') this.host.message('missed', { from: piece.from, to: piece.to });
      else this.host.message('event', { id: piece.id, ...piece.event.shown });
    }
  }

  clear(): void {
    this.filters.clear();
    this.stop?.();
    this.stop = null;
    this.cursor = null;
  }

  private wanted(event: EventRecord): boolean {
    for (const filter of this.filters.values()) if (isWanted(event, filter, filter.events)) return true;
    return false;
  }

  private shown({ lastId }: EventCursor<EventRecord>): WatchingData {
    return { watches: this.filters.size, lastEventId: lastId };
  }
}

/** Equal filters have equal keys. */
function keyOf({ kind, listenerId, label, events }: UnwatchData): string {
  return JSON.stringify([kind, listenerId, label, events === undefined ? null : [...events].sort()]);
}
