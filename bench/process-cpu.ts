import { readdirSync, readFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';

/* CPU of a process and all it started, and of the whole machine, as the kernel counts it. */

/** What the kernel counts in, for every program on Linux (USER_HZ), whatever its own timer runs at. */
const TICKS_PER_SECOND = 100;

interface ProcessStat {
  parent: number;
  ticks: number;
}

function readStat(pid: number): ProcessStat | null {
  let text: string;
  try {
    text = readFileSync(`/proc/${pid}/stat`, 'latin1');
  } catch {
    return null;
  }
  // The name, in parentheses, may hold spaces and parentheses itself: count from its end.
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
  const number = (index: number): number => Number(fields[index]);
  // utime, stime, and the same of children that have ended and were waited for.
  return { parent: number(1), ticks: number(11) + number(12) + number(13) + number(14) };
}

/** The process and everything below it; websockify forks one for each connection. */
export function processTree(root: number): number[] {
  const children = new Map<number, number[]>();
  for (const entry of readdirSync('/proc')) {
    const pid = Number(entry);
    const stat = Number.isInteger(pid) ? readStat(pid) : null;
    if (stat) children.set(stat.parent, [...(children.get(stat.parent) ?? []), pid]);
  }
  const tree = [root];
  for (const pid of tree) tree.push(...(children.get(pid) ?? []));
  return tree;
}

export function treeCpuSeconds(root: number): number {
  const ticks = processTree(root).map((pid) => readStat(pid)?.ticks ?? 0);
  return ticks.reduce((sum, each) => sum + each, 0) / TICKS_PER_SECOND;
}

/** Seconds in which some core was busy: all but idle and waiting for a disk. */
function machineCpuSeconds(): number {
  const [, user, nice, system, , , irq, softirq, steal] = readFileSync('/proc/stat', 'latin1').split(/\s+/);
  const ticks = [user, nice, system, irq, softirq, steal].map((each) => Number(each ?? 0));
  return ticks.reduce((sum, each) => sum + each, 0) / TICKS_PER_SECOND;
}

/** Starts to watch; what it returns tells which share of the machine others than this benchmark used since. */
export function watchOthers(): () => number {
  const startedAt = process.hrtime.bigint();
  const othersSoFar = (): number => machineCpuSeconds() - treeCpuSeconds(process.pid);
  const before = othersSoFar();
  return () => {
    const capacity = (Number(process.hrtime.bigint() - startedAt) / 1e9) * availableParallelism();
    return Math.max(0, othersSoFar() - before) / capacity;
  };
}
