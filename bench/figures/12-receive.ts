import { setTimeout as pause } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { inTurn, type Contender, type ContenderKind, type Figure, type Sample } from '../figure.js';
import { type Call, type CallerCalls } from '../load/caller.js';
import { HttpConnection } from '../load/http.js';
import { LoadProcess } from '../load/rpc.js';
import { type SourceCalls } from '../load/source.js';
import { seconds } from '../load/stopwatch.js';
import { WatchedProgram } from '../peers/program.js';
import { startSockeye } from '../peers/sockeye.js';

/* A client that receives over REST what has come for it before: what the HTTP side costs. */

const MIB = 2 ** 20;
/** The window, which a source fills before the clock starts; and how often in a run. */
const WINDOW_BYTES = 64 * MIB;
const WINDOWS = 4;
const REQUESTS = WINDOW_BYTES / MIB;
/** Received before anything is measured, so that V8 has compiled what it will. */
const WARM_UP_WINDOWS = 64;
const DEADLINE_MS = 120_000;
const OCTET_STREAM = 'application/octet-stream';

interface Answerer extends Contender {
  readonly program: WatchedProgram;
  readonly port: number;
  readonly path: string;
  /** Has the source send `bytes`, and waits until they are all there. */
  fill(source: LoadProcess<SourceCalls>, bytes: number, check: boolean): Promise<string | null>;
}

const sockeye = (sourcePort: number): ContenderKind<Answerer> => ({
  name: 'Sockeye',
  async start() {
    const { program, port, stop } = await startSockeye(this.name);
    const control = await HttpConnection.open(port);
    const receive = { windowBytes: WINDOW_BYTES };
    const body = { host: '127.0.0.1', port: sourcePort, receive };
    const { body: answer } = await control.request('POST', '/v1/clients', body);
    control.close();
    const path = `/v1/sockets/${(JSON.parse(answer.toString()) as { id: string }).id}`;
    let sent = 0;
    const fill: Answerer['fill'] = async (source, bytes, check) => {
      const { sha256 } = await source.call('send', { bytes, check }, DEADLINE_MS);
      sent += bytes;
      while ((await receivedBytes(port, path)) < sent) await pause(5);
      return sha256;
    };
    return { name: this.name, program, port, path: `${path}/receive`, fill, stop };
  },
});

/** On a connection of its own: between two windows the service may have closed one that was kept alive. */
async function receivedBytes(port: number, path: string): Promise<number> {
  const control = await HttpConnection.open(port);
  const { body } = await control.request('GET', path);
  control.close();
  return (JSON.parse(body.toString()) as { received: { bytes: number } }).received.bytes;
}

const BARE_FASTIFY = fileURLToPath(new URL('../baselines/bare-fastify.js', import.meta.url));

const bareFastify: ContenderKind<Answerer> = {
  name: 'bare Fastify route',
  async start() {
    const program = new WatchedProgram(this.name, [BARE_FASTIFY, `${MIB}`]);
    const port = await program.port(/127\.0\.0\.1:(\d+)/);
    const fill = async (): Promise<null> => null;
    return { name: this.name, program, port, path: '/receive', fill, stop: () => program.stop() };
  },
};

export const figure: Figure = {
  number: 12,
  title: 'Receive of 1 MiB over REST',
  about: () =>
    `\`POST /v1/sockets/{id}/receive\` of 1 MiB as octet-stream, one after the other on a kept-alive connection, ` +
    `${WINDOWS} times ${REQUESTS} in a run. The bytes stand in the window before the clock starts; the bare route ` +
    'sends the same buffer each time. CPU is user and system time of the service for each MiB.',
  rows: 'service',
  metrics: [
    { key: 'cpu', label: 'CPU µs/MiB', digits: 0 },
    { key: 'rate', label: 'MiB/s', digits: 0 },
  ],
  loads: [{ key: 'client', label: 'client', digits: 2 }],
  goals: [{ of: 'Sockeye', to: bareFastify.name, metric: 'cpu', atMost: 1.3 }],
  async measure({ runs }) {
    const source = new LoadProcess<SourceCalls>('source');
    const caller = new LoadProcess<CallerCalls>('caller');
    try {
      const kinds = [sockeye(await source.call('listen', undefined)), bareFastify];
      const check = (answerer: Answerer): Promise<void> => checkBytes(answerer, source, caller);
      return await inTurn(kinds, runs, check, (answerer) => receive(answerer, source, caller));
    } finally {
      source.stop();
      caller.stop();
    }
  },
};

function receiving(path: string, times: number): Call {
  return { method: 'POST', path, body: { maxBytes: MIB }, accept: OCTET_STREAM, times };
}

async function checkBytes(
  { name, port, path, fill }: Answerer,
  source: LoadProcess<SourceCalls>,
  caller: LoadProcess<CallerCalls>,
): Promise<void> {
  if (name === 'Sockeye') await source.call('accepted', 1);
  await caller.call('open', { port, connections: 1 });
  const sent = await fill(source, MIB, true);
  const received = await caller.call('repeat', receiving(path, 1), DEADLINE_MS);
  for (let window = 0; window < WARM_UP_WINDOWS; window++) {
    await fill(source, WINDOW_BYTES, false);
    await caller.call('repeat', receiving(path, REQUESTS), DEADLINE_MS);
  }
  await caller.call('close', undefined);
  if (received.bytes !== MIB) throw new Error(`${received.bytes} bytes came instead of ${MIB}`);
  if (sent !== null && sent !== received.sha256)
    throw new Error('what came is not what was sent (SHA-256 differs)');
}

async function receive(
  { program, port, path, fill }: Answerer,
  source: LoadProcess<SourceCalls>,
  caller: LoadProcess<CallerCalls>,
): Promise<Sample> {
  await caller.call('open', { port, connections: 1 });
  let [cpu, took, client] = [0, 0, 0];
  for (let window = 0; window < WINDOWS; window++) {
    await fill(source, WINDOW_BYTES, false);
    const before = await program.usage('cpuSeconds');
    const lap = await caller.call('repeat', receiving(path, REQUESTS), DEADLINE_MS);
    const after = await program.usage('cpuSeconds');
    if (lap.bytes !== WINDOW_BYTES) throw new Error(`${lap.bytes} bytes came instead of ${WINDOW_BYTES}`);
    cpu += after - before;
    took += seconds(lap.from, lap.to);
    client += lap.cpuSeconds;
  }
  await caller.call('close', undefined);
  const requests = WINDOWS * REQUESTS;
  return { cpu: (cpu / requests) * 1e6, rate: requests / took, client: client / took };
}
