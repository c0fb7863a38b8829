import { createHash, type Hash } from 'node:crypto';
import { BridgeClient, type Door } from './client.js';
import { serve } from './rpc.js';
import { stopwatch, type Lap } from './stopwatch.js';

/* The near end of a bulk transfer: a WebSocket client that counts bytes and does nothing else with them. */

export interface Counted {
  lap: Lap;
  /** Of each channel, sorted and joined; null when they were not to be compared. */
  sha256: string | null;
  /** Of the channels: what the slowest one brought, measured by what each would have in equal shares. */
  slowestShare: number;
}

export type SinkCalls = {
  open(order: { door: Door; check: boolean }): Promise<void>;
  /** Resolves with the byte that makes the sum full. */
  count(bytes: number): Promise<Counted>;
  close(): Promise<void>;
};

let client: BridgeClient | null = null;
let hashes: Map<number, Hash> | null = null;
let received = 0;
let wanted = Infinity;
let full: () => void = () => {};
let lap = stopwatch();

function take(chunk: Buffer, start: number, end: number, channel: number): void {
  received += end - start;
  if (hashes) hashOf(hashes, channel).update(chunk.subarray(start, end));
  if (received >= wanted) full();
}

function hashOf(all: Map<number, Hash>, channel: number): Hash {
  const hash = all.get(channel) ?? createHash('sha256');
  all.set(channel, hash);
  return hash;
}

function slowestShare(): number {
  const each = client?.channels.map((channel) => channel.received) ?? [];
  return each.length === 0 ? 1 : Math.min(...each) / (received / each.length);
}

serve<SinkCalls>({
  async open({ door, check }) {
    received = 0;
    wanted = Infinity;
    hashes = check ? new Map() : null;
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
    if (hashes && received > bytes) throw new Error(`${received} bytes came, ${bytes} were sent`);
    const digests = hashes && [...hashes.values()].map((hash) => hash.digest('hex'));
    return { lap: took, sha256: digests?.sort().join() ?? null, slowestShare: slowestShare() };
  },
  async close() {
    await client?.close();
    client = null;
  },
});
