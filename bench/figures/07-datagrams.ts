import { inTurn, type Figure, type Sample } from '../figure.js';
import { type DatagramSinkCalls } from '../load/datagram-sink.js';
import { type DatagramOrder, type DatagramSourceCalls } from '../load/datagram-source.js';
import { LoadProcess } from '../load/rpc.js';
import { seconds } from '../load/stopwatch.js';
import { countingOnly, sockeyeDatagrams, type DatagramCounter } from '../peers/datagram-counters.js';

/* Datagrams: a UDP sender -> Sockeye -> a WebSocket client that counts, three processes. */

const PER_SECOND = 50_000;
const PACED = 100_000;
const AT_ONCE = 1_000_000;
const CHECKED = 10_000;
const DEADLINE_MS = 30_000;
const SOCKEYE = 'Sockeye /v1/stream';

export const figure: Figure = {
  number: 7,
  title: 'UDP to a stream, 64 bytes',
  about: () =>
    `Datagrams of 64 bytes from one sender, by sendmmsg(2) in a process of its own, to a consuming channel of ` +
    `\`/v1/stream\`, acknowledged every 256 KiB; beside it a bare \`dgram\` socket with as large a receive buffer that ` +
    `only counts them. ${PACED} at ${PER_SECOND} a second, at equal distances and in bursts of ` +
    `${PER_SECOND / 1000} each millisecond; then ${AT_ONCE} as fast as the kernel takes them from the sender. ` +
    'CPU is user and system time of the receiving process for each datagram received.',
  rows: 'receiver',
  metrics: [
    { key: 'cpu', label: 'CPU µs, one by one', digits: 2 },
    { key: 'burstCpu', label: 'CPU µs, in bursts', digits: 2 },
    { key: 'fullCpu', label: 'CPU µs, full rate', digits: 2 },
    { key: 'sent', label: 'sent 1000/s', digits: 0 },
    { key: 'loss', label: 'lost %', digits: 1 },
  ],
  loads: [
    { key: 'source', label: 'sender at full rate', digits: 2 },
    { key: 'sink', label: 'client at full rate', digits: 2 },
  ],
  goals: [
    { of: SOCKEYE, to: countingOnly.name, metric: 'cpu', atMost: 1.5 },
    { of: SOCKEYE, to: countingOnly.name, metric: 'burstCpu', atMost: 1.5 },
    { of: SOCKEYE, metric: 'loss', atMost: 1 },
  ],
  async measure({ runs }) {
    const source = new LoadProcess<DatagramSourceCalls>('datagram-source');
    const sink = new LoadProcess<DatagramSinkCalls>('datagram-sink');
    const check = async (counter: DatagramCounter): Promise<void> => {
      const order = { count: CHECKED, perSecond: PER_SECOND, inBursts: true, check: true };
      const { sent, received, lost } = await deliver(counter, source, order);
      if (lost > 0) throw new Error(`${lost} of ${CHECKED} datagrams were lost`);
      if (received !== null && sent !== received)
        throw new Error('what came is not what was sent (SHA-256 differs)');
    };
    try {
      return await inTurn([sockeyeDatagrams(sink), countingOnly], runs, check, (counter) =>
        sample(counter, source),
      );
    } finally {
      source.stop();
      sink.stop();
    }
  },
};

async function sample(counter: DatagramCounter, source: LoadProcess<DatagramSourceCalls>): Promise<Sample> {
  const paced = { count: PACED, perSecond: PER_SECOND, check: false };
  const even = await deliver(counter, source, { ...paced, inBursts: false });
  const bursts = await deliver(counter, source, { ...paced, inBursts: true });
  const full = await deliver(counter, source, {
    count: AT_ONCE,
    perSecond: null,
    inBursts: false,
    check: false,
  });
  return {
    cpu: even.cpuMicros,
    burstCpu: bursts.cpuMicros,
    fullCpu: full.cpuMicros,
    sent: AT_ONCE / full.took / 1000,
    loss: (full.lost / AT_ONCE) * 100,
    source: full.sourceCpuSeconds / full.took,
    sink: full.sinkCpuSeconds / full.took,
  };
}

interface Delivery {
  sent: string | null;
  received: string | null;
  lost: number;
  took: number;
  cpuMicros: number;
  sourceCpuSeconds: number;
  sinkCpuSeconds: number;
}

async function deliver(
  { program, open }: DatagramCounter,
  source: LoadProcess<DatagramSourceCalls>,
  order: Omit<DatagramOrder, 'port'>,
): Promise<Delivery> {
  const { port, account, release } = await open(order.check);
  try {
    const before = await program.usage('cpuSeconds');
    const { lap, sha256: sent } = await source.call('send', { ...order, port }, DEADLINE_MS);
    const { lost, sha256: received, sinkCpuSeconds } = await account(order.count);
    const cpu = (await program.usage('cpuSeconds')) - before;
    return {
      sent,
      received,
      lost,
      took: seconds(lap.from, lap.to),
      cpuMicros: (cpu / (order.count - lost)) * 1e6,
      sourceCpuSeconds: lap.cpuSeconds,
      sinkCpuSeconds,
    };
  } finally {
    await release();
  }
}
