import fc from 'fast-check';
import { isoTime, ntpTimestamp, readClock } from '../../src/network/index.js';

const NS = 1_000_000_000n;

test('an NTP timestamp comes back as the moment it was made of, to a quarter of a nanosecond', () => {
  // From 1900 to the end of the year 9999.
  const moment = fc.bigInt({ min: -2_208_988_800n * NS, max: 253_402_300_799n * NS });
  fc.assert(
    fc.property(moment, (wallNs) => {
      const { era, seconds, fraction, hex } = ntpTimestamp(wallNs);
      expect(hex).toBe(seconds.toString(16).padStart(8, '0') + fraction.toString(16).padStart(8, '0'));
      const since1900 = (BigInt(era) << 32n) + BigInt(seconds);
      // What was cut off is less than one unit, 2^-32 s.
      const units = (since1900 << 32n) + BigInt(fraction);
      const exact = (wallNs + 2_208_988_800n * NS) << 32n;
      const cutOff = exact - units * NS;
      expect(cutOff >= 0n && cutOff < NS).toBe(true);
    }),
  );
});

test('the moments of RFC 5905, figure 4', () => {
  const at = (iso: string): ReturnType<typeof ntpTimestamp> =>
    ntpTimestamp(BigInt(Date.parse(iso)) * 1_000_000n);
  expect(at('1900-01-01T00:00:00Z')).toMatchObject({ era: 0, seconds: 0 });
  expect(at('1970-01-01T00:00:00Z')).toMatchObject({ era: 0, seconds: 2_208_988_800 });
  expect(at('2000-01-01T00:00:00Z')).toMatchObject({ era: 0, seconds: 3_155_673_600 });
  expect(at('2036-02-07T06:28:15Z')).toMatchObject({ era: 0, seconds: 4_294_967_295 });
  expect(at('2036-02-08T00:00:00Z')).toMatchObject({ era: 1, seconds: 63_104 });
});

test('a time is written with its microseconds and the offset of its zone', () => {
  const wallNs = 1_793_340_000_123_456_789n;
  expect(isoTime(wallNs, 0)).toBe('2026-10-30T06:00:00.123456Z');
  expect(isoTime(wallNs, 60)).toBe('2026-10-30T07:00:00.123456+01:00');
  expect(isoTime(wallNs, -210)).toBe('2026-10-30T02:30:00.123456-03:30');
  expect(isoTime(wallNs, 845)).toBe('2026-10-30T20:05:00.123456+14:05');
});

test('the clock is the one of the host', () => {
  const before = Date.now();
  const { wallNs, monotonicNs } = readClock();
  const wallMs = Number(wallNs / 1_000_000n);
  expect([wallMs >= before, wallMs <= Date.now()]).toEqual([true, true]);
  expect(readClock().monotonicNs).toBeGreaterThan(monotonicNs);
});
