import { asciiOf, type NtpPacket } from './packet.js';

const MODE_SERVER = 4;
const UNSYNCHRONIZED = 16;
/** A server this far from its reference clock is of no use (MAXDISP of RFC 5905, 7.1). */
const MAX_ROOT_DISTANCE_MS = 16_000;

/**
 * What an answer is worth (RFC 5905, 8 and 9.2):
 *   ignore   not an answer to this question: a copy, a late one, somebody else's
 *   kiss     the server says go away, and why (a kiss code, RFC 5905, 7.4)
 *   refuse   an answer, but no time to go by
 *   use
 */
export type Verdict =
  { kind: 'ignore' } | { kind: 'kiss'; code: string } | { kind: 'refuse'; reason: string } | { kind: 'use' };

/** `question`: the random number that was sent as the time of sending. */
export function judge(packet: NtpPacket | null, question: bigint): Verdict {
  // Whoever does not know the number was not asked: it must not be able to end the wait either.
  if (packet?.mode !== MODE_SERVER || packet.origin !== question) return { kind: 'ignore' };
  if (packet.stratum === 0) return { kind: 'kiss', code: asciiOf(packet.referenceId) };
  const reason = reasonAgainst(packet);
  return reason === null ? { kind: 'use' } : { kind: 'refuse', reason };
}

function reasonAgainst(packet: NtpPacket): string | null {
  if (packet.version < 1 || packet.version > 4) return `version ${packet.version} is not known`;
  if (packet.leap === 'unsynchronized') return 'its clock is not synchronized';
  if (packet.stratum >= UNSYNCHRONIZED) return `stratum ${packet.stratum}: its clock is not synchronized`;
  if (packet.transmit === 0n || packet.receive === 0n) return 'it does not say its time';
  if (packet.rootDelayMs / 2 + packet.rootDispersionMs >= MAX_ROOT_DISTANCE_MS)
    return 'it is too far from its reference clock';
  return null;
}
