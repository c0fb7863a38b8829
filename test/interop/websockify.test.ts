/** What clients of websockify do on `/v1/pipe`. */
import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { itWith, type Peer, startPeer, startProgram, stopPrograms, within } from '../support/peers.js';
import { type Service, startService } from '../support/service.js';
import { spawnSync } from 'node:child_process';

/** Debian's, which has Debian's package of websockify; another one may stand in front of it. */
const PYTHON = '/usr/bin/python3';
const MiB = 1024 * 1024;
const BULK = 100 * MiB;
const [CONTINUATION, TEXT, BINARY, CLOSE, PING, PONG] = [0, 1, 2, 8, 9, 10];

const check = itWith('python3');
let service: Service;
let server: Server;

beforeAll(async () => {
  service = await startService();
  server = createServer({ allowHalfOpen: true }).listen(0, '127.0.0.1');
  await once(server, 'listening');
});

afterAll(async () => {
  server.close();
  expect(await service.stop()).toBe(0);
  await stopPrograms();
});

const hex = (text: string): string => Buffer.from(text).toString('hex');
const target = (): string => `/v1/pipe?host=127.0.0.1&port=${(server.address() as AddressInfo).port}`;

async function accepted(): Promise<Socket> {
  const [socket] = (await within('the dial', 10_000, once(server, 'connection'))) as [Socket];
  return socket.on('error', () => undefined);
}

/** A client of hand-made frames, whose pipe has dialled the test's own server. */
async function piped(
  subprotocols = 'binary',
): Promise<{ client: Peer; socket: Socket; subprotocol: unknown }> {
  const dialled = accepted();
  const client = startPeer('websocket.py', ['127.0.0.1', `${service.port}`, target(), subprotocols]);
  const { status, subprotocol } = await client.event('upgraded');
  expect(status).toBe(101);
  return { client, socket: await dialled, subprotocol };
}

/** The next `count` bytes. */
async function take(socket: Socket, count: number): Promise<string> {
  let text = '';
  while (text.length < count) {
    text += String(socket.read() ?? '');
    if (text.length < count) await within('bytes', 10_000, once(socket, 'readable'));
  }
  return text;
}

check('a message in fragments, a ping between them, arrives whole; the ping is answered', async () => {
  const { client, socket } = await piped();
  const fragments: [boolean, number, string][] = [
    [false, BINARY, 'one '],
    [false, CONTINUATION, ''],
    [true, PING, 'alive?'],
    [false, CONTINUATION, 'two '],
    [true, CONTINUATION, 'three'],
    [true, BINARY, ''],
    [true, BINARY, '!'],
  ];
  client.tell({ do: 'frames', frames: fragments.map(([fin, opcode, text]) => [fin, opcode, hex(text)]) });
  expect(await take(socket, 14)).toBe('one two three!');
  expect(await client.ask({ do: 'next' }, 'frame')).toMatchObject({ opcode: PONG, hex: hex('alive?') });
  socket.write('back');
  const frame = { opcode: BINARY, fin: true, hex: hex('back') };
  expect(await client.ask({ do: 'next' }, 'frame')).toMatchObject(frame);
});

check('what comes in the packet of the upgrade, before the socket is dialled, arrives', async () => {
  const { client, socket } = await piped();
  client.tell({ do: 'frames', frames: [[true, BINARY, hex('early')]] });
  expect(await take(socket, 5)).toBe('early');
});

describe('the subprotocol', () => {
  for (const [offered, selected] of [
    ['binary', 'binary'],
    ['binary, base64', 'binary'],
    ['base64,chat,binary', 'binary'],
    ['base64', null],
    ['', null],
  ] as const)
    check(`${selected} is selected of "${offered}"`, async () => {
      expect((await piped(offered)).subprotocol).toBe(selected);
    });
});

check("the peer's EOF closes with 1000, after all its bytes", async () => {
  const { client, socket } = await piped();
  socket.end('the last words');
  expect(await client.ask({ do: 'next' }, 'frame')).toMatchObject({ hex: hex('the last words') });
  const { opcode, hex: closing } = await client.ask({ do: 'next' }, 'frame');
  expect({ opcode, code: Buffer.from(closing!, 'hex').readUInt16BE(0) }).toEqual({
    opcode: CLOSE,
    code: 1000,
  });
});

check('a text message closes with 1003', async () => {
  const { client } = await piped();
  client.tell({ do: 'frames', frames: [[true, TEXT, hex('text')]] });
  const { opcode, hex: closing } = await client.ask({ do: 'next' }, 'frame');
  expect({ opcode, code: Buffer.from(closing!, 'hex').readUInt16BE(0) }).toEqual({
    opcode: CLOSE,
    code: 1003,
  });
});

check("the client's close, and a client that just goes, are EOF for the peer", async () => {
  for (const leave of [
    (client: Peer) =>
      client.tell({
        do: 'frames',
        frames: [
          [true, BINARY, hex('bye')],
          [true, CLOSE, '03e8'],
        ],
      }),
    (client: Peer) => {
      client.tell({ do: 'frames', frames: [[true, BINARY, hex('bye')]] });
      client.endInput();
    },
  ]) {
    const { client, socket } = await piped();
    leave(client);
    expect(await take(socket, 3)).toBe('bye');
    socket.resume();
    await within('EOF', 10_000, once(socket, 'end'));
  }
});

/** So many random bytes, and what becomes of their hash. */
function random(bytes: number): { stream: Readable; digest: () => string } {
  const hash = createHash('sha256');
  function* blocks(): Generator<Buffer> {
    for (let left = bytes; left > 0; left -= MiB) {
      const block = randomBytes(Math.min(left, MiB));
      hash.update(block);
      yield block;
    }
  }
  return { stream: Readable.from(blocks(), { objectMode: false }), digest: () => hash.digest('hex') };
}

check(
  '100 MiB go through both ways at once, in fragments and with pings, and are the same',
  async () => {
    const { client, socket } = await piped();
    const exchanged = client.ask({ do: 'exchange', bytes: BULK, seed: 11 }, 'exchanged', 60_000);
    const hash = createHash('sha256');
    let received = 0;
    const all = new Promise<void>((resolve) =>
      socket.on('data', (chunk: Buffer) => {
        hash.update(chunk);
        received += chunk.length;
        if (received >= BULK) resolve();
      }),
    );
    const { stream, digest } = random(BULK);
    await pipeline(stream, socket, { end: false });
    const { bytes, sha256, sentSha256, pings, pongs } = await exchanged;
    expect({ bytes, sha256 }).toEqual({ bytes: BULK, sha256: digest() });
    await within('all bytes', 10_000, all);
    expect({ received, sha256: hash.digest('hex') }).toEqual({ received: BULK, sha256: sentSha256 });
    expect(pongs).toBe(pings);
    expect(pings).toBeGreaterThan(500);
    socket.destroy();
  },
  90_000,
);

const withWebsockify =
  spawnSync(PYTHON, ['-c', 'import websockify.websocket']).status === 0 ? check : skipped;

withWebsockify("websockify's own client takes it for a websockify", async () => {
  const dialled = accepted();
  const bytes = 8 * MiB;
  const script = `${__dirname}/../support/peers/websockify_client.py`;
  const client = startProgram(PYTHON, [script, `ws://127.0.0.1:${service.port}`, target(), `${bytes}`]);
  const socket = await dialled;
  socket.pipe(socket);
  expect(await client.exit(30_000)).toMatchObject({ code: 0 });
  expect(JSON.parse(client.stdout.toString())).toEqual({ subprotocol: 'binary', bytes, same: true });
});

function skipped(title: string): void {
  console.warn('a test with the client of websockify skipped: python3-websockify not installed');
  it.skip(`${title} (skipped: python3-websockify not installed)`, () => undefined);
}
