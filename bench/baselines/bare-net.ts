import { createServer, type AddressInfo, type Socket } from 'node:net';

/* Keeps the connections it accepts, and does nothing else. Prints the port it listens on. */

const kept = new Set<Socket>();
const server = createServer((socket) => {
  kept.add(socket);
  socket.on('error', () => socket.destroy());
  socket.on('close', () => kept.delete(socket));
});
server.listen({ port: 0, host: '127.0.0.1', backlog: 511 }, () => {
  console.log(`listens on 127.0.0.1:${(server.address() as AddressInfo).port}`);
});
