import { addressBytes, addressText, type Address } from './address.js';
import type { Bytes } from './frame.js';

/**
 * One datagram in a frame of type 2, big endian: length of the payload u32, time u64 in microseconds since 1970,
 * port u16, length of the address u8 (4, 16, that of a path, or 0), hops u8 (0 from the client), the address, the
 * payload.
 */
export const RECORD_HEADER_BYTES = 16;

const TWO_TO_32 = 2 ** 32;

export interface Datagram {
  kind: 'datagram';
  /** Counts the datagrams of the socket, from 0. */
  sequence: number;
  /** When the kernel of the service received it, microseconds since 1970. */
  timeMicros: number;
  /** Null where the sender has no address. */
  from: Address | null;
  /** Of an ICMP reply: TTL or hop limit, and the port of `from` is the number of the request. */
  hops: number;
  bytes: Bytes;
}

/** Where a datagram goes; a name is resolved by the service, for each datagram. */
export type Destination =
  { address: string; port: number } | { host: string; port: number } | { path: string };

/** A record for the service, to the connected peer without `to`; null where `to` is nothing numeric. */
export function encodeRecord(payload: Uint8Array, to?: Destination): Bytes | null {
  const address = to === undefined ? new Uint8Array() : destinationBytes(to);
  if (address === null) return null;
  const record = new Uint8Array(RECORD_HEADER_BYTES + address.length + payload.length);
  const view = new DataView(record.buffer);
  view.setUint32(0, payload.length);
  view.setUint16(12, to !== undefined && 'port' in to ? to.port : 0);
  view.setUint8(14, address.length);
  record.set(address, RECORD_HEADER_BYTES);
  record.set(payload, RECORD_HEADER_BYTES + address.length);
  return record;
}

/**
 * The datagrams of a frame, the first of which has the number `sequence`. What is cut short ends the list. On a Unix
 * socket every address is a path.
 */
export function decodeRecords(records: Bytes, sequence: number, isUnix: boolean): Datagram[] {
  const view = new DataView(records.buffer, records.byteOffset, records.byteLength);
  const found: Datagram[] = [];
  for (let at = 0; records.length - at >= RECORD_HEADER_BYTES;) {
    const start = at + RECORD_HEADER_BYTES + view.getUint8(at + 14);
    const end = start + view.getUint32(at);
    if (end > records.length) break;
    const address = records.subarray(at + RECORD_HEADER_BYTES, start);
    found.push({
      kind: 'datagram',
      sequence: sequence + found.length,
      timeMicros: view.getUint32(at + 4) * TWO_TO_32 + view.getUint32(at + 8),
      from: isUnix ? { path: new TextDecoder().decode(address) } : senderOf(address, view.getUint16(at + 12)),
      hops: view.getUint8(at + 15),
      bytes: records.subarray(start, end),
    });
    at = end;
  }
  return found;
}

function destinationBytes(to: Destination): Uint8Array | null {
  if ('address' in to) return addressBytes(to.address);
  if ('host' in to) return null;
  const path = new TextEncoder().encode(to.path);
  return path.length > 255 ? null : path;
}

function senderOf(address: Uint8Array, port: number): Address | null {
  return address.length === 4 || address.length === 16 ? { address: addressText(address), port } : null;
}
