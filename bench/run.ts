import { writeDocument, formatMarkdown } from './document.js';
import { type Figure } from './figure.js';
import { bulk } from './figures/01-bulk.js';
import { roundTrip } from './figures/02-round-trip.js';
import { describeMachine } from './machine.js';
import { readOptions } from './options.js';
import { reportFigure } from './report.js';

/*
 * The benchmark, side by side with peers: npm run bench -- --help
 *
 *   figures/     what is measured, one file each
 *   peers/       the bridges: how each is started and reached
 *   baselines/   bridges of our own to compare with, as small as they can be
 *   load/        source, sink, echo, pinger: processes of their own, never the bottleneck, or the report says so
 *   figure.ts    what a figure is; measuring bridges in turn
 *   report.ts    a figure as a table, its ratios against the goals
 */

const FIGURES: Figure[] = [bulk, roundTrip];

async function main(): Promise<void> {
  const options = readOptions(process.argv.slice(2));
  if (!options) return;
  const chosen = FIGURES.filter(({ number }) => options.only.length === 0 || options.only.includes(number));
  const sections = new Map<number, string>();

  for (const figure of chosen) {
    console.log(`\n${figure.number}. ${figure.title}`);
    const measured = await figure.measure(options);
    const section = reportFigure(figure, measured, options, describeMachine());
    sections.set(figure.number, section);
    console.log(`\n${await formatMarkdown(section)}`);
    if (measured.leftOut.some(({ failed }) => failed)) process.exitCode = 1;
  }
  if (options.write) await writeDocument(sections);
}

// What was started is ended, whatever ends the runner: see the exit handler of peers/program.ts.
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => process.exit(1));

await main();
