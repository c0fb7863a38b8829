import { readFileSync } from 'node:fs';
import { setTimeout as pause } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { inTurn, type Contender, type ContenderKind, type Figure, type Sample } from '../figure.js';
import { freePort } from '../peers/free-port.js';
import { Program } from '../peers/program.js';
import { treeCpuSeconds } from '../process-cpu.js';

/* From nothing to an answer, each time in a fresh process. */

const IDLE_MS = 1_500;
const ASK_EVERY_MS = 4;
const START_DEADLINE_MS = 20_000;

interface Starter extends Contender {
  launch(port: number): Program;
}

const built = (path: string): string => fileURLToPath(new URL(path, import.meta.url));

const sockeye = starter('Sockeye', (port) => {
  const environment = { SOCKEYE_PORT: `${port}`, SOCKEYE_DATA_DIR: built('../data') };
  return new Program('Sockeye', process.execPath, [built('../../dist/main.js')], environment);
});

const bare = starter('bare Nest, same packages', (port) => {
  const program = built('../baselines/bare-nest-packages.js');
  return new Program('bare Nest, same packages', process.execPath, [program, `${port}`]);
});

const alone = starter('bare Nest + Fastify', (port) => {
  const program = built('../baselines/bare-nest.js');
  return new Program('bare Nest + Fastify', process.execPath, [program, `${port}`]);
});

function starter(name: string, launch: Starter['launch']): ContenderKind<Starter> {
  return { name, start: async () => ({ name, launch, stop: async () => {} }) };
}

export const figure: Figure = {
  number: 11,
  title: 'Cold start, and resident memory idle',
  about: () =>
    'From the start of the process to the first 200 of `/health/ready`, the CPU of that, and what is resident ' +
    `${IDLE_MS / 1000} s later. The bare Nest application has one controller; once it loads every package that ` +
    'Sockeye depends on beside it, once only its own.',
  rows: 'service',
  metrics: [
    { key: 'ready', label: 'ms to ready', digits: 0 },
    { key: 'cpu', label: 'CPU ms', digits: 0 },
    { key: 'memory', label: 'MB resident', digits: 1 },
  ],
  loads: [],
  goals: [
    { of: sockeye.name, to: bare.name, metric: 'ready', atMost: 1.5 },
    { of: sockeye.name, to: bare.name, metric: 'memory', atMost: 1.5 },
  ],
  measure: ({ runs }) => inTurn([sockeye, bare, alone], runs, async () => {}, start),
};

async function start({ launch }: Starter): Promise<Sample> {
  const port = await freePort();
  const from = process.hrtime.bigint();
  const program = launch(port);
  try {
    await untilReady(port);
    const ready = Number(process.hrtime.bigint() - from) / 1e6;
    const cpu = treeCpuSeconds(program.pid) * 1000;
    await pause(IDLE_MS);
    return { ready, cpu, memory: residentBytes(program.pid) / 1e6 };
  } finally {
    await program.stop();
  }
}

async function untilReady(port: number): Promise<void> {
  const deadline = Date.now() + START_DEADLINE_MS;
  while (Date.now() < deadline) {
    const answer = await fetch(`http://127.0.0.1:${port}/health/ready`).catch(() => null);
    await answer?.arrayBuffer();
    if (answer?.ok === true) return;
    await pause(ASK_EVERY_MS);
  }
  throw new Error(`it was not ready within ${START_DEADLINE_MS / 1000} s`);
}

function residentBytes(pid: number): number {
  const kib = /^VmRSS:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/status`, 'latin1'))?.[1];
  return Number(kib) * 1024;
}
