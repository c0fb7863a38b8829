import { consumeUntil, lookUntil, type Attempt, type Patience } from '../receive/await-data.js';
import type { DatagramLog, ReceivedDatagram } from './datagram-log.js';
import { gone } from '../receive/read.js';

export interface DatagramsAnswer {
  /** Of the first one, if there is any. */
  offset: number;
  datagrams: ReceivedDatagram[];
  nextOffset: number;
  /** No datagram will come after these. */
  eof: boolean;
}

export interface DatagramsRequest extends Patience {
  /** Of payload, in sum; one datagram is always answered, however long. */
  maxBytes: number;
  maxDatagrams: number;
}

/** Reads from sequence number `offset` on without consuming. Datagrams that are gone: OFFSET_GONE. */
export function readDatagramsAt(
  log: DatagramLog,
  offset: number,
  request: DatagramsRequest,
): Promise<DatagramsAnswer> {
  return lookUntil(log, request, offset, (at) => attempt(log, at, request));
}

/** recvfrom(2): reads on from the cursor of `reader` and commits what it answers. Errors as consumeUntil. */
export function receiveDatagramsAs(
  log: DatagramLog,
  reader: string,
  request: DatagramsRequest,
): Promise<DatagramsAnswer> {
  return consumeUntil(log, request, reader, (at) => attempt(log, at, request));
}

function attempt(log: DatagramLog, offset: number, request: DatagramsRequest): Attempt<DatagramsAnswer> {
  const datagrams = datagramsAt(log, offset, request);
  const nextOffset = offset + datagrams.length;
  const eof = log.isEnded && nextOffset === log.headOffset;
  return {
    answer: { offset, datagrams, nextOffset, eof },
    nextOffset,
    worthWaiting: datagrams.length === 0 && !eof,
  };
}

/** What stands together up to the next gap, which is told by the read that begins at it. */
function datagramsAt(
  log: DatagramLog,
  offset: number,
  { maxBytes, maxDatagrams }: DatagramsRequest,
): ReceivedDatagram[] {
  const found: ReceivedDatagram[] = [];
  let bytes = 0;
  for (;;) {
    const piece = log.peek(offset + found.length, maxBytes - bytes);
    if (piece?.kind === 'gap' && found.length === 0) throw gone(piece);
    if (piece?.kind !== 'datagrams') return found;
    for (const datagram of log.datagramsOf(piece)) {
      if (found.length === maxDatagrams) return found;
      if (found.length > 0 && bytes + datagram.payload.length > maxBytes) return found;
      found.push(datagram);
      bytes += datagram.payload.length;
    }
  }
}
