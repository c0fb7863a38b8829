import { type Measured, type Metric, type Sample, sideBySide } from './figure.js';
import { type Door } from './load/client.js';
import { LoadProcess } from './load/rpc.js';
import { type SinkCalls } from './load/sink.js';
import { type SourceCalls } from './load/source.js';
import { seconds } from './load/stopwatch.js';
import { type Options, sizeText } from './options.js';
import { type Peer, type PeerKind } from './peers/peer.js';
import { treeCpuSeconds } from './process-cpu.js';

/* Figures 1 and 2: a TCP source -> the bridge -> a WebSocket sink, three processes. */

const GIB = 2 ** 30;
export const CHECK_BYTES = 128 * 2 ** 20;
/** The slowest that is still worth waiting for. */
const FLOOR_BYTES_PER_SECOND = 30e6;

export const BULK_METRICS: Metric[] = [
  { key: 'cpu', label: 'CPU s/GiB', digits: 2 },
  { key: 'rate', label: 'MB/s', digits: 0 },
];

export const BULK_LOADS: Metric[] = [
  { key: 'source', label: 'source', digits: 2 },
  { key: 'sink', label: 'sink', digits: 2 },
];

export function aboutBulk({ bytes }: Options): string {
  return (
    `${sizeText(bytes)} from a TCP source through the bridge to a WebSocket sink, one connection. ` +
    'CPU is user and system time of the bridge alone, with all its processes.'
  );
}

/** One source and one sink, and each of the bridges between them in turn. */
export async function measureBulk(
  bridges: readonly PeerKind[],
  { runs, bytes }: Options,
  checkBytes = CHECK_BYTES,
): Promise<Measured> {
  const source = new LoadProcess<SourceCalls>('source');
  const sink = new LoadProcess<SinkCalls>('sink');
  try {
    const port = await source.call('listen', undefined);
    return await sideBySide(
      bridges,
      port,
      runs,
      (peer) => checkAndWarmUp(peer, source, sink, checkBytes, bytes),
      (peer) => transfer(peer, source, sink, bytes, false),
    );
  } finally {
    source.stop();
    sink.stop();
  }
}

/** Compares what comes; then twice what a round will carry: V8 compiles meanwhile, on threads whose time is counted. */
async function checkAndWarmUp(
  peer: Peer,
  source: LoadProcess<SourceCalls>,
  sink: LoadProcess<SinkCalls>,
  checkBytes: number,
  bytes: number,
): Promise<void> {
  await transfer(peer, source, sink, checkBytes, true);
  await transfer(peer, source, sink, 2 * bytes, false);
}

/** Something that begins when the connection stands and ends with the last byte; what it measured joins the sample. */
export type Beside = (door: Door) => Promise<() => Promise<Sample>>;

const nothingBeside: Beside = async () => async () => ({});

/**
 * One transfer, over as many connections as the door has channels. With `check` the bytes are random and compared.
 * Otherwise all connections are busy to the end: each has more than its share to send.
 */
export async function transfer(
  peer: Peer,
  source: LoadProcess<SourceCalls>,
  sink: LoadProcess<SinkCalls>,
  bytes: number,
  check: boolean,
  beside: Beside = nothingBeside,
): Promise<Sample> {
  const deadlineMs = 10_000 + (bytes / FLOOR_BYTES_PER_SECOND) * 1000;
  const { door, release } = await peer.open();
  const connections = Math.max(1, door.socketIds.length);
  const each = Math.ceil(bytes / connections);
  const exact = check || connections === 1;
  try {
    await sink.call('open', { door, check });
    await source.call('accepted', connections);

    // The connection stands and not a byte has flowed: start-up and handshakes are on nobody's bill.
    const end = await beside(door);
    const before = treeCpuSeconds(peer.pid);
    const sending = source.call('send', { bytes: exact ? each : 2 * each, check }, deadlineMs);
    // What the others have left when the sum is full is cut off.
    if (!exact) sending.catch(() => {});
    const startedAt = process.hrtime.bigint();
    const received = await sink.call('count', exact ? each * connections : bytes, deadlineMs);
    const sent = exact ? await sending : null;
    const cpu = treeCpuSeconds(peer.pid) - before;

    if (sent && sent.sha256 !== received.sha256)
      throw new Error('what came is not what was sent (SHA-256 differs)');
    const took = seconds(sent?.lap.from ?? startedAt, received.lap.to);
    return {
      ...(await end()),
      cpu: cpu / (bytes / GIB),
      rate: bytes / 1e6 / took,
      slowest: received.slowestShare,
      ...(sent ? { source: sent.lap.cpuSeconds / took } : {}),
      sink: received.lap.cpuSeconds / took,
    };
  } finally {
    await sink.call('close', undefined);
    await source.call('hangUp', undefined);
    await release();
  }
}
