import { inTurn, type Figure, type Sample } from '../figure.js';
import { type DatagramSinkCalls } from '../load/datagram-sink.js';
import { type DatagramOrder, type DatagramSourceCalls } from '../load/datagram-source.js';
import { LoadProcess } from '../load/rpc.js';
import { seconds, type Lap } from '../load/stopwatch.js';
import { countingOnly, sockeyeDatagrams, type DatagramCounter } from '../peers/datagram-counters.js';

/* Datagrams: a UDP sender -> Sockeye -> a WebSocket client that counts, three processes. */

const PER_SECOND = 50_000;
const PACED = 100_000;
const AT_ONCE = 1_000_000;
const ONE_BY_ONE = 300_000;
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
    `${PER_SECOND / 1000} each millisecond; then ${AT_ONCE} as fast as the kernel takes them from the sender, and ` +
    `${ONE_BY_ONE} as fast as a \`dgram\` socket of Node sends, a system call for each. ` +
    'CPU is user and system time of the receiving process for each datagram received.',
  rows: 'receiver',
  metrics: [
    { key: 'cpu', label: 'CPU µs, one by one', digits: 2 },
    { key: 'burstCpu', label: 'CPU µs, in bursts', digits: 2 },
    { key: 'fullCpu', label: 'CPU µs, full rate', digits: 2 },
    { key: 'sent', label: 'sent 1000/s', digits: 0 },
    { key: 'loss', label: 'lost %', digits: 1 },
    { key: 'nodeSent', label: 'sent 1000/s by Node', digits: 0 },
    { key: 'nodeLoss', label: 'lost % of Node', digits: 1 },
  ],
  loads: [
    { key: 'source', label: 'sender at full rate', digits: 2 },
    { key: 'sink', label: 'client at full rate', digits: 2 },
  ],
  goals: [
    { of: SOCKEYE, to: countingOnly.name, metric: 'cpu', atMost: 1.5 },
    { of: SOCKEYE, to: countingOnly.name, metric: 'burstCpu', atMost: 1.5 },
    { of: SOCKEYE, metric: 'loss', atMost: 1 },
    { of: SOCKEYE, metric: 'nodeLoss', atMost: 1 },
  ],
  async measure({ runs }) {
    const source = new LoadProcess<DatagramSourceCalls>('datagram-source');
    const sink = new LoadProcess<DatagramSinkCalls>('datagram-sink');
    const check = async (counter: DatagramCounter): Promise<void> => {
      const order = { count: CHECKED, perSecond: PER_SECOND, inBursts: true, check: true };
      const { sent, received, lost } = await send(counter, source, order);
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
  const even = await send(counter, source, { ...paced, inBursts: false });
  const bursts = await send(counter, source, { ...paced, inBursts: true });
  const full = await send(counter, source, {
    count: AT_ONCE,
    perSecond: null,
    inBursts: false,
    check: false,
  });
  const node = await deliver(counter, ONE_BY_ONE, false, (port) =>
    source.call('sendOneByOne', { port, count: ONE_BY_ONE }, DEADLINE_MS),
  );
  return {
    cpu: even.cpuMicros,
    burstCpu: bursts.cpuMicros,
    fullCpu: full.cpuMicros,
    sent: AT_ONCE / full.took / 1000,
    loss: (full.lost / AT_ONCE) * 100,
    nodeSent: ONE_BY_ONE / node.took / 1000,
    nodeLoss: (node.lost / ONE_BY_ONE) * 100,
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

function send(
  counter: DatagramCounter,
  source: LoadProcess<DatagramSourceCalls>,
  order: Omit<DatagramOrder, 'port'>,
): Promise<Delivery> {
  return deliver(counter, order.count, order.check, (port) =>
    source.call('send', { ...order, port }, DEADLINE_MS),
  );
}

async function deliver(
  { program, open }: DatagramCounter,
  count: number,
  check: boolean,
  sendTo: (port: number) => Promise<{ lap: Lap; sha256?: string | null }>,
): Promise<Delivery> {
  const { port, account, release } = await open(check);
  try {
    const before = await program.usage('cpuSeconds');
    const { lap, sha256: sent = null } = await sendTo(port);
    const { lost, sha256: received, sinkCpuSeconds } = await account(count);
    const cpu = (await program.usage('cpuSeconds')) - before;
    return {
      sent,
      received,
      lost,
      took: seconds(lap.from, lap.to),
      cpuMicros: (cpu / (count - lost)) * 1e6,
      sourceCpuSeconds: lap.cpuSeconds,
      sinkCpuSeconds,
    };
  } finally {
    await release();
  }
}
