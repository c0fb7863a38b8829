import { sideBySide, type Figure, type Sample } from '../figure.js';
import { LoadProcess } from '../load/rpc.js';
import { type SinkCalls } from '../load/sink.js';
import { seconds } from '../load/stopwatch.js';
import { type TickerCalls } from '../load/ticker.js';
import { frameEach } from '../peers/frame-each.js';
import { type Peer } from '../peers/peer.js';
import { sockeyeStream100 } from '../peers/sockeye.js';
import { treeCpuSeconds } from '../process-cpu.js';

const MESSAGE_BYTES = 64;
const CONNECTIONS = 100;
const PER_SECOND = 50_000;
const RUN_MS = 3_000;
const CHECK_MS = 500;
const DEADLINE_MS = 30_000;

export const figure: Figure = {
  number: 6,
  title: 'Short messages of 100 sockets to one WebSocket',
  about: () =>
    `${MESSAGE_BYTES} bytes at a time, ${PER_SECOND} messages a second for ${RUN_MS / 1000} s, on ${CONNECTIONS} TCP connections in turn, ` +
    'to one WebSocket. CPU is user and system time of the bridge alone. The bare bridge sends each message as a frame, at once, ' +
    'with neither channel nor offset.',
  metrics: [
    { key: 'cpu', label: 'CPU, share of a core', digits: 2 },
    { key: 'rate', label: 'thousand messages/s', digits: 1 },
  ],
  loads: [
    { key: 'source', label: 'source', digits: 2 },
    { key: 'sink', label: 'sink', digits: 2 },
  ],
  goals: [{ of: sockeyeStream100.name, to: frameEach.name, metric: 'cpu', atMost: 0.6 }],
  async measure({ runs }) {
    const ticker = new LoadProcess<TickerCalls>('ticker');
    const sink = new LoadProcess<SinkCalls>('sink');
    try {
      const port = await ticker.call('listen', undefined);
      return await sideBySide(
        [sockeyeStream100, frameEach],
        port,
        runs,
        async (peer) => {
          await run(peer, ticker, sink, CHECK_MS);
        },
        (peer) => run(peer, ticker, sink, RUN_MS),
      );
    } finally {
      ticker.stop();
      sink.stop();
    }
  },
};

async function run(
  peer: Peer,
  ticker: LoadProcess<TickerCalls>,
  sink: LoadProcess<SinkCalls>,
  ms: number,
): Promise<Sample> {
  const { door, release } = await peer.open();
  try {
    await sink.call('open', { door, check: false });
    await ticker.call('accepted', CONNECTIONS);
    const before = treeCpuSeconds(peer.pid);
    const order = { perSecond: PER_SECOND, messageBytes: MESSAGE_BYTES, ms };
    const { lap, messages } = await ticker.call('tick', order, DEADLINE_MS);
    const received = await sink.call('count', messages * MESSAGE_BYTES, DEADLINE_MS);
    const cpu = treeCpuSeconds(peer.pid) - before;
    const took = seconds(lap.from, received.lap.to);
    return {
      // At the pace that was asked for: a load that is held up must not make a bridge look cheap.
      cpu: (cpu / messages) * PER_SECOND,
      rate: messages / 1e3 / took,
      source: lap.cpuSeconds / took,
      sink: received.lap.cpuSeconds / took,
    };
  } finally {
    await sink.call('close', undefined);
    await ticker.call('hangUp', undefined);
    await release();
  }
}
