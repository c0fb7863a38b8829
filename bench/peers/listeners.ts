import { fileURLToPath } from 'node:url';
import { type Contender, type ContenderKind } from '../figure.js';
import { type ListenerApi } from '../load/caller.js';
import { mountebank } from './mountebank.js';
import { WatchedProgram } from './program.js';
import { startSockeye } from './sockeye.js';
import { treeCpuSeconds } from '../process-cpu.js';

/** A running service that makes listeners over HTTP, in a process of its own. */
export interface ListenerService extends Contender {
  /** User and system time since the start, with all that the service started. */
  cpuSeconds(): Promise<number>;
  readonly port: number;
  readonly api: ListenerApi;
}

type ServiceKind = ContenderKind<ListenerService>;

const LISTENERS: ListenerApi = {
  path: '/v1/listeners',
  body: { protocol: 'tcp', host: '127.0.0.1', port: 0, backlog: 511, labels: { run: '42' } },
  key: 'id',
};

export function sockeyeService(name = 'Sockeye', limits?: NodeJS.ProcessEnv): ServiceKind {
  return {
    name,
    async start() {
      const { program, port, stop } = await startSockeye(name, limits);
      const cpuSeconds = (): Promise<number> => program.usage('cpuSeconds');
      return { name, port, api: LISTENERS, cpuSeconds, stop };
    },
  };
}

const BARE_NEST = fileURLToPath(new URL('../baselines/bare-nest.js', import.meta.url));

/** Our own bare application on Nest and Fastify: validates the same body, opens and closes `net` servers. */
export const bareNest: ServiceKind = {
  name: 'bare Nest + Fastify',
  async start() {
    const program = new WatchedProgram(this.name, [BARE_NEST]);
    const port = await program.port(/127\.0\.0\.1:(\d+)/);
    const cpuSeconds = (): Promise<number> => program.usage('cpuSeconds');
    return { name: this.name, port, api: LISTENERS, cpuSeconds, stop: () => program.stop() };
  },
};

/** Imposters of mountebank, which speak TCP. */
export const mountebankService: ServiceKind = {
  name: mountebank.name,
  async start() {
    const { program, port } = await mountebank.start();
    const api = { path: '/imposters', body: { protocol: 'tcp' }, key: 'port' };
    const cpuSeconds = async (): Promise<number> => treeCpuSeconds(program.pid);
    return { name: this.name, port, api, cpuSeconds, stop: () => program.stop() };
  },
};
