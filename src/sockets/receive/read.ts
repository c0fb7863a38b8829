import { consumeUntil, lookUntil, type Attempt, type Patience } from './await-data.js';
import type { ByteLog } from './byte-log.js';
import { SocketError } from '../errors.js';
import type { BytesPiece, Gap } from './log-view.js';
import { decodeWithin, type Encoding } from '../text/payload.js';

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

export interface ReadRequest extends Patience {
  maxBytes: number;
  /** null: bare bytes. As text, a character of which the end has not come yet is left for the next read. */
  encoding: Encoding | null;
}

/** Reads at `offset` without consuming. Bytes that are gone: OFFSET_GONE; thrown away: SOCKET_GONE. */
export function readAt(log: ByteLog, offset: number, request: ReadRequest): Promise<ReadAnswer> {
  return lookUntil(log, request, offset, (at) => attempt(log, at, request));
}

/** recv(2): reads on from the cursor of `reader` and commits what it answers. Errors as consumeUntil. */
export function receiveAs(log: ByteLog, reader: string, request: ReadRequest): Promise<ReadAnswer> {
  return consumeUntil(log, request, reader, (at) => attempt(log, at, request));
}

function attempt(log: ByteLog, offset: number, request: ReadRequest): Attempt<ReadAnswer> {
  const answer = answerOf(log, offset, bytesAt(log, offset, request.maxBytes), request);
  const { nextOffset, bytes, eof } = answer;
  return { answer, nextOffset, worthWaiting: bytes.length === 0 && !eof };
}

function bytesAt(log: ByteLog, offset: number, maxBytes: number): Buffer {
  const parts: BytesPiece[] = [];
  for (let got = 0; got < maxBytes;) {
    const piece = log.peek(offset + got, maxBytes - got);
    if (piece === null) break;
    if (piece.kind === 'gap') throw gone(piece);
    parts.push(piece);
    got += piece.bytes.length;
  }
  // A single piece is handed on as it lies there, for as long as somebody holds it.
  if (parts.length === 1 && parts[0] !== undefined) return parts[0].bytes;
  const whole = Buffer.concat(parts.map((part) => part.bytes));
  for (const { memory } of parts) memory.release();
  return whole;
}

function answerOf(log: ByteLog, offset: number, bytes: Buffer, request: ReadRequest): ReadAnswer {
  const ends = log.isEnded && offset + bytes.length === log.headOffset;
  if (request.encoding === null)
    return { offset, nextOffset: offset + bytes.length, bytes, text: null, eof: ends };
  const atMost = Math.min(request.maxBytes, log.windowBytes);
  const text = decodeWithin(atMost, bytes, request.encoding, ends);
  const { data, lossy } = text;
  return {
    offset,
    nextOffset: offset + text.bytes,
    bytes: bytes.subarray(0, text.bytes),
    text: { data, lossy },
    eof: ends,
  };
}

/** Of a hole that a reader cannot step over silently. */
export function gone({ from, to }: Gap): SocketError {
  return new SocketError('OFFSET_GONE', `bytes ${String(from)} to ${String(to)} are gone`, {
    gap: { from, to },
  });
}
