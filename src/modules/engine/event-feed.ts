import { Injectable } from '@nestjs/common';
import { Engine, EventHistory, SocketError, type EventCursor } from '../../sockets/index.js';
import { eventRecord, type EventRecord } from '../common/event.dto.js';
import { isSocketName } from '../common/socket-fields.js';

/** Ids begin at the microsecond of the start: later than all of an earlier process. */
const IDS_PER_MS = 1_000;

/** The events of all sockets as answers show them, for whoever follows them. */
@Injectable()
export class EventFeed {
  private readonly history: EventHistory<EventRecord>;
  private readonly wakes = new Set<() => void>();

  constructor(private readonly engine: Engine) {
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

  /** SOCKET_NOT_FOUND for the id of no listener there ever was: nothing could come of it. A name may be given later. */
  requireListener(idOrName: string | undefined): void {
    if (idOrName === undefined || isSocketName(idOrName)) return;
    try {
      this.engine.bound(idOrName);
    } catch (error) {
      // Of one that has gone, the history may know.
      if (!(error instanceof SocketError) || error.code !== 'SOCKET_GONE') throw error;
    }
  }

  /** Calls `wake` at each event, until the answer is called. */
  onEvent(wake: () => void): () => void {
    this.wakes.add(wake);
    return () => this.wakes.delete(wake);
  }
}
