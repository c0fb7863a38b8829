/**
 * Times as NTP has them on the wire: 64 bits, seconds since an era began and their fraction (RFC 5905, 6).
 * The era is not said, so that only differences are to be trusted: they hold over the end of an era, as long
 * as both times are within 68 years of each other.
 */
const NS = 1_000_000_000n;
/** From 1 January 1900, where NTP counts from, to 1970 (RFC 5905, 6; RFC 868). */
export const NTP_TO_UNIX_SECONDS = 2_208_988_800n;

/** The 64 bits of a time in nanoseconds since 1970, not before 1900. */
export function timestampOf(wallNs: bigint): bigint {
  return BigInt.asUintN(64, ((wallNs + NTP_TO_UNIX_SECONDS * NS) << 32n) / NS);
}

/** From `earlier` to `later` in nanoseconds, negative when it is the other way round. */
export function nsBetween(earlier: bigint, later: bigint): bigint {
  return (BigInt.asIntN(64, later - earlier) * NS) >> 32n;
}

/** Nanoseconds since 1970 of a timestamp, in the era in which it is nearest to `near`; null: not set (0). */
export function wallNsOf(timestamp: bigint, near: { timestamp: bigint; wallNs: bigint }): bigint | null {
  return timestamp === 0n ? null : near.wallNs + nsBetween(near.timestamp, timestamp);
}

/** 16 bits of seconds and 16 of fraction, as milliseconds. */
export function shortMs(value: number): number {
  return (value / 0x1_0000) * 1000;
}
