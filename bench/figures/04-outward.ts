import { type Figure, type Measured, type Sample, sideBySide } from '../figure.js';
import { type DrainCalls } from '../load/drain.js';
import { type FlooderCalls, type FloodOrder } from '../load/flooder.js';
import { LoadProcess } from '../load/rpc.js';
import { seconds } from '../load/stopwatch.js';
import { type Options, sizeText } from '../options.js';
import { bareWs } from '../peers/bare-ws.js';
import { type Peer } from '../peers/peer.js';
import { sockeyePipe, sockeyeStream } from '../peers/sockeye.js';
import { websockify } from '../peers/websockify.js';
import { treeCpuSeconds } from '../process-cpu.js';

/* A WebSocket client -> the bridge -> a TCP sink, three processes. */

const GIB = 2 ** 30;
const LARGE_BYTES = 64 * 1024;
const SMALL_BYTES = 64;
/** Small frames are sent for so long, not so many: bridges differ by a factor of twenty. */
const SMALL_MS = 1_500;
const CHECK_BYTES = 16 * 2 ** 20;
const DEADLINE_MS = 60_000;

export const figure: Figure = {
  number: 4,
  title: 'WebSocket to TCP',
  about: ({ bytes }) =>
    `${sizeText(bytes)} in frames of 64 KiB, then frames of ${SMALL_BYTES} bytes for ${SMALL_MS / 1000} s, from a WebSocket ` +
    'client through the bridge to a TCP sink, one connection. CPU is user and system time of the bridge alone, with all its ' +
    'processes. Both Node bridges have bufferutil. On `/v1/stream` the client keeps to its credit.',
  metrics: [
    { key: 'cpu', label: '64 KiB: CPU s/GiB', digits: 2 },
    { key: 'rate', label: '64 KiB: MB/s', digits: 0 },
    { key: 'cpuSmall', label: '64 B: CPU µs a message', digits: 2 },
    { key: 'rateSmall', label: '64 B: thousand messages/s', digits: 0 },
  ],
  loads: [
    { key: 'client', label: 'client', digits: 2 },
    { key: 'sink', label: 'sink', digits: 2 },
  ],
  goals: [sockeyePipe, sockeyeStream].flatMap(({ name }) => [
    { of: name, to: bareWs.name, metric: 'cpu', atMost: 1 },
    { of: name, to: websockify.name, metric: 'cpu', atMost: 0.4 },
    { of: name, to: bareWs.name, metric: 'cpuSmall', atMost: 0.1 },
  ]),
  measure,
};

async function measure({ runs, bytes }: Options): Promise<Measured> {
  const drain = new LoadProcess<DrainCalls>('drain');
  const flooder = new LoadProcess<FlooderCalls>('flooder');
  const run = (peer: Peer, order: FloodOrder, check: boolean): Promise<Flood> =>
    flood(peer, drain, flooder, order, check);
  try {
    const port = await drain.call('listen', undefined);
    return await sideBySide(
      [sockeyePipe, sockeyeStream, bareWs, websockify],
      port,
      runs,
      async (peer) => {
        for (const frameBytes of [LARGE_BYTES, SMALL_BYTES])
          await run(peer, { frameBytes, bytes: CHECK_BYTES, ms: SMALL_MS }, true);
      },
      async (peer) => {
        const large = await run(peer, { frameBytes: LARGE_BYTES, bytes, ms: DEADLINE_MS }, false);
        const small = await run(peer, { frameBytes: SMALL_BYTES, bytes: Infinity, ms: SMALL_MS }, false);
        return sampleOf(large, small);
      },
    );
  } finally {
    drain.stop();
    flooder.stop();
  }
}

interface Flood {
  cpuSeconds: number;
  bytes: number;
  seconds: number;
  clientShare: number;
  sinkShare: number;
}

function sampleOf(large: Flood, small: Flood): Sample {
  const messages = small.bytes / SMALL_BYTES;
  return {
    cpu: large.cpuSeconds / (large.bytes / GIB),
    rate: large.bytes / 1e6 / large.seconds,
    cpuSmall: (small.cpuSeconds / messages) * 1e6,
    rateSmall: messages / 1e3 / small.seconds,
    client: Math.max(large.clientShare, small.clientShare),
    sink: Math.max(large.sinkShare, small.sinkShare),
  };
}

async function flood(
  peer: Peer,
  drain: LoadProcess<DrainCalls>,
  flooder: LoadProcess<FlooderCalls>,
  order: FloodOrder,
  check: boolean,
): Promise<Flood> {
  const { door, release } = await peer.open();
  try {
    await drain.call('start', { check });
    await flooder.call('open', door);
    const before = treeCpuSeconds(peer.pid);
    const sent = await flooder.call('flood', order, DEADLINE_MS);
    const received = await drain.call('count', sent.bytes, DEADLINE_MS);
    const cpuSeconds = treeCpuSeconds(peer.pid) - before;
    if (check && sent.sha256 !== received.sha256)
      throw new Error('what came is not what was sent (SHA-256 differs)');
    const took = seconds(sent.lap.from, received.lap.to);
    return {
      cpuSeconds,
      bytes: sent.bytes,
      seconds: took,
      clientShare: sent.lap.cpuSeconds / took,
      sinkShare: received.lap.cpuSeconds / took,
    };
  } finally {
    await flooder.call('close', undefined);
    await release();
  }
}
