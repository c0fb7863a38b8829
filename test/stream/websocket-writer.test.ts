import { once } from 'node:events';
import net from 'node:net';
import type { WebSocket } from 'ws';
import { WebSocketWriter } from '../../src/modules/stream/wire/websocket-writer.js';

async function pair(): Promise<{ socket: net.Socket; peer: net.Socket; server: net.Server }> {
  const server = net.createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const peer = net.connect((server.address() as net.AddressInfo).port, '127.0.0.1').pause();
  const [socket] = (await once(server, 'connection')) as [net.Socket];
  return { server, peer, socket };
}

/** All that the writer asks of a WebSocket when it carries bytes. */
const OPEN = { readyState: 1 } as WebSocket;

test('bytes that the kernel did not take are not said to be taken when the connection is cut', async () => {
  const { server, peer, socket } = await pair();
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

test('a message alone leaves at once, several in one turn leave together', async () => {
  const { server, peer, socket } = await pair();
  const writer = new WebSocketWriter(OPEN, socket, () => undefined);
  const sizes = [5, 64, 300, 1024, 1025, 70_000];
  const sent = sizes.map((size) => Buffer.alloc(size, size % 251));
  const waiting: boolean[] = [];
  let written = 0;
  const write = (bytes: Buffer): void => {
    writer.bareBytes(bytes, () => undefined);
    written += header(bytes).length + bytes.length;
    waiting.push(socket.bytesWritten - socket.writableLength < written);
  };
  const [first, second, third, ...others] = sent as [Buffer, Buffer, Buffer, ...Buffer[]];

  write(first);
  await new Promise((resolve) => setImmediate(resolve));
  write(second);
  write(third);
  await new Promise((resolve) => setImmediate(resolve));
  expect(waiting).toEqual([false, false, true]);
  expect(socket.writableLength).toBe(0);

  // There were several: the next ones are waited for from the first on.
  for (const bytes of others) write(bytes);
  expect(waiting.slice(3)).toEqual([true, true, true]);
  await new Promise((resolve) => setImmediate(resolve));
  socket.end();
  let received = Buffer.alloc(0);
  for await (const chunk of peer.resume()) received = Buffer.concat([received, chunk as Buffer]);
  expect(received.equals(Buffer.concat(sent.map((bytes) => Buffer.concat([header(bytes), bytes]))))).toBe(
    true,
  );
  server.close();
});

test('what was written before a close goes before it, and is said to be taken', async () => {
  const { server, peer, socket } = await pair();
  const close = Buffer.from([0x88, 0]);
  const webSocket = { readyState: 1, close: () => socket.end(close) };
  const writer = new WebSocketWriter(webSocket as unknown as WebSocket, socket, () => undefined);
  const answers: boolean[] = [];
  const sent = [7, 64, 1024].map((size) => Buffer.alloc(size, size % 251));
  for (const bytes of sent) writer.bareBytes(bytes, (taken) => answers.push(taken));
  writer.close(1000, 'eof');
  let received = Buffer.alloc(0);
  for await (const chunk of peer.resume()) received = Buffer.concat([received, chunk as Buffer]);
  const messages = sent.map((bytes) => Buffer.concat([header(bytes), bytes]));
  expect(received.equals(Buffer.concat([...messages, close]))).toBe(true);
  expect(answers).toEqual([true, true, true]);
  server.close();
});

test('what waits for the end of a turn is not sent behind a close, nor said to be taken', async () => {
  const { server, peer, socket } = await pair();
  const webSocket = { readyState: 1 };
  const writer = new WebSocketWriter(webSocket as unknown as WebSocket, socket, () => undefined);
  const answers: boolean[] = [];
  for (const size of [5, 6]) writer.bareBytes(Buffer.alloc(size), (taken) => answers.push(taken));
  webSocket.readyState = 2; // somebody else has sent the close
  await new Promise((resolve) => setImmediate(resolve));
  socket.end();
  let received = 0;
  for await (const chunk of peer.resume()) received += (chunk as Buffer).length;
  expect(received).toBe(7);
  expect(answers).toEqual([true, false]);
  server.close();
});

test('a client that never reads what it is told is cut off', async () => {
  const { server, peer, socket } = await pair();
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

function header({ length }: Buffer): Buffer {
  if (length < 126) return Buffer.from([0x82, length]);
  if (length < 65_536) return Buffer.from([0x82, 126, length >> 8, length & 255]);
  const eight = Buffer.alloc(8);
  eight.writeBigUInt64BE(BigInt(length));
  return Buffer.concat([Buffer.from([0x82, 127]), eight]);
}
