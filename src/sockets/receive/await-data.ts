import { SocketError } from '../errors.js';
import type { DataPiece } from './log-view.js';
import type { ReceiveLog } from './receive-log.js';

export interface Patience {
  /** How long to wait for something to come; 0: not at all. */
  waitMs: number;
  /** Ends the wait: nobody is there any more for the answer. */
  signal: AbortSignal;
}

/** One attempt at reading: what it answers, and whether waiting could make it a better one. */
export interface Attempt<Answer> {
  answer: Answer;
  nextOffset: number;
  worthWaiting: boolean;
}

/** Looks at a log, at `offset`, until there is something. Nothing within `waitMs` is an answer too. */
export function lookUntil<Data extends DataPiece, Answer>(
  log: ReceiveLog<Data>,
  patience: Patience,
  offset: number,
  attempt: (offset: number) => Attempt<Answer>,
): Promise<Answer> {
  return repeat(log, patience, () => attempt(offset));
}

/**
 * recv(2) for a reader that nobody is attached as: goes on from its cursor and commits what it read.
 * Calls at the same time each get their own. A gap is told once (OFFSET_GONE) and skipped. Fails with
 * READER_ATTACHED.
 */
export async function consumeUntil<Data extends DataPiece, Answer>(
  log: ReceiveLog<Data>,
  patience: Patience,
  reader: string,
  attempt: (offset: number) => Attempt<Answer>,
): Promise<Answer> {
  log.refuseAttached(reader);
  const done = log.waitFor(reader);
  try {
    return await repeat(log, patience, () => consume(log, reader, attempt));
  } finally {
    done();
  }
}

/** The cursor is looked at and moved in one turn of the loop: nobody else can read in between. */
function consume<Data extends DataPiece, Answer>(
  log: ReceiveLog<Data>,
  reader: string,
  attempt: (offset: number) => Attempt<Answer>,
): Attempt<Answer> {
  try {
    const made = attempt(log.nextOffsetOf(reader));
    log.commit(reader, made.nextOffset);
    return made;
  } catch (error) {
    if (error instanceof SocketError && error.details.gap !== undefined)
      log.commit(reader, error.details.gap.to);
    throw error;
  }
}

async function repeat<Data extends DataPiece, Answer>(
  log: ReceiveLog<Data>,
  { waitMs, signal }: Patience,
  attempt: () => Attempt<Answer>,
): Promise<Answer> {
  const deadline = Date.now() + waitMs;
  for (;;) {
    if (log.isDiscarded) throw new SocketError('SOCKET_GONE', 'what was received was thrown away');
    const { answer, worthWaiting } = attempt();
    if (!worthWaiting || !(await changed(log, deadline, signal))) return answer;
  }
}

/** Waits for anything new in the log; false when it was in vain. */
function changed<Data extends DataPiece>(
  log: ReceiveLog<Data>,
  deadline: number,
  signal: AbortSignal,
): Promise<boolean> {
  const waitMs = deadline - Date.now();
  if (waitMs <= 0 || signal.aborted) return Promise.resolve(false);
  return new Promise((resolve) => {
    const settle = (worth: boolean): void => {
      clearTimeout(timer);
      signal.removeEventListener('abort', abandoned);
      view.detach();
      resolve(worth);
    };
    const abandoned = (): void => settle(false);
    const timer = setTimeout(abandoned, waitMs);
    signal.addEventListener('abort', abandoned, { once: true });
    const view = log.observe('live', () => settle(true));
  });
}
