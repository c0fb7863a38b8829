import type { NtpPacket } from './packet.js';
import { nsBetween, wallNsOf } from './timestamp.js';

/** How fast two clocks may drift apart (PHI of RFC 5905, 7.1), in seconds a second. */
const DRIFT = 15e-6;
/** The kernel stamps what comes to a microsecond. */
const OWN_PRECISION_MS = 0.001;

/** When a question left and its answer came, by the clock of this host: nanoseconds since 1970. */
export interface RoundTrip {
  sentNs: bigint;
  receivedNs: bigint;
}

/** What one answer says, RFC 5905, 8. Times are nanoseconds since 1970, of this host and of the server. */
export interface NtpSample extends RoundTrip {
  /** How far the server's clock is ahead of this host's. */
  offsetMs: number;
  /** The round trip without the time that the server took. */
  delayMs: number;
  /** How far the offset may be wrong for the precision of both clocks and their drift meanwhile. */
  dispersionMs: number;
  serverReceivedNs: bigint;
  serverSentNs: bigint;
}

/**
 * The four timestamps of one round trip. `sentNs` and `receivedNs` are of this host's clock and need no era;
 * the server's are taken for the times nearest to them.
 */
export function sampleOf(packet: NtpPacket, trip: RoundTrip, sentStamp: bigint): NtpSample {
  const near = { timestamp: sentStamp, wallNs: trip.sentNs };
  const there = nsBetween(sentStamp, packet.receive);
  const serverTook = nsBetween(packet.receive, packet.transmit);
  const total = trip.receivedNs - trip.sentNs;
  const back = there + serverTook - total;
  return {
    ...trip,
    offsetMs: milliseconds(there + back) / 2,
    delayMs: Math.max(milliseconds(total - serverTook), OWN_PRECISION_MS),
    dispersionMs: packet.precisionMs + OWN_PRECISION_MS + DRIFT * milliseconds(total),
    serverReceivedNs: wallNsOf(packet.receive, near) ?? trip.sentNs,
    serverSentNs: wallNsOf(packet.transmit, near) ?? trip.sentNs,
  };
}

/** Root mean square of how far the other samples are from the best one; never under the clock's precision. */
export function jitterOf(best: NtpSample, samples: readonly NtpSample[]): number {
  const others = samples.filter((sample) => sample !== best);
  const sum = others.reduce((squares, { offsetMs }) => squares + (offsetMs - best.offsetMs) ** 2, 0);
  return Math.max(Math.sqrt(sum / Math.max(others.length, 1)), OWN_PRECISION_MS);
}

function milliseconds(ns: bigint): number {
  return Number(ns) / 1e6;
}
