/** Of a handful of runs. The middle one counts: others may work on the same machine. */
export interface Spread {
  min: number;
  median: number;
  max: number;
}

export function spread(values: readonly number[]): Spread {
  const sorted = [...values].sort((a, b) => a - b);
  const at = (index: number): number => sorted[index] ?? NaN;
  const middle = (sorted.length - 1) / 2;
  return {
    min: at(0),
    median: (at(Math.floor(middle)) + at(Math.ceil(middle))) / 2,
    max: at(sorted.length - 1),
  };
}

/** Absolute figures move from run to run, ratios within one round hold: so the ratio is taken round by round. */
export function medianRatio(values: readonly number[], base: readonly number[]): number {
  return spread(values.map((value, round) => value / (base[round] ?? NaN))).median;
}
