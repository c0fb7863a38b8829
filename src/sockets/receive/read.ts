import { consumeUntil, lookUntil, type Attempt, type Patience } from './await-data.js';
import type { ByteLog } from './byte-log.js';
import { SocketError } from '../errors.js';
import type { BytesPiece, Gap } from './log-view.js';
import { PinnedBytes } from './pinned-bytes.js';
import type { Decoded } from '../text/charset.js';
import { decodeWithin, type Encoding } from '../text/payload.js';

/** What one read answers: the bytes between two offsets. */
export interface ReadAnswer {
  offset: number;
  nextOffset: number;
  /** To be released when they have been sent; those of a text were already. */
  bytes: PinnedBytes;
  /** The same bytes as text, when an encoding was asked for. */
  text: Decoded | null;
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
  const bytes = bytesAt(log, offset, request.maxBytes);
  const eof = log.isEnded && offset + bytes.length === log.headOffset;
  const text = request.encoding === null ? null : textOf(log, bytes, request.encoding, request.maxBytes, eof);
  const nextOffset = offset + (text?.bytes ?? bytes.length);
  const answer = { offset, nextOffset, bytes, text, eof };
  return { answer, nextOffset, worthWaiting: nextOffset === offset && !eof };
}

function bytesAt(log: ByteLog, offset: number, maxBytes: number): PinnedBytes {
  const parts: BytesPiece[] = [];
  for (let got = 0; got < maxBytes;) {
    const piece = log.peek(offset + got, maxBytes - got);
    if (piece === null) break;
    if (piece.kind === 'gap') throw gone(piece);
    parts.push(piece);
    got += piece.bytes.length;
  }
  return new PinnedBytes(parts);
}

function textOf(
  log: ByteLog,
  bytes: PinnedBytes,
  encoding: Encoding,
  maxBytes: number,
  last: boolean,
): Decoded {
  const text = decodeWithin(Math.min(maxBytes, log.windowBytes), bytes.joined(), encoding, last);
  bytes.release();
  return text;
}

/** Of a hole that a reader cannot step over silently. */
export function gone({ from, to }: Gap): SocketError {
  return new SocketError('OFFSET_GONE', `bytes ${String(from)} to ${String(to)} are gone`, {
    gap: { from, to },
  });
}
