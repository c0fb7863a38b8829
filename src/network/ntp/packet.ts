import { shortMs } from './timestamp.js';

/** Bytes of the header; extension fields and a MAC may follow it and are not read. */
export const NTP_HEADER_BYTES = 48;

const MODE_CLIENT = 3;
const LEAPS = ['none', 'insert', 'delete', 'unsynchronized'] as const;

/** Whether the last minute of this month has a second more, or less (RFC 5905, 7.3). */
export type Leap = (typeof LEAPS)[number];

/** The header of an NTP packet, RFC 5905, 7.3. Timestamps are the 64 bits on the wire. */
export interface NtpPacket {
  leap: Leap;
  version: number;
  /** 3 client, 4 server. */
  mode: number;
  /** 0: unspecified, or a kiss-o'-death; 1: has a reference clock; 16: not synchronized. */
  stratum: number;
  /** Interval between two questions that the server wishes. */
  pollSeconds: number;
  /** Of the server's clock. */
  precisionMs: number;
  /** Round trip to the reference clock, and how far its time may be wrong. */
  rootDelayMs: number;
  rootDispersionMs: number;
  referenceId: Buffer;
  /** When the server's clock was last set. */
  reference: bigint;
  /** What the client had for its time of sending: says which question is answered. */
  origin: bigint;
  /** When the question came to the server, and when its answer left. */
  receive: bigint;
  transmit: bigint;
}

/**
 * A question of a client. It says nothing of the client's clock: `transmit` is a random number, by which the
 * answer is known again.
 */
export function encodeQuestion(version: number, transmit: bigint): Buffer {
  const packet = Buffer.alloc(NTP_HEADER_BYTES);
  packet.writeUInt8((version << 3) | MODE_CLIENT, 0);
  packet.writeBigUInt64BE(transmit, 40);
  return packet;
}

/** null: too short to be one. */
export function decodePacket(packet: Buffer): NtpPacket | null {
  if (packet.length < NTP_HEADER_BYTES) return null;
  const first = packet.readUInt8(0);
  return {
    leap: LEAPS[first >> 6] ?? 'unsynchronized',
    version: (first >> 3) & 7,
    mode: first & 7,
    stratum: packet.readUInt8(1),
    pollSeconds: 2 ** packet.readInt8(2),
    precisionMs: 2 ** packet.readInt8(3) * 1000,
    rootDelayMs: shortMs(packet.readUInt32BE(4)),
    rootDispersionMs: shortMs(packet.readUInt32BE(8)),
    referenceId: Buffer.from(packet.subarray(12, 16)),
    reference: packet.readBigUInt64BE(16),
    origin: packet.readBigUInt64BE(24),
    receive: packet.readBigUInt64BE(32),
    transmit: packet.readBigUInt64BE(40),
  };
}

/**
 * What the server takes its time from: of stratum 1 the clock's name in four letters, of others the IPv4 address
 * of their server (of an IPv6 one the beginning of a hash, in the same form). RFC 5905, 7.3.
 */
export function referenceText({ stratum, referenceId }: Pick<NtpPacket, 'stratum' | 'referenceId'>): string {
  return stratum <= 1 ? asciiOf(referenceId) : referenceId.join('.');
}

/** Letters up to the zeros; what is no letter as a dot, since anybody may have sent it. */
export function asciiOf(bytes: Buffer): string {
  return bytes
    .toString('latin1')
    .replace(/\0+$/, '')
    .replace(/[^\x20-\x7e]/g, '.');
}
