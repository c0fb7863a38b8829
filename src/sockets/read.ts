import { SocketError } from './errors.js';
import type { BytesPiece, Gap } from './log-view.js';
import { decode, type Encoding } from './payload.js';
import type { ReceiveLog } from './receive-log.js';

/** What one read answers: the bytes between two offsets. */
export interface ReadAnswer {
  offset: number;
  nextOffset: number;
  bytes: Buffer;
  /** The same bytes as text, when an encoding was asked for. */
  text: { data: string; lossy: boolean } | null;
  /** `nextOffset` is where the stream ends. */
  eof: boolean;
}

export interface ReadRequest {
  maxBytes: number;
  /** null: bare bytes. As text, a character of which the end has not come yet is left for the next read. */
  encoding: Encoding | null;
  /** How long to wait for the first byte; 0: not at all. */
  waitMs: number;
  /** Ends the wait: nobody is there any more for the answer. */
  signal: AbortSignal;
}

/** Reads at `offset` without consuming. Bytes that are gone: OFFSET_GONE; thrown away: SOCKET_GONE. */
export function readAt(log: ReceiveLog, offset: number, request: ReadRequest): Promise<ReadAnswer> {
  return read(
    log,
    () => offset,
    () => undefined,
    request,
  );
}

/**
 * recv(2) for a reader that nobody is attached as: reads on from its cursor and commits what it
 * answers. Calls at the same time each get bytes of their own. A gap is told once (OFFSET_GONE) and
 * skipped. Fails with READER_ATTACHED.
 */
export async function receiveAs(log: ReceiveLog, reader: string, request: ReadRequest): Promise<ReadAnswer> {
  log.refuseAttached(reader);
  const done = log.waitFor(reader);
  try {
    const from = (): number => log.nextOffsetOf(reader);
    return await read(log, from, (next) => void log.commit(reader, next), request);
  } finally {
    done();
  }
}

/** The cursor is looked at and moved in one turn of the loop: nobody else can read in between. */
async function read(
  log: ReceiveLog,
  from: () => number,
  consume: (nextOffset: number) => void,
  request: ReadRequest,
): Promise<ReadAnswer> {
  const deadline = Date.now() + request.waitMs;
  for (;;) {
    if (log.isDiscarded) throw new SocketError('SOCKET_GONE', 'the received bytes were thrown away');
    const bytes = bytesAt(log, from(), request.maxBytes, consume);
    const answer = answerOf(log, from(), bytes, request);
    if (answer.bytes.length > 0 || answer.eof || !(await changed(log, deadline, request.signal))) {
      consume(answer.nextOffset);
      return answer;
    }
  }
}

function bytesAt(
  log: ReceiveLog,
  offset: number,
  maxBytes: number,
  consume: (nextOffset: number) => void,
): Buffer {
  const parts: BytesPiece[] = [];
  for (let got = 0; got < maxBytes;) {
    const piece = log.peek(offset + got, maxBytes - got);
    if (piece === null) break;
    if (piece.kind === 'gap') {
      consume(piece.to);
      throw gone(piece);
    }
    parts.push(piece);
    got += piece.bytes.length;
  }
  // A single piece is handed on as it lies there, for as long as somebody holds it.
  if (parts.length === 1 && parts[0] !== undefined) return parts[0].bytes;
  const whole = Buffer.concat(parts.map((part) => part.bytes));
  for (const { memory } of parts) memory.release();
  return whole;
}

function answerOf(log: ReceiveLog, offset: number, bytes: Buffer, request: ReadRequest): ReadAnswer {
  const ends = log.isEnded && offset + bytes.length === log.headOffset;
  if (request.encoding === null)
    return { offset, nextOffset: offset + bytes.length, bytes, text: null, eof: ends };
  const decoded = decode(bytes, request.encoding, ends);
  // A character longer than what may be read at once will never be whole.
  const text =
    decoded.bytes === 0 && bytes.length === request.maxBytes
      ? decode(bytes, request.encoding, true)
      : decoded;
  const { data, lossy } = text;
  return {
    offset,
    nextOffset: offset + text.bytes,
    bytes: bytes.subarray(0, text.bytes),
    text: { data, lossy },
    eof: ends,
  };
}

/** Waits for anything new in the log; false when it was in vain. */
function changed(log: ReceiveLog, deadline: number, signal: AbortSignal): Promise<boolean> {
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

/** Of a hole that a reader cannot step over silently. */
export function gone({ from, to }: Gap): SocketError {
  return new SocketError('OFFSET_GONE', `bytes ${String(from)} to ${String(to)} are gone`, {
    gap: { from, to },
  });
}
