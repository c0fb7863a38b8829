import { availableParallelism } from 'node:os';
import { type Figure, type Measured, type Metric, type Sample } from './figure.js';
import { boundOf, labelOf, outcomes, valuesOf, type Outcome } from './goals.js';
import { type Options } from './options.js';
import { medianRatio, spread } from './statistics.js';

/* A figure as Markdown: the same text is printed and stored. */

/** A load process that uses more than this of a core may be what limits the speed. */
const BUSY_SHARE = 0.9;
/** With more than this gone to other programs, three processes no longer have the machine to themselves. */
const QUIET_SHARE = 0.1;

export function reportFigure(figure: Figure, measured: Measured, options: Options, machine: string): string {
  const rounds = Math.max(0, ...[...measured.samples.values()].map(({ length }) => length));
  return [
    `## ${figure.number}. ${figure.title}`,
    figure.about(options),
    spreads(figure, measured),
    ratios(figure, measured),
    absolute(figure, measured),
    notes(figure, measured)
      .map((note) => `- ${note}`)
      .join('\n'),
    `Median (min to max) of ${rounds} rounds. ${machine}`,
  ]
    .filter((part) => part !== '')
    .join('\n\n');
}

function spreads({ metrics, rows: heading = 'bridge' }: Figure, { samples }: Measured): string {
  const rows = [...samples].map(([name, taken]) => [name, ...metrics.map((metric) => cell(metric, taken))]);
  return table([heading, ...metrics.map(({ label }) => label)], rows);
}

function cell({ key, digits }: Metric, taken: Sample[]): string {
  const { min, median, max } = spread(valuesOf(taken, key));
  return `${median.toFixed(digits)} (${min.toFixed(digits)} to ${max.toFixed(digits)})`;
}

/** Each of ours to each of the others, and whatever else has a goal. */
function ratios(figure: Figure, measured: Measured): string {
  const { samples } = measured;
  const rows = pairs(figure, [...samples.keys()]).map(([of, to]) => {
    const ratio = (key: string): number =>
      medianRatio(valuesOf(samples.get(of), key), valuesOf(samples.get(to), key));
    const goals = outcomes(figure, measured).filter(({ goal }) => goal.of === of && goal.to === to);
    return [
      `${of} / ${to}`,
      ...figure.metrics.map(({ key }) => ratio(key).toFixed(2)),
      goals.map((each) => outcomeText(figure, each)).join('; '),
    ];
  });
  if (rows.length === 0) return '';
  return table(['ratio, median of the rounds', ...figure.metrics.map(({ label }) => label), 'goal'], rows);
}

function pairs({ goals }: Figure, names: string[]): [string, string][] {
  const ours = names.filter((name) => name.startsWith('Sockeye'));
  const others = names.filter((name) => !ours.includes(name));
  const pairs = ours.flatMap((of) => others.map((to): [string, string] => [of, to]));
  for (const { of, to } of goals) {
    if (to === undefined || pairs.some((pair) => pair[0] === of && pair[1] === to)) continue;
    if (names.includes(of) && names.includes(to)) pairs.push([of, to]);
  }
  return pairs;
}

/** Goals for the values themselves. */
function absolute(figure: Figure, measured: Measured): string {
  const lines = outcomes(figure, measured)
    .filter(({ goal }) => goal.to === undefined)
    .map((outcome) => `- Goal: ${outcome.goal.of}, ${outcomeText(figure, outcome)}`);
  return lines.join('\n');
}

function outcomeText(figure: Figure, { goal, verdict }: Outcome): string {
  return `${labelOf(figure, goal)} ${boundOf(goal)}: ${verdict}`;
}

/** A row for each goal, for the table over all figures. */
export function summaryRows(figure: Figure, measured: Measured): string[][] {
  const found = outcomes(figure, measured);
  return figure.goals.map((goal) => {
    const outcome = found.find((each) => each.goal === goal);
    const of = goal.to === undefined ? goal.of : `${goal.of} / ${goal.to}`;
    return [
      `${figure.number}. ${figure.title}`,
      `${of}: ${labelOf(figure, goal)}`,
      outcome?.measured ?? '',
      boundOf(goal),
      outcome?.verdict ?? 'left out',
    ];
  });
}

function notes(figure: Figure, { samples, leftOut, othersShare }: Measured): string[] {
  const limited = [...samples].flatMap(([name, taken]) =>
    figure.loads
      .map(({ key, label }) => ({ label, share: spread(valuesOf(taken, key)).median }))
      .filter(({ share }) => share > BUSY_SHARE)
      .map(
        ({ label, share }) =>
          `**The load is the bottleneck** with ${name}: the ${label} used ${percent(share)} of a core. ` +
          `The ${figure.rows ?? 'bridge'} may be faster than shown; its CPU holds.`,
      ),
  );
  const shares = figure.loads.map(({ key, label }) => {
    const all = [...samples].map(
      ([name, taken]) => `${name} ${percent(spread(valuesOf(taken, key)).median)}`,
    );
    return `${label}: ${all.join(', ')}`;
  });
  const absent = leftOut.map(
    ({ name, reason, failed }) => `${failed ? '**Failed**' : 'Left out'}: ${name}: ${reason}`,
  );
  const cores = availableParallelism();
  const load =
    shares.length > 0
      ? [`Load processes, share of one core of ${cores} (median). ${shares.join('. ')}.`]
      : [];
  const others = `Other programs used ${percent(othersShare)} of the machine meanwhile${othersShare > QUIET_SHARE ? ': take the ratios with care' : ''}.`;
  return [...absent, ...limited, ...(samples.size > 0 ? [...load, others] : [])];
}

function percent(share: number): string {
  return `${Math.round(share * 100)} %`;
}

export function table(head: string[], rows: string[][]): string {
  const line = (cells: string[]): string => `| ${cells.join(' | ')} |`;
  return [line(head), line(head.map(() => '---')), ...rows.map(line)].join('\n');
}
