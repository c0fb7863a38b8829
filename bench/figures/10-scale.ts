import { inTurn, type Figure, type Sample } from '../figure.js';
import { type CallerCalls } from '../load/caller.js';
import { LoadProcess } from '../load/rpc.js';
import { seconds, type Lap } from '../load/stopwatch.js';
import { sockeyeService, type ListenerService } from '../peers/listeners.js';

/* The same calls to a service with few sockets and to one with many. */

const FEW = 100;
const MANY = 10_000;
const CONNECTIONS = 8;
/** How many are created, inspected and closed in a round; pages that are listed. */
const CALLS = 1_000;
const PAGES = 200;
const DEADLINE_MS = 60_000;

/** Room for what a round makes. What is closed is forgotten soon: a round should not find that of the one before. */
const LIMITS = { SOCKEYE_MAX_SOCKETS: `${MANY + 2 * CALLS}`, SOCKEYE_CLOSED_RETENTION_MS: '1' };
const few = sockeyeService(`Sockeye, ${FEW} sockets`, LIMITS);
const many = sockeyeService(`Sockeye, ${MANY} sockets`, LIMITS);

const metric = (key: string, label: string): { key: string; label: string; digits: number } => ({
  ...{ key, label, digits: 0 },
});
const METRICS = [
  metric('create', 'create CPU µs'),
  metric('inspect', 'inspect CPU µs'),
  metric('close', 'close CPU µs'),
  metric('list', 'page of 100 CPU µs'),
];

export const figure: Figure = {
  number: 10,
  title: 'The same calls among many sockets',
  about: () =>
    `A service with ${FEW} listeners and one with ${MANY}: ${CALLS} more are created, inspected and closed over ` +
    `HTTP, and ${PAGES} times a page of 100 is listed, over ${CONNECTIONS} kept-alive connections. ` +
    'CPU is user and system time of the service for each call.',
  rows: 'service',
  metrics: METRICS,
  loads: [{ key: 'client', label: 'client', digits: 2 }],
  goals: METRICS.map(({ key }) => ({ of: many.name, to: few.name, metric: key, atMost: 1.2 })),
  async measure({ runs }) {
    const caller = new LoadProcess<CallerCalls>('caller');
    const fill = async (service: ListenerService): Promise<void> => {
      await caller.call('open', { port: service.port, connections: CONNECTIONS });
      const count = service.name === many.name ? MANY : FEW;
      await caller.call('create', { api: service.api, count }, DEADLINE_MS);
      await caller.call('close', undefined);
    };
    try {
      return await inTurn([few, many], runs, fill, (service) => calls(service, caller));
    } finally {
      caller.stop();
    }
  },
};

async function calls(service: ListenerService, caller: LoadProcess<CallerCalls>): Promise<Sample> {
  const { port, api } = service;
  await caller.call('open', { port, connections: CONNECTIONS });
  let [took, client] = [0, 0];
  const microsEach = async (count: number, work: () => Promise<Lap>): Promise<number> => {
    const before = await service.cpuSeconds();
    const lap = await work();
    const cpu = (await service.cpuSeconds()) - before;
    took += seconds(lap.from, lap.to);
    client += lap.cpuSeconds;
    return (cpu / count) * 1e6;
  };
  const page = { method: 'GET', path: `${api.path}?limit=100`, times: PAGES };
  const sample = {
    create: await microsEach(CALLS, () => caller.call('create', { api, count: CALLS }, DEADLINE_MS)),
    inspect: await microsEach(CALLS, () => caller.call('inspect', undefined, DEADLINE_MS)),
    close: await microsEach(CALLS, () => caller.call('remove', undefined, DEADLINE_MS)),
    list: await microsEach(PAGES, () => caller.call('repeat', page, DEADLINE_MS)),
  };
  await caller.call('close', undefined);
  return { ...sample, client: client / took };
}
