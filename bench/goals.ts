import { type Figure, type Goal, type Measured, type Sample } from './figure.js';
import { medianRatio, spread } from './statistics.js';

/* What was asked for, and what came of it. */

export interface Outcome {
  goal: Goal;
  measured: string;
  verdict: 'reached' | '**missed**';
}

/** Of each goal whose contenders were there. */
export function outcomes(figure: Figure, { samples }: Measured): Outcome[] {
  return figure.goals
    .filter(({ of, to }) => samples.has(of) && (to === undefined || samples.has(to)))
    .map((goal) => outcome(goal, figure, samples));
}

function outcome(goal: Goal, { metrics }: Figure, samples: Measured['samples']): Outcome {
  const { of, to, metric: key, atMost = Infinity, atLeast = -Infinity } = goal;
  const digits = metrics.find((metric) => metric.key === key)?.digits ?? 2;
  const own = valuesOf(samples.get(of), key);
  const value = to === undefined ? spread(own).median : medianRatio(own, valuesOf(samples.get(to), key));
  const measured = value.toFixed(to === undefined ? digits : 2);
  return { goal, measured, verdict: value <= atMost && value >= atLeast ? 'reached' : '**missed**' };
}

export function boundOf({ atMost, atLeast }: Goal): string {
  const bounds = [
    ...(atMost === undefined ? [] : [`at most ${atMost}`]),
    ...(atLeast === undefined ? [] : [`at least ${atLeast}`]),
  ];
  return bounds.join(', ');
}

export function labelOf({ metrics }: Figure, { metric }: Goal): string {
  return metrics.find(({ key }) => key === metric)?.label ?? metric;
}

export function valuesOf(taken: readonly Sample[] | undefined, key: string): number[] {
  return (taken ?? []).map((sample) => sample[key] ?? NaN);
}
