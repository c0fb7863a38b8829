import { SocketError } from './errors.js';

/** What comes next for a follower: an event, or the ids (both included) of those that are gone. */
export type EventPiece<Event> =
  { kind: 'event'; id: number; event: Event } | { kind: 'missed'; from: number; to: number };

/**
 * The last events, each with an id, one more than the one before. Whoever follows has a cursor of its
 * own and takes what it has not had at its own pace; nothing is queued for anybody.
 */
export class EventHistory<Event> {
  private readonly held: Event[] = [];
  private nextId: number;

  constructor(
    /** How many events are held. */
    private readonly limit: number,
    /** Of the first event; greater than any id of an earlier history, so that what was missed in between shows. */
    private readonly firstId: number,
  ) {
    this.nextId = firstId;
  }

  /** Of the latest event; before the first one it is one less than that one's. */
  get lastId(): number {
    return this.nextId - 1;
  }

  /** Of the oldest event held; that of the next one when there is none. */
  get earliestId(): number {
    return Math.max(this.firstId, this.nextId - this.limit);
  }

  add(event: Event): void {
    this.held[this.nextId % this.limit] = event;
    this.nextId += 1;
  }

  /** Follows from behind event `after`; 0: from the first of this history. OFFSET_OUT_OF_RANGE when there was no such event yet. */
  follow(after: number): EventCursor<Event> {
    if (after > this.lastId) {
      const detail = `event ${String(after)} is later than the last one, ${String(this.lastId)}`;
      throw new SocketError('OFFSET_OUT_OF_RANGE', detail, { field: 'lastEventId' });
    }
    return new EventCursor(this, after === 0 ? this.firstId - 1 : after);
  }

  /** The event of that id; undefined when it is not held. */
  find(id: number): Event | undefined {
    return id >= this.earliestId && id < this.nextId ? this.held[id % this.limit] : undefined;
  }
}

/** A place in the history. */
export class EventCursor<Event> {
  constructor(
    private readonly history: EventHistory<Event>,
    private after: number,
  ) {}

  /** The last event that was taken or passed over. */
  get lastId(): number {
    return this.after;
  }

  /** The next event that is wanted, or what is missing before it; null when there is none yet. */
  next(wanted: (event: Event) => boolean): EventPiece<Event> | null {
    const { earliestId, lastId } = this.history;
    if (this.after + 1 < earliestId) {
      const from = this.after + 1;
      this.after = earliestId - 1;
      return { kind: 'missed', from, to: this.after };
    }
    while (this.after < lastId) {
      this.after += 1;
      const event = this.history.find(this.after);
      if (event !== undefined && wanted(event)) return { kind: 'event', id: this.after, event };
    }
    return null;
  }
}
