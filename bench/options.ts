import { parseArgs } from 'node:util';

export interface Options {
  /** Numbers of the figures to measure; empty: all. */
  only: number[];
  runs: number;
  /** Size of one bulk transfer. */
  bytes: number;
  /** Whether docs/benchmarks.md is written. */
  write: boolean;
}

const USAGE = `npm run bench -- [--only 1,2] [--runs 5] [--bytes 1GiB] [--no-write] [--profile]

  --only      figures to measure, by number (default: all)
  --runs      rounds; every round measures each bridge once (default: 5)
  --bytes     size of one bulk transfer, with KiB, MiB or GiB (default: 1GiB)
  --no-write  print only, leave docs/benchmarks.md alone
  --profile   write CPU profiles of Sockeye into .bench/profiles (slower: the figures do not count)`;

const UNITS: Record<string, number> = { KiB: 2 ** 10, MiB: 2 ** 20, GiB: 2 ** 30 };

/** Returns null when the caller asked for help, or for something that is not there; the usage is printed. */
export function readOptions(args: string[]): Options | null {
  try {
    const { values } = parseArgs({
      args,
      options: {
        only: { type: 'string', default: '' },
        runs: { type: 'string', default: '5' },
        bytes: { type: 'string', default: '1GiB' },
        'no-write': { type: 'boolean', default: false },
        profile: { type: 'boolean', default: false },
        help: { type: 'boolean', default: false },
      },
    });
    if (values.help) {
      console.log(USAGE);
      return null;
    }
    return {
      only: values.only === '' ? [] : values.only.split(',').map((each) => count('--only', each)),
      runs: count('--runs', values.runs),
      bytes: size(values.bytes),
      write: !values['no-write'] && !values.profile,
    };
  } catch (error) {
    console.error(`${(error as Error).message}\n\n${USAGE}`);
    process.exitCode = 2;
    return null;
  }
}

function count(option: string, text: string): number {
  const number = Number(text);
  if (!Number.isInteger(number) || number < 1) throw new Error(`${option}: "${text}" is not a count`);
  return number;
}

function size(text: string): number {
  const parts = /^(\d+(?:\.\d+)?)(KiB|MiB|GiB)?$/.exec(text);
  const bytes = Math.round(Number(parts?.[1]) * (UNITS[parts?.[2] ?? ''] ?? 1));
  if (!(bytes >= 1)) throw new Error(`--bytes: "${text}" is not a size`);
  return bytes;
}

export function sizeText(bytes: number): string {
  const unit = Object.entries(UNITS).findLast(([, factor]) => bytes % factor === 0);
  return unit ? `${bytes / unit[1]} ${unit[0]}` : `${bytes} bytes`;
}
