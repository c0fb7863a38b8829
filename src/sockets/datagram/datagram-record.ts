import { getUint16, getUint32, putUint16, putUint32 } from '../big-endian.js';

/**
 * A datagram as it lies in memory and as it goes over a WebSocket (frame type 2), big endian:
 *
 *   0-3    length of the payload
 *   4-11   when the kernel received it, microseconds since 1970
 *   12-13  port of the sender; sequence number of an ICMP reply
 *   14     length of the sender's address: 4, 16, that of a path, or 0 when it has none
 *   15     TTL or hop limit of an ICMP reply; otherwise 0
 *   16-    address, payload
 */
export const RECORD_HEADER_BYTES = 16;

const TWO_TO_32 = 2 ** 32;

/**
 * A datagram that has just come, in the memory the kernel wrote it to. One object serves for all of a
 * batch: at some hundred thousand a second each allocation counts.
 */
export interface Arrival {
  timeMicros: number;
  port: number;
  hops: number;
  /** The sender's address is `names` from `nameStart` to `nameEnd`. */
  names: Buffer;
  nameStart: number;
  nameEnd: number;
  /** The payload is `bytes` from `start` to `end`. */
  bytes: Buffer;
  start: number;
  end: number;
}

/** One record, read. */
export interface DatagramRecord {
  timeMicros: number;
  port: number;
  hops: number;
  address: Buffer;
  payload: Buffer;
  /** Length of the whole. */
  size: number;
}

export function recordSize({ nameStart, nameEnd, start, end }: Arrival): number {
  return RECORD_HEADER_BYTES + (nameEnd - nameStart) + (end - start);
}

/** Writes the record at `at`; there must be room for `recordSize`. */
export function writeRecord(into: Buffer, at: number, arrival: Arrival): void {
  const { timeMicros, port, hops, names, nameStart, nameEnd, bytes, start, end } = arrival;
  putUint32(into, at, end - start);
  putUint32(into, at + 4, Math.floor(timeMicros / TWO_TO_32));
  putUint32(into, at + 8, timeMicros % TWO_TO_32);
  putUint16(into, at + 12, port);
  into[at + 14] = nameEnd - nameStart;
  into[at + 15] = hops;
  let to = at + RECORD_HEADER_BYTES;
  for (let from = nameStart; from < nameEnd; from += 1, to += 1) into[to] = names[from] as number;
  bytes.copy(into, to, start, end);
}

/** The record at `at`, its parts slices of `records`; null when it is not there as a whole. */
export function readRecord(records: Buffer, at: number): DatagramRecord | null {
  if (records.length - at < RECORD_HEADER_BYTES) return null;
  const addressEnd = at + RECORD_HEADER_BYTES + (records[at + 14] ?? 0);
  const end = addressEnd + getUint32(records, at);
  if (end > records.length) return null;
  return {
    timeMicros: getUint32(records, at + 4) * TWO_TO_32 + getUint32(records, at + 8),
    port: getUint16(records, at + 12),
    hops: records[at + 15] ?? 0,
    address: records.subarray(at + RECORD_HEADER_BYTES, addressEnd),
    payload: records.subarray(addressEnd, end),
    size: end - at,
  };
}
