import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { format, resolveConfig } from 'prettier';

/*
 * docs/benchmarks.md: one section for each figure, replaced when that figure is measured anew. What
 * stands in it under the heading below is written by hand, and stays.
 */

const BY_HAND = '### What was tried';

const DOCUMENT = fileURLToPath(new URL('../docs/benchmarks.md', import.meta.url));

const INTRODUCTION = `# Benchmarks

Written by \`npm run bench\`. It builds Sockeye, starts it and its peers on loopback, each in a process of its own,
and makes the load in other processes. Every round measures each bridge once, in turn, so that a busy machine is
unfair to all of them alike. Absolute figures move from machine to machine and from run to run; the ratios hold.
What each bridge carries is compared by SHA-256 before it is measured.

    npm run bench                                     # all figures
    npm run bench -- --only 1 --runs 3 --bytes 256MiB # one of them, quicker
    npm run bench -- --help`;

export async function formatMarkdown(markdown: string): Promise<string> {
  return format(markdown, { ...(await resolveConfig(DOCUMENT)), parser: 'markdown' });
}

/** Puts the sections measured now in the place of the older ones, by their heading. */
export async function writeDocument(sections: Map<number, string>): Promise<void> {
  const all = storedSections();
  for (const [number, section] of sections) {
    const before = all.get(number) ?? '';
    const byHand = before.includes(BY_HAND) ? before.slice(before.indexOf(BY_HAND)) : '';
    all.set(number, `${section}\n\n${byHand}`);
  }
  const ordered = [...all].sort(([a], [b]) => a - b).map(([, section]) => section);
  mkdirSync(new URL('../docs/', import.meta.url), { recursive: true });
  writeFileSync(DOCUMENT, await formatMarkdown([INTRODUCTION, ...ordered].join('\n\n')));
}

function storedSections(): Map<number, string> {
  if (!existsSync(DOCUMENT)) return new Map();
  const parts = readFileSync(DOCUMENT, 'utf8').split(/^(?=## \d)/m);
  const numbered = parts.map((part): [number, string] => [
    Number(/^## (\d+)\./.exec(part)?.[1]),
    part.trim(),
  ]);
  return new Map(numbered.filter(([number]) => !Number.isNaN(number)));
}
