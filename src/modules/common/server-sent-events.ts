/** A quiet stream says this often that it is there: proxies cut what is silent. */
const KEEP_ALIVE_MS = 15_000;
/** A client that takes nothing for this long is cut off; it can go on behind the last event it had. */
const STALLED_MS = 60_000;
/** How long a browser waits before it comes back. */
const RETRY_MS = 1_000;
/** Events that are there already leave together, up to this much text. */
export const CHUNK_CHARACTERS = 64 * 1024;

/** Where events come from, and what ends them. */
export interface EventsInPlace {
  /** What is there now and was not told yet, some 64 KiB of it at most; '' when there is nothing. */
  next(): string;
  /** Behind which event the caller is. */
  lastId(): number;
  /** No event will come any more. */
  isOver(): boolean;
  /** Calls `wake` when there may be something, until the answer is called. */
  onNews(wake: () => void): () => void;
  /** The caller has gone, or the service stops. */
  ends: readonly AbortSignal[];
  /** Cuts a caller off that does not read. */
  cut: () => void;
}

/**
 * Server-sent events (WHATWG HTML, 9.2), as text. What the caller has not taken yet stays where it is: a
 * slow one holds no memory here.
 */
export async function* serverSentEvents(events: EventsInPlace): AsyncGenerator<string> {
  const { ends, cut } = events;
  let chunk = `retry: ${String(RETRY_MS)}\n${place(events)}`;
  for (;;) {
    if (chunk !== '') {
      const stalled = setTimeout(cut, STALLED_MS).unref();
      try {
        yield chunk;
      } finally {
        clearTimeout(stalled);
      }
    }
    const ended = events.isOver() || ends.some(({ aborted }) => aborted);
    chunk = events.next();
    if (chunk !== '') continue;
    if (ended) return;
    // The place goes along: a client that wanted none of the last events has not missed them.
    if (!(await somethingNew(events))) chunk = `: keep-alive\n${place(events)}`;
  }
}

/** An id without data: where a client goes on that has had no event yet. */
function place(events: EventsInPlace): string {
  return `id: ${String(events.lastId())}\n\n`;
}

export function eventBlock(id: number, event: string, data: object): string {
  return `id: ${String(id)}\nevent: ${event}\ndata: ${JSON.stringify(data)}\n\n`;
}

/** Whether there was an event, or an end, before it was time for a sign of life. */
function somethingNew(events: EventsInPlace): Promise<boolean> {
  const { ends } = events;
  return new Promise((resolve) => {
    const settle = (isNew: boolean): void => {
      clearTimeout(timer);
      stop();
      for (const end of ends) end.removeEventListener('abort', wake);
      resolve(isNew);
    };
    const wake = (): void => settle(true);
    const timer = setTimeout(() => settle(false), KEEP_ALIVE_MS);
    const stop = events.onNews(wake);
    for (const end of ends) end.addEventListener('abort', wake);
  });
}
