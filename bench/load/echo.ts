import { once } from 'node:events';
import { createServer, type AddressInfo } from 'node:net';
import { serve } from './rpc.js';

/* The far end of a round trip: a TCP server that sends back what it gets. */

export type EchoCalls = {
  listen(): Promise<number>;
  /** CPU seconds so far. */
  cpu(): Promise<number>;
};

const server = createServer({ noDelay: true }, (socket) => {
  // A bridge that goes away with a reset is the other side's failure to report.
  socket.on('error', () => socket.destroy());
  socket.on('data', (chunk) => socket.write(chunk));
});

serve<EchoCalls>({
  async listen() {
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    return (server.address() as AddressInfo).port;
  },
  async cpu() {
    const { user, system } = process.cpuUsage();
    return (user + system) / 1e6;
  },
});
