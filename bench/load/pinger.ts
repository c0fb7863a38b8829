import { createHash, randomBytes } from 'node:crypto';
import { BridgeClient, type Door } from './client.js';
import { serve } from './rpc.js';
import { stopwatch, type Lap } from './stopwatch.js';

/* The near end of a round trip: a WebSocket client with one message on its way at a time. */

export interface Trips {
  lap: Lap;
  p50Micros: number;
  p99Micros: number;
}

export type PingerCalls = {
  open(door: Door): Promise<void>;
  /** Random messages, compared with what comes back; serves as the warm-up too. */
  check(order: { trips: number; bytes: number }): Promise<{ sent: string; received: string }>;
  /** The same message again and again, built beforehand: the clock sees the way alone. */
  run(order: { trips: number; bytes: number }): Promise<Trips>;
  close(): Promise<void>;
};

let client: BridgeClient | null = null;
let onBytes: (chunk: Buffer, start: number, end: number) => void = () => {};

function opened(): BridgeClient {
  if (!client) throw new Error('no connection is open');
  return client;
}

/** Sends frames one after the other, each as soon as the answer to the one before is complete. */
function pingPong(
  trips: number,
  bytes: number,
  frame: () => Buffer,
  onTrip: (trip: number) => void,
): Promise<void> {
  const connection = opened();
  return new Promise((resolve, reject) => {
    connection.whenFailed(reject);
    let trip = 0;
    let missing = bytes;
    const answered = onBytes;
    onBytes = (chunk, start, end) => {
      answered(chunk, start, end);
      missing -= end - start;
      if (missing > 0) return;
      onTrip(trip);
      missing += bytes;
      trip += 1;
      if (trip < trips) connection.write(frame());
      else resolve();
    };
    connection.write(frame());
  });
}

serve<PingerCalls>({
  async open(door) {
    client = await BridgeClient.open(door, (chunk, start, end) => onBytes(chunk, start, end));
  },
  async check({ trips, bytes }) {
    const sent = createHash('sha256');
    const received = createHash('sha256');
    onBytes = (chunk, start, end) => void received.update(chunk.subarray(start, end));
    const frame = (): Buffer => {
      const payload = randomBytes(bytes);
      sent.update(payload);
      return opened().frame(payload);
    };
    await pingPong(trips, bytes, frame, () => {});
    return { sent: sent.digest('hex'), received: received.digest('hex') };
  },
  async run({ trips, bytes }) {
    const frame = opened().frame(randomBytes(bytes));
    const micros = new Float64Array(trips);
    onBytes = () => {};
    const lap = stopwatch();
    let sentAt = performance.now();
    await pingPong(
      trips,
      bytes,
      () => frame,
      (trip) => {
        const now = performance.now();
        micros[trip] = (now - sentAt) * 1000;
        sentAt = now;
      },
    );
    micros.sort();
    const at = (share: number): number => micros[Math.floor((trips - 1) * share)] ?? NaN;
    return { lap: lap(), p50Micros: at(0.5), p99Micros: at(0.99) };
  },
  async close() {
    await client?.close();
    client = null;
  },
});
