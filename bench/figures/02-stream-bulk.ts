import { aboutBulk, BULK_LOADS, BULK_METRICS, measureBulk } from '../bulk.js';
import { type Figure } from '../figure.js';
import { bareWs } from '../peers/bare-ws.js';
import { sockeyeStream } from '../peers/sockeye.js';
import { websockify } from '../peers/websockify.js';

export const figure: Figure = {
  number: 2,
  title: 'TCP to `/v1/stream`, bulk',
  about: (options) =>
    `${aboutBulk(options)} \`/v1/stream\` is one consuming channel, acknowledged every 256 KiB.`,
  metrics: BULK_METRICS,
  loads: BULK_LOADS,
  goals: [{ of: sockeyeStream.name, to: websockify.name, metric: 'cpu', atMost: 0.5 }],
  measure: (options) => measureBulk([sockeyeStream, bareWs, websockify], options),
};
