import { setTimeout as pause } from 'node:timers/promises';
import { CHECK_BYTES, transfer, type Beside } from '../bulk.js';
import { inTurn, type Figure, type Measured } from '../figure.js';
import { type Door } from '../load/client.js';
import { type PollerCalls, type Polls } from '../load/poller.js';
import { LoadProcess } from '../load/rpc.js';
import { type SinkCalls } from '../load/sink.js';
import { type SourceCalls } from '../load/source.js';
import { sizeText, type Options } from '../options.js';
import { sockeyeStream } from '../peers/sockeye.js';

/* Small calls while one stream carries all it can. */

/** Of the bulk transfers: long enough for some hundred calls. */
const TIMES_AS_LONG = 4;
const EVERY_MS = 10;
const IDLE_MS = 2_000;

const APART = 'Sockeye, one after the other';
const BESIDE = 'Sockeye, at the same time';

export const figure: Figure = {
  number: 13,
  title: 'A call while a stream runs at full speed',
  about: ({ bytes }) =>
    `\`GET /v1/sockets/{id}\` every ${EVERY_MS} ms over one kept-alive connection, and ${sizeText(bytes * TIMES_AS_LONG)} ` +
    'over one `/v1/stream` as in figure 2: first the calls and then the stream, and both at once.',
  rows: 'calls and stream',
  metrics: [
    { key: 'p50', label: 'p50 ms', digits: 2 },
    { key: 'p99', label: 'p99 ms', digits: 2 },
    { key: 'rate', label: 'MB/s', digits: 0 },
  ],
  loads: [
    { key: 'source', label: 'source', digits: 2 },
    { key: 'sink', label: 'sink', digits: 2 },
  ],
  goals: [
    { of: BESIDE, metric: 'p99', atMost: 5 },
    { of: BESIDE, to: APART, metric: 'rate', atLeast: 0.7 },
  ],
  measure,
};

async function measure({ runs, bytes }: Options): Promise<Measured> {
  const source = new LoadProcess<SourceCalls>('source');
  const sink = new LoadProcess<SinkCalls>('sink');
  const poller = new LoadProcess<PollerCalls>('poller');
  const start = (door: Door): Promise<void> => {
    const path = `/v1/sockets/${door.socketIds[0] ?? ''}`;
    return poller.call('start', { port: door.port, path, everyMs: EVERY_MS });
  };
  const stop = async (): Promise<Record<string, number>> => shown(await poller.call('stop', undefined));
  const ways: Record<string, Beside> = {
    [APART]: async (door) => {
      await start(door);
      await pause(IDLE_MS);
      const polls = await stop();
      return async () => polls;
    },
    [BESIDE]: async (door) => {
      await start(door);
      return stop;
    },
  };
  try {
    const port = await source.call('listen', undefined);
    const kinds = Object.keys(ways).map((name) => ({
      name,
      start: async () => ({ ...(await sockeyeStream.start(port)), name }),
    }));
    return await inTurn(
      kinds,
      runs,
      async (peer) => {
        await transfer(peer, source, sink, CHECK_BYTES, true);
      },
      (peer) => transfer(peer, source, sink, bytes * TIMES_AS_LONG, false, ways[peer.name]),
    );
  } finally {
    for (const each of [source, sink, poller]) each.stop();
  }
}

function shown({ p50Millis, p99Millis }: Polls): Record<string, number> {
  return { p50: p50Millis, p99: p99Millis };
}
