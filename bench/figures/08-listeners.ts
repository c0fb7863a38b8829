import { inTurn, type Figure, type Sample } from '../figure.js';
import { type CallerCalls } from '../load/caller.js';
import { LoadProcess } from '../load/rpc.js';
import { seconds } from '../load/stopwatch.js';
import { bareNest, mountebankService, sockeyeService, type ListenerService } from '../peers/listeners.js';

/* A client that creates and closes listeners over HTTP -> the service. */

const CONNECTIONS = 16;
const CYCLES = 4_000;
/** Before anything is counted: V8 has compiled by then, and as many closed sockets are kept as ever will be. */
const WARM_UP = 12_000;
const DEADLINE_MS = 60_000;

const sockeye = sockeyeService();

export const figure: Figure = {
  number: 8,
  title: 'Create and close a listener over HTTP',
  about: () =>
    `POST, then DELETE, of a TCP listener on loopback, ${CYCLES} times over ${CONNECTIONS} kept-alive connections, ` +
    `after ${WARM_UP} times that are not counted: V8 is warm, and Sockeye keeps as many closed sockets as it ever does. ` +
    'The bare application validates the same body and opens a `net` server; mountebank makes a TCP imposter. ' +
    'CPU is user and system time of the service for each cycle.',
  rows: 'service',
  metrics: [
    { key: 'rate', label: 'cycles/s', digits: 0 },
    { key: 'cpu', label: 'CPU µs', digits: 0 },
  ],
  loads: [{ key: 'client', label: 'client', digits: 2 }],
  goals: [
    { of: sockeye.name, to: bareNest.name, metric: 'rate', atLeast: 0.6 },
    { of: sockeye.name, to: mountebankService.name, metric: 'rate', atLeast: 2 },
  ],
  async measure({ runs }) {
    const caller = new LoadProcess<CallerCalls>('caller');
    const connected = async <T>({ port }: ListenerService, work: () => Promise<T>): Promise<T> => {
      await caller.call('open', { port, connections: CONNECTIONS });
      try {
        return await work();
      } finally {
        await caller.call('close', undefined);
      }
    };
    const verify = (service: ListenerService): Promise<void> =>
      connected(service, async () => {
        await caller.call('verify', service.api);
        await caller.call('cycle', { api: service.api, cycles: WARM_UP }, DEADLINE_MS);
      });
    const sample = (service: ListenerService): Promise<Sample> =>
      connected(service, () => cycles(service, caller));
    try {
      return await inTurn([sockeye, bareNest, mountebankService], runs, verify, sample);
    } finally {
      caller.stop();
    }
  },
};

async function cycles(
  { api, cpuSeconds }: ListenerService,
  caller: LoadProcess<CallerCalls>,
): Promise<Sample> {
  const before = await cpuSeconds();
  const lap = await caller.call('cycle', { api, cycles: CYCLES }, DEADLINE_MS);
  const cpu = (await cpuSeconds()) - before;
  const took = seconds(lap.from, lap.to);
  return { rate: CYCLES / took, cpu: (cpu / CYCLES) * 1e6, client: lap.cpuSeconds / took };
}
