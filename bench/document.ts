import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { format, resolveConfig } from 'prettier';
import { table } from './report.js';

/*
 * docs/benchmarks.md: a table of all goals, then one section for each figure; those of a figure are replaced when it
 * is measured anew. What stands in a section under the heading below is written by hand, and stays.
 */

const BY_HAND = '### What was tried';
const SUMMARY = ['figure', 'what', 'measured', 'goal', ''];

const DOCUMENT = fileURLToPath(new URL('../docs/benchmarks.md', import.meta.url));

const INTRODUCTION = `# Benchmarks

Written by \`npm run bench\`. It builds Sockeye, starts it and its peers on loopback, each in a process of its own,
and makes the load in other processes. Every round measures each of them once, in turn, so that a busy machine is
unfair to all of them alike. Absolute figures move from machine to machine and from run to run; the ratios hold.
What each of them does is checked before it is measured, bytes by SHA-256. A peer that cannot be had on a machine is
left out, with the reason; the others go on.

    npm run bench                                     # all figures
    npm run bench -- --only 1 --runs 3 --bytes 256MiB # one of them, quicker; its section is replaced
    npm run bench -- --only 1 --no-write              # this document stays as it is
    npm run bench -- --help`;

export async function formatMarkdown(markdown: string): Promise<string> {
  return format(markdown, { ...(await resolveConfig(DOCUMENT)), parser: 'markdown' });
}

/** What one figure adds to the document. */
export interface Entry {
  section: string;
  /** Of the table at the top: a row for each goal. */
  summary: string[][];
}

/** Puts what was measured now in the place of the older. */
export async function writeDocument(number: number, { section, summary }: Entry): Promise<void> {
  const all = storedEntries();
  const before = all.get(number)?.section ?? '';
  const byHand = before.includes(BY_HAND) ? before.slice(before.indexOf(BY_HAND)) : '';
  all.set(number, { section: `${section}\n\n${byHand}`, summary });
  const ordered = [...all].sort(([a], [b]) => a - b).map(([, entry]) => entry);
  const goals = table(
    SUMMARY,
    ordered.flatMap((entry) => entry.summary),
  );
  const parts = [INTRODUCTION, goals, ...ordered.map((entry) => entry.section)];
  mkdirSync(new URL('../docs/', import.meta.url), { recursive: true });
  writeFileSync(DOCUMENT, await formatMarkdown(parts.join('\n\n')));
}

function storedEntries(): Map<number, Entry> {
  if (!existsSync(DOCUMENT)) return new Map();
  const [head = '', ...sections] = readFileSync(DOCUMENT, 'utf8').split(/^(?=## \d)/m);
  const cellsOf = (row: string): string[] =>
    row
      .split('|')
      .slice(1, -1)
      .map((cell) => cell.trim());
  const rows = head
    .split('\n')
    .filter((line) => /^\| \d/.test(line))
    .map(cellsOf);
  const numbered = sections.map((section): [number, Entry] => {
    const number = parseInt(section.slice('## '.length), 10);
    const summary = rows.filter(([figure = '']) => parseInt(figure, 10) === number);
    return [number, { section: section.trim(), summary }];
  });
  return new Map(numbered);
}
