import { clockNs } from './native/clock.js';

const NS = 1_000_000_000n;
/** From 1 January 1900, where NTP counts from, to 1970 (RFC 5905, 6; RFC 868). */
const NTP_TO_UNIX_SECONDS = 2_208_988_800n;

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
  const sinceEpoch = wallNs + NTP_TO_UNIX_SECONDS * NS;
  const seconds = sinceEpoch / NS;
  const inEra = BigInt.asUintN(32, seconds);
  const fraction = ((sinceEpoch % NS) << 32n) / NS;
  const hex = ((inEra << 32n) | fraction).toString(16).padStart(16, '0');
  return { era: Number(seconds >> 32n), seconds: Number(inEra), fraction: Number(fraction), hex };
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
