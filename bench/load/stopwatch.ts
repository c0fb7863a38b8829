/** Time and CPU of a load process between two moments. The clock is the system's, so that two processes share it. */
export interface Lap {
  /** Nanoseconds of the monotonic clock. */
  from: bigint;
  to: bigint;
  cpuSeconds: number;
}

export function stopwatch(): () => Lap {
  const from = process.hrtime.bigint();
  const before = process.cpuUsage();
  return () => {
    const { user, system } = process.cpuUsage(before);
    return { from, to: process.hrtime.bigint(), cpuSeconds: (user + system) / 1e6 };
  };
}

export function seconds(from: bigint, to: bigint): number {
  return Number(to - from) / 1e9;
}
