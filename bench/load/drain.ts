import { createHash, type Hash } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type AddressInfo } from 'node:net';
import { serve } from './rpc.js';
import { stopwatch, type Lap } from './stopwatch.js';

/* The far end of what goes out: a TCP server that counts bytes and does nothing else with them. */

export type DrainCalls = {
  listen(): Promise<number>;
  /** From now on bytes are counted from 0, and with `check` compared. */
  start(order: { check: boolean }): Promise<void>;
  /** Resolves with the byte that makes the sum full. */
  count(bytes: number): Promise<{ lap: Lap; sha256: string | null }>;
};

let received = 0;
let wanted = Infinity;
let hash: Hash | null = null;
let full: () => void = () => {};
let lap = stopwatch();

function take(chunk: Buffer): void {
  received += chunk.length;
  hash?.update(chunk);
  if (received >= wanted) full();
}

const server = createServer({ noDelay: true }, (socket) => {
  // A bridge that goes away with a reset is the other side's failure to report.
  socket.on('error', () => socket.destroy());
  socket.on('data', take);
});

serve<DrainCalls>({
  async listen() {
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    return (server.address() as AddressInfo).port;
  },
  async start({ check }) {
    received = 0;
    wanted = Infinity;
    hash = check ? createHash('sha256') : null;
    lap = stopwatch();
  },
  async count(bytes) {
    wanted = bytes;
    if (received < wanted) await new Promise<void>((resolve) => (full = resolve));
    if (received > bytes) throw new Error(`${received} bytes came, ${bytes} were sent`);
    return { lap: lap(), sha256: hash?.digest('hex') ?? null };
  },
});
