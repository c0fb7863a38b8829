import { createHash, randomBytes } from 'node:crypto';
import { createServer, type AddressInfo, type Socket } from 'node:net';
import { once } from 'node:events';
import { serve } from './rpc.js';
import { stopwatch, type Lap } from './stopwatch.js';

/* The far end of a bulk transfer: a TCP server that sends only when told to, as fast as it is taken. */

export interface SendOrder {
  /** On each connection. */
  bytes: number;
  /** Fresh random bytes and their SHA-256: for the check, not for the clock. */
  check: boolean;
}

export type SourceCalls = {
  listen(): Promise<number>;
  /** Resolves when the bridge has dialled so often: from then on its CPU is the transfer's. */
  accepted(connections: number): Promise<void>;
  /** Resolves when the kernel has the last byte of all connections. Of the sums, sorted and joined. */
  send(order: SendOrder): Promise<{ lap: Lap; sha256: string | null }>;
  hangUp(): Promise<void>;
};

const BLOCK_BYTES = 1024 * 1024;
/** Enough that the kernel always finds more, little enough to stay in the cache. */
const QUEUE_BYTES = 2 * BLOCK_BYTES;

const block = randomBytes(BLOCK_BYTES);
const server = createServer({ noDelay: true });
const arrived: Socket[] = [];
let peers: Socket[] = [];

server.on('connection', (socket) => {
  // A bridge that goes away with a reset is the other side's failure to report.
  socket.on('error', () => socket.destroy());
  socket.resume();
  arrived.push(socket);
  server.emit('arrived');
});

async function send(order: SendOrder): Promise<{ lap: Lap; sha256: string | null }> {
  if (peers.length === 0) throw new Error('nobody is connected');
  const lap = stopwatch();
  const sums = await Promise.all(peers.map((socket) => sendOn(socket, order)));
  return { lap: lap(), sha256: order.check ? sums.sort().join() : null };
}

async function sendOn(socket: Socket, { bytes, check }: SendOrder): Promise<string> {
  const hash = createHash('sha256');
  let left = bytes;
  await new Promise<void>((resolve, reject) => {
    const hungUp = (): void => reject(new Error('the bridge hung up'));
    socket.once('close', hungUp);
    const fill = (): void => {
      while (left > 0 && socket.writableLength < QUEUE_BYTES) {
        const size = Math.min(left, BLOCK_BYTES);
        const part = check ? randomBytes(size) : block.subarray(0, size);
        if (check) hash.update(part);
        left -= size;
        socket.write(part, fill);
      }
      if (left > 0 || socket.writableLength > 0) return;
      socket.off('close', hungUp);
      resolve();
    };
    fill();
  });
  return hash.digest('hex');
}

serve<SourceCalls>({
  async listen() {
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    return (server.address() as AddressInfo).port;
  },
  async accepted(connections) {
    while (arrived.length < connections) await once(server, 'arrived');
    peers = arrived.splice(0, connections);
  },
  send,
  async hangUp() {
    for (const socket of [...peers, ...arrived.splice(0)]) socket.destroy();
    peers = [];
  },
});
