import { readdirSync } from 'node:fs';
import { writeDocument, formatMarkdown } from './document.js';
import { type Figure } from './figure.js';
import { describeMachine } from './machine.js';
import { readOptions, type Options } from './options.js';
import { reportFigure, summaryRows } from './report.js';

/*
 * The benchmark, side by side with peers: npm run bench -- --help
 *
 *   figures/     what is measured, one file each, NN-name.ts
 *   peers/       the programs that are measured: how each is started and reached
 *   baselines/   bridges and services of our own to compare with, as small as they can be
 *   load/        source, sink, caller and so on: processes of their own, never the bottleneck, or the report says so
 *   bulk.ts      how the bulk figures are measured
 *   figure.ts    what a figure is; measuring side by side, in turn
 *   report.ts    a figure as a table, its ratios against the goals; goals.ts: what came of each
 *   document.ts  docs/benchmarks.md
 */

/** The figures asked for, or all, in their order. */
async function figures(only: number[]): Promise<Figure[]> {
  const folder = new URL('./figures/', import.meta.url);
  const files = readdirSync(folder)
    .filter((file) => file.endsWith('.js'))
    .sort();
  const numbers = files.map((file) => parseInt(file, 10));
  const unknown = only.filter((number) => !numbers.includes(number));
  if (unknown.length > 0) throw new Error(`there is no figure ${unknown.join(', ')}: ${numbers.join(', ')}`);
  const chosen = files.filter((_, index) => only.length === 0 || only.includes(numbers[index] ?? NaN));
  const modules = chosen.map((file) => import(new URL(file, folder).href) as Promise<{ figure: Figure }>);
  return (await Promise.all(modules)).map(({ figure }) => figure);
}

async function main(): Promise<void> {
  const options = readOptions(process.argv.slice(2));
  if (!options) return;
  for (const figure of await figures(options.only)) {
    console.log(`\n${figure.number}. ${figure.title}`);
    try {
      await run(figure, options);
    } catch (error) {
      console.error(
        `figure ${figure.number} failed: ${error instanceof Error ? error.stack : String(error)}`,
      );
      process.exitCode = 1;
    }
  }
}

/** Measures, prints, and writes down at once: what comes after may fail. */
async function run(figure: Figure, options: Options): Promise<void> {
  const measured = await figure.measure(options);
  const section = reportFigure(figure, measured, options, describeMachine());
  console.log(`\n${await formatMarkdown(section)}`);
  if (measured.leftOut.some(({ failed }) => failed)) process.exitCode = 1;
  const entry = { section, summary: summaryRows(figure, measured) };
  if (options.write) await writeDocument(figure.number, entry);
}

// What was started is ended, whatever ends the runner: see the exit handler of peers/program.ts.
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => process.exit(1));

await main();
