import { connect } from 'node:net';
import { createServer } from 'node:http';
import { WebSocketServer, type WebSocket } from 'ws';

/*
 * Many connections on one WebSocket, as one writes it first: one message for each piece that comes, at once.
 * Usage: node frame-each.js <target port> <connections>. Prints the port it listens on.
 */

const targetPort = Number(process.argv[2]);
const connections = Number(process.argv[3]);

function bridge(ws: WebSocket): void {
  const sockets = Array.from({ length: connections }, () => {
    const socket = connect({ host: '127.0.0.1', port: targetPort, noDelay: true });
    socket.on('data', (chunk: Buffer) => ws.send(chunk));
    socket.on('error', () => ws.close(1011));
    return socket;
  });
  ws.on('close', () => sockets.forEach((socket) => socket.destroy()));
  ws.on('error', () => sockets.forEach((socket) => socket.destroy()));
}

const server = createServer();
new WebSocketServer({ server, perMessageDeflate: false }).on('connection', bridge);
server.listen(0, '127.0.0.1', () => {
  const address = server.address();
  if (address && typeof address === 'object') console.log(`listens on 127.0.0.1:${address.port}`);
});
