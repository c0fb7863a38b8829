import { BULK_METRICS, measureBulk } from '../bulk.js';
import { type Figure } from '../figure.js';
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
  measure: (options) => measureBulk([sockeyeStream100, sockeyeStream], options, CHECK_BYTES),
};
