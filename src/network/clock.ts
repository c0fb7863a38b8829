import { clockNs } from './native/clock.js';
import { NTP_TO_UNIX_SECONDS, timestampOf } from './ntp/timestamp.js';

const NS = 1_000_000_000n;

/** A moment as NTP writes it: 32 bits of seconds in an era of 136 years, 32 bits of fraction (RFC 5905, 6). */
export interface NtpTimestamp {
  era: number;
  seconds: number;
  fraction: number;
  /** The 64 bits on the wire; the era is not among them. */
  hex: string;
}

export interface LocalClock {
  /** Wall clock, nanoseconds since 1970. */
  wallNs: bigint;
  /** A clock that nobody sets; only differences mean something. */
  monotonicNs: bigint;
  /** Since the host started, sleep included. */
  uptimeNs: bigint;
  /** Zone of the process, by its name in the tz database, and how far it is ahead of UTC now. */
  zone: string;
  offsetMinutes: number;
}

export function readClock(): LocalClock {
  const wallNs = clockNs('realtime');
  // Minus zero is a number of its own in JavaScript.
  const offsetMinutes = 0 - new Date(Number(wallNs / 1_000_000n)).getTimezoneOffset();
  return {
    wallNs,
    monotonicNs: clockNs('monotonic'),
    uptimeNs: clockNs('boottime'),
    zone: Intl.DateTimeFormat().resolvedOptions().timeZone,
    offsetMinutes,
  };
}

/** `wallNs`: nanoseconds since 1970, not before 1900. */
export function ntpTimestamp(wallNs: bigint): NtpTimestamp {
  const bits = timestampOf(wallNs);
  const era = Number((wallNs / NS + NTP_TO_UNIX_SECONDS) >> 32n);
  return {
    era,
    seconds: Number(bits >> 32n),
    fraction: Number(BigInt.asUintN(32, bits)),
    hex: bits.toString(16).padStart(16, '0'),
  };
}

/** ISO 8601 with microseconds, at an offset from UTC: `Z` for none. */
export function isoTime(wallNs: bigint, offsetMinutes: number): string {
  const shifted = new Date(Number(wallNs / 1_000_000n) + offsetMinutes * 60_000).toISOString();
  const micros = String((wallNs / 1000n) % 1000n).padStart(3, '0');
  return `${shifted.slice(0, -1)}${micros}${offsetText(offsetMinutes)}`;
}

function offsetText(minutes: number): string {
  if (minutes === 0) return 'Z';
  const two = (n: number): string => String(Math.trunc(n)).padStart(2, '0');
  const size = Math.abs(minutes);
  return `${minutes < 0 ? '-' : '+'}${two(size / 60)}:${two(size % 60)}`;
}
