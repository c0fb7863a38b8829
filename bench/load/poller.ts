import { setTimeout as pause } from 'node:timers/promises';
import { HttpConnection } from './http.js';
import { serve } from './rpc.js';

/* Asks for the same page again and again, at a pace, while something else goes on. */

export interface Polls {
  calls: number;
  p50Millis: number;
  p99Millis: number;
}

export type PollerCalls = {
  start(order: { port: number; path: string; everyMs: number }): Promise<void>;
  stop(): Promise<Polls>;
};

let stopping = false;
let polling: Promise<number[]> = Promise.resolve([]);

async function poll(connection: HttpConnection, path: string, everyMs: number): Promise<number[]> {
  const millis: number[] = [];
  while (!stopping) {
    const askedAt = performance.now();
    const { status } = await connection.request('GET', path);
    if (status !== 200) throw new Error(`GET ${path} answered ${status}`);
    millis.push(performance.now() - askedAt);
    await pause(everyMs);
  }
  connection.close();
  return millis.sort((a, b) => a - b);
}

serve<PollerCalls>({
  async start({ port, path, everyMs }) {
    stopping = false;
    polling = poll(await HttpConnection.open(port), path, everyMs);
    polling.catch(() => {}); // told by stop
  },
  async stop() {
    stopping = true;
    const millis = await polling;
    const at = (share: number): number => millis[Math.floor((millis.length - 1) * share)] ?? NaN;
    return { calls: millis.length, p50Millis: at(0.5), p99Millis: at(0.99) };
  },
});
