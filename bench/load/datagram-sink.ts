import { createHash, type Hash } from 'node:crypto';
import { BridgeClient, type Door } from './client.js';
import { serve } from './rpc.js';
import { stopwatch, type Lap } from './stopwatch.js';

/* The near end of datagrams: a WebSocket client that counts them, and what was lost. */

export interface Counted {
  received: number;
  lost: number;
  lap: Lap;
  sha256: string | null;
}

export type DatagramSinkCalls = {
  open(order: { door: Door; check: boolean }): Promise<void>;
  /** Resolves when so many are accounted for, received or lost. */
  count(datagrams: number): Promise<Counted>;
  close(): Promise<void>;
};

let client: BridgeClient | null = null;
let hash: Hash | null = null;
let lap = stopwatch();

serve<DatagramSinkCalls>({
  async open({ door, check }) {
    hash = check ? createHash('sha256') : null;
    client = await BridgeClient.open(door, (chunk, start, end) => hash?.update(chunk.subarray(start, end)));
    lap = stopwatch();
  },
  async count(datagrams) {
    const { received, lost } = await accounted(datagrams);
    return { received, lost, lap: lap(), sha256: hash?.digest('hex') ?? null };
  },
  async close() {
    await client?.close();
    client = null;
  },
});

/** Looks again and again: the last ones may be lost, and then a message says so, and no datagram comes. */
async function accounted(datagrams: number): Promise<{ received: number; lost: number }> {
  const counts = client?.datagrams;
  if (!client || !counts) throw new Error('no channel of datagrams');
  const failed = new Promise<never>((_, reject) => client?.whenFailed(reject));
  failed.catch(() => {});
  while (counts.received + counts.lost < datagrams)
    await Promise.race([failed, new Promise((resolve) => setTimeout(resolve, 5))]);
  return { received: counts.received, lost: counts.lost };
}
