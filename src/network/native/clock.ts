import koffi from 'koffi';

/** clock_gettime(2): Node rounds the wall clock to milliseconds. */
const clock_gettime = koffi.load(null).func('int clock_gettime(int, uint8_t *)');

const CLOCKS = { realtime: 0, monotonic: 1, boottime: 7 } as const;

/** Nanoseconds: since 1970 (realtime), since some moment (monotonic), since the start, sleep included (boottime). */
export function clockNs(clock: keyof typeof CLOCKS): bigint {
  const timespec = new BigInt64Array(2);
  clock_gettime(CLOCKS[clock], new Uint8Array(timespec.buffer));
  const [seconds = 0n, nanoseconds = 0n] = timespec;
  return seconds * 1_000_000_000n + nanoseconds;
}
