import { connect } from 'node:net';
import { createServer } from 'node:http';
import { WebSocketServer, type RawData, type WebSocket } from 'ws';

/*
 * The bridge that one writes first in Node: 'data' -> ws.send(), with back-pressure done right.
 * Usage: node bare-ws.js <target port>. Prints the port it listens on, dials the target for each WebSocket.
 */

/** More than this not yet taken by the kernel, and the other side is no longer read. */
const HIGH_WATER_BYTES = 1024 * 1024;

const targetPort = Number(process.argv[2]);

function bridge(ws: WebSocket): void {
  const socket = connect({ host: '127.0.0.1', port: targetPort, noDelay: true });

  // Resumed from the write's callback: 'drain' does not come after a small write.
  socket.on('data', (chunk: Buffer) => {
    ws.send(chunk, () => {
      if (socket.isPaused() && ws.bufferedAmount < HIGH_WATER_BYTES) socket.resume();
    });
    if (ws.bufferedAmount >= HIGH_WATER_BYTES) socket.pause();
  });
  ws.on('message', (data: RawData) => {
    socket.write(data as Buffer, () => {
      if (ws.isPaused && socket.writableLength < HIGH_WATER_BYTES) ws.resume();
    });
    if (socket.writableLength >= HIGH_WATER_BYTES) ws.pause();
  });

  socket.on('end', () => ws.close(1000));
  socket.on('error', () => ws.close(1011));
  ws.on('close', () => socket.destroy());
  ws.on('error', () => socket.destroy());
}

const server = createServer();
new WebSocketServer({ server, perMessageDeflate: false }).on('connection', bridge);
server.listen(0, '127.0.0.1', () => {
  const address = server.address();
  if (address && typeof address === 'object') console.log(`listens on 127.0.0.1:${address.port}`);
});
