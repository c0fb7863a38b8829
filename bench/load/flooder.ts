import { createHash, randomBytes } from 'node:crypto';
import { BridgeClient, type Door } from './client.js';
import { serve } from './rpc.js';
import { stopwatch, type Lap } from './stopwatch.js';

/* The near end of what goes out: a WebSocket client that sends frames of one size as fast as they are taken. */

export interface FloodOrder {
  frameBytes: number;
  /** Ends when so much was sent, */
  bytes: number;
  /** or when it took so long. */
  ms: number;
}

export type FlooderCalls = {
  open(door: Door): Promise<void>;
  /** Resolves when the kernel has the last frame. The frames are built beforehand: the clock sees the sending alone. */
  flood(order: FloodOrder): Promise<{ lap: Lap; bytes: number; sha256: string }>;
  close(): Promise<void>;
};

/** Frames are written in blocks of this size, so that the load costs less than what it loads. */
const BLOCK_BYTES = 256 * 1024;

let client: BridgeClient | null = null;

interface Block {
  frames: Buffer;
  payload: Buffer;
}

function blockOf(connection: BridgeClient, frameBytes: number): Block {
  const count = Math.max(1, Math.floor(BLOCK_BYTES / frameBytes));
  const payloads = Array.from({ length: count }, () => randomBytes(frameBytes));
  return {
    frames: Buffer.concat(payloads.map((payload) => connection.frame(payload))),
    payload: Buffer.concat(payloads),
  };
}

async function flood({
  frameBytes,
  bytes,
  ms,
}: FloodOrder): Promise<{ lap: Lap; bytes: number; blocks: number; payload: Buffer }> {
  const connection = client;
  if (!connection) throw new Error('no connection is open');
  const block = blockOf(connection, frameBytes);
  const size = block.payload.length;
  const end = performance.now() + ms;
  const lap = stopwatch();
  let blocks = 0;
  await new Promise<void>((resolve, reject) => {
    connection.whenFailed(reject);
    const fill = (): void => {
      while (blocks * size < bytes && performance.now() < end) {
        if (connection.room < size) return;
        blocks += 1;
        connection.spend(size);
        connection.write(block.frames);
      }
      resolve();
    };
    connection.whenRoom(fill);
    fill();
  });
  return { lap: lap(), bytes: blocks * size, blocks, payload: block.payload };
}

serve<FlooderCalls>({
  async open(door) {
    client = await BridgeClient.open(door, () => {});
  },
  async flood(order) {
    const { lap, bytes, blocks, payload } = await flood(order);
    const hash = createHash('sha256');
    for (let i = 0; i < blocks; i += 1) hash.update(payload);
    return { lap, bytes, sha256: hash.digest('hex') };
  },
  async close() {
    await client?.close();
    client = null;
  },
});
