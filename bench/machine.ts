import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { availableParallelism, cpus, release, totalmem, type } from 'node:os';
import { websockifyVersion } from './peers/websockify.js';

/** Where and with what a figure was measured, in one sentence or two: numbers mean nothing without it. */
export function describeMachine(): string {
  const model = cpus()[0]?.model.trim() ?? 'unknown processor';
  const memory = Math.round(totalmem() / 2 ** 30);
  const python = firstLine('/usr/bin/python3', '--version') || 'Python of unknown version';
  return [
    `${new Date().toISOString().slice(0, 10)}; ${model}, ${availableParallelism()} cores, ${memory} GiB, ${type()} ${release()};`,
    `Sockeye ${packageVersion('../package.json')}${commit()}, Node ${process.versions.node},`,
    `ws ${packageVersion('../node_modules/ws/package.json')}, websockify ${websockifyVersion()} (${python}).`,
  ].join(' ');
}

function commit(): string {
  const hash = firstLine('git', 'rev-parse', '--short', 'HEAD');
  return hash ? ` (${hash})` : '';
}

function packageVersion(path: string): string {
  const text = readFileSync(new URL(path, import.meta.url), 'utf8');
  return (JSON.parse(text) as { version: string }).version;
}

function firstLine(command: string, ...args: string[]): string {
  const asked = spawnSync(command, args, { encoding: 'utf8' });
  return asked.status === 0 ? (asked.stdout.split('\n')[0] ?? '').trim() : '';
}
