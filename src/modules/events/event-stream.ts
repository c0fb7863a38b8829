import type { EventCursor, EventPiece } from '../../sockets/index.js';
import type { EventRecord } from '../common/event.dto.js';
import { CHUNK_CHARACTERS, eventBlock, serverSentEvents } from '../common/server-sent-events.js';
import type { EventFeed } from '../engine/event-feed.js';

/** Who follows the events, and what ends it. */
export interface EventListening {
  wanted: (event: EventRecord) => boolean;
  /** Where to begin. */
  cursor: EventCursor<EventRecord>;
  /** The caller has gone, or the service stops. */
  ends: readonly AbortSignal[];
  /** Cuts a caller off that does not read. */
  cut: () => void;
}

/** What the caller has not taken yet stays in the history: a slow one is told what it missed once it reads on. */
export function eventStream(feed: EventFeed, listening: EventListening): AsyncGenerator<string> {
  const { cursor, ends, cut } = listening;
  return serverSentEvents({
    next: () => nextChunk(listening),
    lastId: () => cursor.lastId,
    isOver: () => false,
    onNews: (wake) => feed.onEvent(wake),
    ends,
    cut,
  });
}

function nextChunk({ cursor, wanted }: EventListening): string {
  let chunk = '';
  while (chunk.length < CHUNK_CHARACTERS) {
    const piece = cursor.next(wanted);
    if (piece === null) break;
    chunk += text(piece);
  }
  return chunk;
}

function text(piece: EventPiece<EventRecord>): string {
  if (piece.kind === 'missed') {
    const { from, to } = piece;
    return eventBlock(to, 'missed', { from, to });
  }
  const { id, event } = piece;
  return eventBlock(id, event.shown.name, { id, ...event.shown });
}
