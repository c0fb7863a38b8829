import { type Figure, type Measured, type Sample, sideBySide } from '../figure.js';
import { type EchoCalls } from '../load/echo.js';
import { type PingerCalls } from '../load/pinger.js';
import { LoadProcess } from '../load/rpc.js';
import { seconds } from '../load/stopwatch.js';
import { type Options } from '../options.js';
import { bareWs } from '../peers/bare-ws.js';
import { type Peer } from '../peers/peer.js';
import { sockeyePipe, sockeyeStream } from '../peers/sockeye.js';
import { websockify } from '../peers/websockify.js';
import { treeCpuSeconds } from '../process-cpu.js';

/* Round trip: a WebSocket client -> the bridge -> a TCP echo server and back, three processes. */

const MESSAGE_BYTES = 64;
/**
 * A sleeping core wakes slowly, one kept awake by someone else's work wakes fast: the same bridge takes 55 or 140 µs,
 * for seconds at a time. Short slices in turn let every bridge have its part of both.
 */
const SLICES_PER_RUN = 8;
/** Of each bridge before the first that counts, so that V8 has compiled what it will. */
const WARM_UP_SLICES = 8;
const TRIPS = 2_500;
/** Compared by SHA-256, at the start of every connection: the warm-up too. */
const CHECK_TRIPS = 500;
const DEADLINE_MS = 30_000;

export const figure: Figure = {
  number: 5,
  title: 'Round trip of 64 bytes',
  about: () =>
    `${MESSAGE_BYTES} bytes from a WebSocket client through the bridge to a TCP echo server and back, ` +
    `one at a time on one connection, in slices of ${TRIPS}, ${SLICES_PER_RUN} slices a run, ${WARM_UP_SLICES} before the first. ` +
    'CPU is user and system time of the bridge alone, with all its processes, for each round trip.',
  metrics: [
    { key: 'p50', label: 'p50 µs', digits: 0 },
    { key: 'p99', label: 'p99 µs', digits: 0 },
    { key: 'cpu', label: 'CPU µs', digits: 0 },
  ],
  loads: [
    { key: 'client', label: 'client', digits: 2 },
    { key: 'echo', label: 'echo server', digits: 2 },
  ],
  goals: [sockeyePipe, sockeyeStream].flatMap(({ name }) => [
    { of: name, to: bareWs.name, metric: 'p50', atMost: 1.1 },
    { of: name, to: bareWs.name, metric: 'p99', atMost: 1.1 },
    { of: name, to: websockify.name, metric: 'p50', atMost: 1 },
  ]),
  measure,
};

async function measure({ runs }: Options): Promise<Measured> {
  const echo = new LoadProcess<EchoCalls>('echo');
  const pinger = new LoadProcess<PingerCalls>('pinger');
  try {
    const port = await echo.call('listen', undefined);
    const sample = (peer: Peer): Promise<Sample> => roundTrips(peer, echo, pinger);
    const check = async (peer: Peer): Promise<void> => {
      for (let slice = 0; slice < WARM_UP_SLICES; slice += 1) await sample(peer);
    };
    const bridges = [sockeyePipe, sockeyeStream, bareWs, websockify];
    return await sideBySide(bridges, port, runs * SLICES_PER_RUN, check, sample);
  } finally {
    echo.stop();
    pinger.stop();
  }
}

async function roundTrips(
  peer: Peer,
  echo: LoadProcess<EchoCalls>,
  pinger: LoadProcess<PingerCalls>,
): Promise<Sample> {
  const { door, release } = await peer.open();
  try {
    await pinger.call('open', door);
    const checked = await pinger.call('check', { trips: CHECK_TRIPS, bytes: MESSAGE_BYTES }, DEADLINE_MS);
    if (checked.sent !== checked.received) {
      throw new Error('what came back is not what was sent (SHA-256 differs)');
    }

    const echoBefore = await echo.call('cpu', undefined);
    const before = treeCpuSeconds(peer.pid);
    const trips = await pinger.call('run', { trips: TRIPS, bytes: MESSAGE_BYTES }, DEADLINE_MS);
    const cpu = treeCpuSeconds(peer.pid) - before;
    const echoCpu = (await echo.call('cpu', undefined)) - echoBefore;

    const took = seconds(trips.lap.from, trips.lap.to);
    return {
      p50: trips.p50Micros,
      p99: trips.p99Micros,
      cpu: (cpu / TRIPS) * 1e6,
      client: trips.lap.cpuSeconds / took,
      echo: echoCpu / took,
    };
  } finally {
    await pinger.call('close', undefined);
    await release();
  }
}
