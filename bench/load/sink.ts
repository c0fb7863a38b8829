import { createHash, type Hash } from 'node:crypto';
import { BridgeClient, type Door } from './client.js';
import { serve } from './rpc.js';
import { stopwatch, type Lap } from './stopwatch.js';

/* The near end of a bulk transfer: a WebSocket client that counts bytes and does nothing else with them. */

export type SinkCalls = {
  open(order: { door: Door; check: boolean }): Promise<void>;
  /** Resolves with the byte that makes the sum full. */
  count(bytes: number): Promise<{ lap: Lap; sha256: string | null }>;
  close(): Promise<void>;
};

let client: BridgeClient | null = null;
let hash: Hash | null = null;
let received = 0;
let wanted = Infinity;
let full: () => void = () => {};
let lap = stopwatch();

function take(chunk: Buffer, start: number, end: number): void {
  received += end - start;
  hash?.update(chunk.subarray(start, end));
  if (received >= wanted) full();
}

serve<SinkCalls>({
  async open({ door, check }) {
    received = 0;
    wanted = Infinity;
    hash = check ? createHash('sha256') : null;
    client = await BridgeClient.open(door, take);
    lap = stopwatch();
  },
  async count(bytes) {
    wanted = bytes;
    await new Promise<void>((resolve, reject) => {
      full = resolve;
      client?.whenFailed(reject);
      if (received >= wanted) resolve();
    });
    const took = lap();
    if (received > bytes) throw new Error(`${received} bytes came, ${bytes} were sent`);
    return { lap: took, sha256: hash?.digest('hex') ?? null };
  },
  async close() {
    await client?.close();
    client = null;
  },
});
