import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { inTurn, type Contender, type ContenderKind, type Figure, type Sample } from '../figure.js';
import { type IdleCalls } from '../load/idle.js';
import { HttpConnection } from '../load/http.js';
import { type ManyListenersCalls } from '../load/many-listeners.js';
import { LoadProcess } from '../load/rpc.js';
import { Unavailable } from '../peers/peer.js';
import { WatchedProgram } from '../peers/program.js';
import { startSockeye } from '../peers/sockeye.js';

/* Ten thousand connections that say nothing; ten thousand listeners. Each in a fresh process, each round. */

const COUNT = 10_000;
/** Connections, and what a process needs besides. */
const DESCRIPTORS = COUNT + 500;
const DEADLINE_MS = 60_000;

/** A process that has just started, and where its connections go. */
interface Host {
  program: WatchedProgram;
  port: number;
  stop(): Promise<void>;
}

interface Keeper extends Contender {
  launch(): Promise<Host>;
  listeners: keyof ManyListenersCalls;
}

const sockeye = keeper('Sockeye', 'engine', async () => {
  const limits = { SOCKEYE_MAX_SOCKETS: `${COUNT + 1}` };
  const { program, port, stop } = await startSockeye('Sockeye', limits);
  const control = await HttpConnection.open(port);
  const body = { host: '127.0.0.1', port: 0, limits: { maxConnections: COUNT } };
  const { body: answer } = await control.request('POST', '/v1/listeners', body);
  control.close();
  const made = JSON.parse(answer.toString()) as { localAddress: { port: number } };
  return { program, port: made.localAddress.port, stop };
});

const BARE_NET = fileURLToPath(new URL('../baselines/bare-net.js', import.meta.url));

const bareNet = keeper('bare net', 'bare', async () => {
  const program = new WatchedProgram('bare net', [BARE_NET]);
  return { program, port: await program.port(/127\.0\.0\.1:(\d+)/), stop: () => program.stop() };
});

function keeper(
  name: string,
  listeners: Keeper['listeners'],
  launch: () => Promise<Host>,
): ContenderKind<Keeper> {
  return { name, start: async () => ({ name, listeners, launch, stop: async () => {} }) };
}

export const figure: Figure = {
  number: 9,
  title: 'Ten thousand idle sockets',
  about: () =>
    `${COUNT} connections that one listener accepted and that say nothing: what the process has resident more than ` +
    `before, after a collection of garbage both times, for each of them (KB of 1000 bytes; what happened to each ` +
    `is in the history of events, and counts). And ${COUNT} listeners, made one after the other in the engine, ` +
    'without HTTP, beside bare `net` servers. Each round in fresh processes.',
  rows: 'process',
  metrics: [
    { key: 'memory', label: 'KB a connection', digits: 1 },
    { key: 'listeners', label: `s for ${COUNT} listeners`, digits: 2 },
  ],
  loads: [],
  goals: [
    { of: sockeye.name, metric: 'memory', atMost: 8 },
    { of: sockeye.name, metric: 'listeners', atMost: 1 },
  ],
  async measure({ runs }) {
    const idle = new LoadProcess<IdleCalls>('idle');
    const sample = async (keeper: Keeper): Promise<Sample> => ({
      memory: await memoryOf(keeper, idle),
      listeners: await listenersOf(keeper),
    });
    try {
      return await inTurn([sockeye, bareNet], runs, checkDescriptors, sample);
    } finally {
      idle.stop();
    }
  },
};

async function checkDescriptors(): Promise<void> {
  // Node raises the soft limit to the hard one by itself.
  const limits = readFileSync('/proc/self/limits', 'utf8');
  const hard = Number(/^Max open files\s+\d+\s+(\d+)/m.exec(limits)?.[1] ?? Infinity);
  if (hard < DESCRIPTORS) throw new Unavailable(`${hard} descriptors are too few: ulimit -Hn ${DESCRIPTORS}`);
}

async function memoryOf(keeper: Keeper, idle: LoadProcess<IdleCalls>): Promise<number> {
  const { program, port, stop } = await keeper.launch();
  try {
    const before = await program.usage('residentBytes');
    await idle.call('open', { port, count: COUNT }, DEADLINE_MS);
    const after = await program.usage('residentBytes');
    return (after - before) / COUNT / 1000;
  } finally {
    await idle.call('close', undefined, DEADLINE_MS);
    await stop();
  }
}

async function listenersOf({ listeners }: Keeper): Promise<number> {
  const process = new LoadProcess<ManyListenersCalls>('many-listeners');
  try {
    return await process.call(listeners, COUNT, DEADLINE_MS);
  } finally {
    process.stop();
  }
}
