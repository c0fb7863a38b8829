import { createServer, type Server } from 'node:net';
import { once } from 'node:events';
import { serve } from './rpc.js';

/* Makes many listeners in its own process, one after the other: what is measured here is the process itself. */

export type ManyListenersCalls = {
  /** Seconds for `count` listeners of Sockeye's engine, without HTTP. */
  engine(count: number): Promise<number>;
  /** The same of bare `net` servers. */
  bare(count: number): Promise<number>;
};

/** As far as it is used here; the benchmark measures what was built. */
interface Engine {
  listen(spec: object): Promise<unknown>;
  close(): Promise<void>;
}

const BUILT = new URL('../../dist/sockets/index.js', import.meta.url).href;

const SPEC = {
  ...{ host: '127.0.0.1', port: 0, name: null, labels: {}, leaseMs: null, options: [], tls: null },
  ...{ backlog: 511, ipv6Only: false, maxConnections: 1000, acceptCount: null, idleTimeoutMs: 0 },
  receive: { windowBytes: 1_048_576, overflow: 'pause', lingerMs: 60_000, readerTtlMs: null },
};

async function timed(work: () => Promise<void>): Promise<number> {
  const from = process.hrtime.bigint();
  await work();
  return Number(process.hrtime.bigint() - from) / 1e9;
}

serve<ManyListenersCalls>({
  async engine(count) {
    const { Engine } = (await import(BUILT)) as { Engine: new (options: object) => Engine };
    const nothing = { egressAllow: [], egressDeny: [], bindAllow: [] };
    const bindPorts = { from: 1, to: 65_535 };
    const policy = { ...nothing, protectedMode: true, bindPorts, allowMetadata: false };
    const engine = new Engine({ policy, limits: { maxSockets: count } });
    const took = await timed(async () => {
      for (let made = 0; made < count; made++) await engine.listen(SPEC);
    });
    await engine.close();
    return took;
  },
  async bare(count) {
    const servers: Server[] = [];
    const took = await timed(async () => {
      for (let made = 0; made < count; made++) {
        const server = createServer().listen(0, '127.0.0.1');
        await once(server, 'listening');
        servers.push(server);
      }
    });
    for (const server of servers) server.close();
    return took;
  },
});
