import { aboutBulk, BULK_LOADS, BULK_METRICS, measureBulk } from '../bulk.js';
import { type Figure } from '../figure.js';
import { bareWs } from '../peers/bare-ws.js';
import { sockeyePipe } from '../peers/sockeye.js';
import { websockify } from '../peers/websockify.js';

export const figure: Figure = {
  number: 1,
  title: 'TCP to `/v1/pipe`, bulk',
  about: (options) => `${aboutBulk(options)} \`/v1/pipe\` dials when the WebSocket opens.`,
  metrics: BULK_METRICS,
  loads: BULK_LOADS,
  goals: [
    { of: sockeyePipe.name, to: bareWs.name, metric: 'cpu', atMost: 0.45 },
    { of: sockeyePipe.name, to: websockify.name, metric: 'cpu', atMost: 0.45 },
  ],
  measure: (options) => measureBulk([sockeyePipe, bareWs, websockify], options),
};
