import { Injectable } from '@nestjs/common';
import { Engine, EventHistory, type EventCursor } from '../../sockets/index.js';
import { eventRecord, type EventRecord } from '../common/event.dto.js';

/** Ids begin at the microsecond of the start: later than all of an earlier process. */
const IDS_PER_MS = 1_000;

/** The events of all sockets as answers show them, for whoever follows them. */
@Injectable()
export class EventFeed {
  private readonly history: EventHistory<EventRecord>;
  private readonly wakes = new Set<() => void>();

  constructor(engine: Engine) {
    this.history = new EventHistory(engine.limits.eventHistory, Date.now() * IDS_PER_MS);
    engine.onEvent((event) => {
      // The socket is shown as it is now, whenever somebody comes for the event.
      this.history.add(eventRecord(event));
      for (const wake of this.wakes) wake();
    });
  }

  get lastId(): number {
    return this.history.lastId;
  }

  /** From behind event `after`. OFFSET_OUT_OF_RANGE when there was no such event yet. */
  follow(after: number): EventCursor<EventRecord> {
    return this.history.follow(after);
  }

  /** Calls `wake` at each event, until the answer is called. */
  onEvent(wake: () => void): () => void {
    this.wakes.add(wake);
    return () => this.wakes.delete(wake);
  }
}
