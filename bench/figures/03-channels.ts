import { BULK_METRICS, checkAndWarmUp, transfer } from '../bulk.js';
import { sideBySide, type Figure } from '../figure.js';
import { LoadProcess } from '../load/rpc.js';
import { type SinkCalls } from '../load/sink.js';
import { type SourceCalls } from '../load/source.js';
import { sizeText } from '../options.js';
import { sockeyeStream, sockeyeStream100 } from '../peers/sockeye.js';

const CHECK_BYTES = 100 * 2 ** 20;

export const figure: Figure = {
  number: 3,
  title: '100 channels of one WebSocket',
  about: ({ bytes }) =>
    `${sizeText(bytes)} from a TCP source over 100 connections, all busy to the end, to one WebSocket; each channel is acknowledged ` +
    'every 256 KiB. Beside it the same over one connection, as in figure 2. A share of 1 is a hundredth of all.',
  metrics: [...BULK_METRICS, { key: 'slowest', label: 'share of the slowest', digits: 2 }],
  loads: [{ key: 'sink', label: 'sink', digits: 2 }],
  goals: [
    { of: sockeyeStream100.name, to: sockeyeStream.name, metric: 'cpu', atMost: 1.2 },
    { of: sockeyeStream100.name, metric: 'slowest', atLeast: 0.8 },
  ],
  async measure({ runs, bytes }) {
    const source = new LoadProcess<SourceCalls>('source');
    const sink = new LoadProcess<SinkCalls>('sink');
    try {
      const port = await source.call('listen', undefined);
      return await sideBySide(
        [sockeyeStream100, sockeyeStream],
        port,
        runs,
        (peer) => checkAndWarmUp(peer, source, sink, CHECK_BYTES, bytes),
        (peer) => transfer(peer, source, sink, bytes, false),
      );
    } finally {
      source.stop();
      sink.stop();
    }
  },
};
