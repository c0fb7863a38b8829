import { once } from 'node:events';
import net from 'node:net';
import type { WebSocket } from 'ws';
import { WebSocketWriter } from '../../src/modules/stream/websocket-writer.js';

/** All that the writer asks of a WebSocket when it carries bytes. */
const OPEN = { readyState: 1 } as WebSocket;

test('bytes that the kernel did not take are not said to be taken when the connection is cut', async () => {
  const server = net.createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const peer = net.connect((server.address() as net.AddressInfo).port, '127.0.0.1').pause();
  const [socket] = (await once(server, 'connection')) as [net.Socket];
  const writer = new WebSocketWriter(OPEN, socket, () => undefined);
  let taken = 0;
  let answered = 0;
  const frames = 200;
  for (let i = 0; i < frames; i += 1) {
    writer.bareBytes(Buffer.alloc(65_536), (kernelHasThem) => {
      answered += 1;
      if (kernelHasThem) taken += 65_536;
    });
  }
  await new Promise((resolve) => setImmediate(resolve));
  socket.destroy();
  let received = 0;
  peer.on('data', (chunk: Buffer) => (received += chunk.length)).resume();
  await once(peer, 'close');
  expect(answered).toBe(frames);
  expect(taken).toBeLessThanOrEqual(received);
  server.close();
});

test('a client that never reads what it is told is cut off', async () => {
  const server = net.createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const peer = net.connect((server.address() as net.AddressInfo).port, '127.0.0.1').pause();
  const [socket] = (await once(server, 'connection')) as [net.Socket];
  const cut: string[] = [];
  const webSocket = {
    readyState: 1,
    send: (text: string) => socket.write(text),
    terminate: () => cut.push('cut'),
  };
  const writer = new WebSocketWriter(webSocket as unknown as WebSocket, socket, () => undefined);
  const message = { text: 'x'.repeat(1024 * 1024) };
  for (let i = 0; i < 16; i += 1) writer.text(message);
  expect(cut).toEqual([]);
  for (let i = 0; i < 40 && cut.length === 0; i += 1) writer.text(message);
  expect(cut).toEqual(['cut']);
  peer.destroy();
  socket.destroy();
  server.close();
});
