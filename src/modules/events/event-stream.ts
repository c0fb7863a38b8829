import type { EventCursor, EventPiece } from '../../sockets/index.js';
import type { EventRecord } from '../common/event.dto.js';
import type { EventFeed } from '../engine/event-feed.js';

/** A quiet stream says this often that it is there: proxies cut what is silent. */
const KEEP_ALIVE_MS = 15_000;
/** A client that takes nothing for this long is cut off; it can go on behind the last event it had. */
const STALLED_MS = 60_000;
/** How long a browser waits before it comes back. */
const RETRY_MS = 1_000;
/** Events that are there already leave together, up to this much text. */
const CHUNK_CHARACTERS = 64 * 1024;

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

/**
 * Server-sent events (WHATWG HTML, 9.2), as text. What the caller has not taken yet stays in the
 * history: a slow one holds no memory, and is told what it missed once it reads on.
 */
export async function* eventStream(feed: EventFeed, listening: EventListening): AsyncGenerator<string> {
  const { cursor, ends, cut } = listening;
  let chunk = `retry: ${String(RETRY_MS)}\n${place(cursor)}`;
  for (;;) {
    if (chunk !== '') {
      const stalled = setTimeout(cut, STALLED_MS).unref();
      try {
        yield chunk;
      } finally {
        clearTimeout(stalled);
      }
    }
    const ended = ends.some(({ aborted }) => aborted);
    chunk = nextChunk(listening);
    if (chunk !== '') continue;
    if (ended) return;
    // The place goes along: a client that wanted none of the last events has not missed them.
    if (!(await somethingNew(feed, ends))) chunk = `: keep-alive\n${place(cursor)}`;
  }
}

/** An id without data: where a client goes on that has had no event yet. */
function place({ lastId }: EventCursor<EventRecord>): string {
  return `id: ${String(lastId)}\n\n`;
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
    return block(to, 'missed', { from, to });
  }
  const { id, event } = piece;
  return block(id, event.shown.name, { id, ...event.shown });
}

function block(id: number, event: string, data: object): string {
  return `id: ${String(id)}\nevent: ${event}\ndata: ${JSON.stringify(data)}\n\n`;
}

/** Whether there was an event, or an end, before it was time for a sign of life. */
function somethingNew(feed: EventFeed, ends: readonly AbortSignal[]): Promise<boolean> {
  return new Promise((resolve) => {
    const settle = (isNew: boolean): void => {
      clearTimeout(timer);
      stop();
      for (const end of ends) end.removeEventListener('abort', wake);
      resolve(isNew);
    };
    const wake = (): void => settle(true);
    const timer = setTimeout(() => settle(false), KEEP_ALIVE_MS);
    const stop = feed.onEvent(wake);
    for (const end of ends) end.addEventListener('abort', wake);
  });
}
