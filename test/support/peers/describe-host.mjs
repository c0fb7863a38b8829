// Prints what the built service would say about the host it runs on, and how long its event loop stood still.
// With --dead-resolver a name server on 127.0.0.1 takes every question and answers none.
import { createSocket } from 'node:dgram';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { describeHost } from '../../../dist/network/index.js';

if (process.argv.includes('--dead-resolver')) {
  const server = createSocket('udp4');
  await new Promise((resolve) => server.bind(53, '127.0.0.1', resolve));
  server.unref();
}
const delay = monitorEventLoopDelay({ resolution: 5 });
delay.enable();
const host = await describeHost();
delay.disable();
const { nameError, ...rest } = host;
console.log(JSON.stringify({ ...rest, nameError: nameError?.code ?? null, stoodStillMs: delay.max / 1e6 }));
