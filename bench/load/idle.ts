import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { serve } from './rpc.js';

/* The far end of connections that say nothing. */

export type IdleCalls = {
  open(order: { port: number; count: number }): Promise<void>;
  close(): Promise<void>;
};

/** So many wait for their handshake at once: fewer than the shortest backlog of a service. */
const AT_ONCE = 64;
let sockets: Socket[] = [];

serve<IdleCalls>({
  async open({ port, count }) {
    while (sockets.length < count) {
      const next = Array.from({ length: Math.min(AT_ONCE, count - sockets.length) }, () => {
        const socket = connect({ host: '127.0.0.1', port });
        return socket.on('error', () => socket.destroy());
      });
      await Promise.all(next.map((socket) => once(socket, 'connect')));
      sockets.push(...next);
    }
  },
  async close() {
    // With a reset: ten thousand ports in TIME_WAIT would be in the way of the next round.
    for (const socket of sockets) socket.resetAndDestroy();
    sockets = [];
  },
});
