import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type AddressInfo, type Socket } from 'node:net';
import { serve } from './rpc.js';
import { stopwatch, type Lap } from './stopwatch.js';

/* Many far ends that say a little, all the time: a TCP server that sends short messages on its connections in turn. */

export interface TickOrder {
  perSecond: number;
  messageBytes: number;
  ms: number;
}

export type TickerCalls = {
  listen(): Promise<number>;
  /** Resolves when the bridge has dialled so often. */
  accepted(connections: number): Promise<void>;
  /** Resolves when all was sent. */
  tick(order: TickOrder): Promise<{ lap: Lap; messages: number }>;
  hangUp(): Promise<void>;
};

let peers: Socket[] = [];
const server = createServer({ noDelay: true }, (socket) => {
  socket.on('error', () => socket.destroy());
  socket.resume();
  peers.push(socket);
  server.emit('arrived');
});

serve<TickerCalls>({
  async listen() {
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    return (server.address() as AddressInfo).port;
  },
  async accepted(connections) {
    while (peers.length < connections) await once(server, 'arrived');
  },
  async tick({ perSecond, messageBytes, ms }) {
    const message = randomBytes(messageBytes);
    const total = Math.round((perSecond * ms) / 1000);
    const lap = stopwatch();
    const begun = performance.now();
    let messages = 0;
    while (messages < total) {
      const due = Math.min(total, Math.floor(((performance.now() - begun) * perSecond) / 1000));
      for (; messages < due; messages += 1) peers[messages % peers.length]?.write(message);
      await new Promise((resolve) => setTimeout(resolve, 1));
    }
    return { lap: lap(), messages };
  },
  async hangUp() {
    for (const socket of peers) socket.destroy();
    peers = [];
  },
});
