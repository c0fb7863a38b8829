/** Whether a client is alive that is not read from: its answers to pings are not read either. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import type { AddressInfo, Socket } from 'node:net';
import { WebSocket, WebSocketServer } from 'ws';
import type { Configuration } from '../../src/modules/config/configuration.js';
import { OpenWebSockets } from '../../src/modules/stream/open-websockets.js';
import { buildNetwork, cutNetwork, INSIDE, itInNetwork, NEAR, removeNetwork } from '../support/network.js';

const PING_EVERY_MS = 15_000;
/** Three pings without an answer, and the beat that finds that. */
const BEATS = 4;
/** More than the kernels on both sides take of a client that does not read. */
const MUCH = Buffer.alloc(32 * 1024 * 1024);

const possible = buildNetwork();
afterAll(removeNetwork);

let open: OpenWebSockets;
let server: WebSocketServer;
let client: WebSocket;
/** The service's side of it. */
let webSocket: WebSocket;

beforeEach(async () => {
  jest.useFakeTimers({ doNotFake: ['nextTick', 'setImmediate', 'setTimeout', 'queueMicrotask'] });
  open = new OpenWebSockets({} as Configuration);
  server = new WebSocketServer({ port: 0, host: '0.0.0.0' });
  await once(server, 'listening');
  const connected = once(server, 'connection') as Promise<[WebSocket]>;
  client = new WebSocket(`ws://127.0.0.1:${(server.address() as AddressInfo).port}`);
  [[webSocket]] = await Promise.all([connected, once(client, 'open')]);
  open.add(webSocket, (webSocket as unknown as { _socket: Socket })._socket);
  webSocket.pause();
});
afterEach(() => {
  jest.useRealTimers();
  client.terminate();
  server.close();
});

function beat(): void {
  jest.advanceTimersByTime(PING_EVERY_MS);
}

it('one that takes nothing of what is sent to it is cut off', async () => {
  client.pause();
  webSocket.send(MUCH);
  const closed = once(webSocket, 'close');
  // Its kernel takes some of it, and after that nothing.
  while (webSocket.readyState === WebSocket.OPEN) {
    await new Promise((resolve) => setImmediate(resolve));
    beat();
  }
  await closed;
});

it('one that reads stays, however long it is not read from', async () => {
  for (let beats = 0; beats < 3 * BEATS; beats += 1) {
    const asked = once(client, 'ping');
    beat();
    await asked;
  }
  expect(webSocket.readyState).toBe(WebSocket.OPEN);
});

it('one that reads slowly stays, before it has read so far as to the pings', async () => {
  const socket = (client as unknown as { _socket: Socket })._socket;
  client.pause();
  webSocket.send(MUCH);
  for (let beats = 0; beats < 3 * BEATS; beats += 1) {
    // What the client's kernel has room for again, the service's takes.
    client.resume();
    for (let bytes = 0; bytes < MUCH.length / 32;)
      bytes += ((await once(socket, 'data')) as [Buffer])[0].length;
    client.pause();
    beat();
  }
  expect(webSocket.readyState).toBe(WebSocket.OPEN);
});

itInNetwork(possible)(
  'one that has gone without a word is cut off, though there is room for pings',
  async () => {
    const { port } = server.address() as AddressInfo;
    const program = `const ws = new (require('ws').WebSocket)('ws://${NEAR}:${port}'); ws.on('open', () => ws.send('here'))`;
    const connected = once(server, 'connection') as Promise<[WebSocket]>;
    const far = spawn(INSIDE[0]!, [...INSIDE.slice(1), process.execPath, '-e', program], {
      stdio: 'inherit',
    });
    try {
      const [vanishing] = await connected;
      open.add(vanishing, (vanishing as unknown as { _socket: Socket })._socket);
      await once(vanishing, 'message');
      vanishing.pause();
      expect(cutNetwork()).toBe(true);
      const closed = once(vanishing, 'close');
      for (let beats = 0; beats <= BEATS; beats += 1) {
        await new Promise((resolve) => setImmediate(resolve));
        beat();
      }
      await closed;
      expect(webSocket.readyState).toBe(WebSocket.OPEN);
    } finally {
      far.kill();
    }
  },
);
