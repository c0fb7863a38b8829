import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import http from 'node:http';
import net from 'node:net';
import fc from 'fast-check';
import { WebSocketServer, type WebSocket } from 'ws';
import { ClientReads } from '../../src/modules/stream/wire/client-reads.js';
import { PlainFrames } from '../../src/modules/stream/wire/plain-frames.js';

const MAX_MESSAGE = 100_000;

interface Frame {
  first: number;
  payload: Buffer;
}

/** What reached the other side, in its order: bytes of a channel together, whatever pieces they came in. */
type Seen = string[];

let server: http.Server;
let sockets: WebSocketServer;

beforeAll(async () => {
  server = http.createServer().listen(0, '127.0.0.1');
  sockets = new WebSocketServer({ noServer: true, maxPayload: MAX_MESSAGE, perMessageDeflate: false });
  server.on('upgrade', (request: http.IncomingMessage, socket: net.Socket, head: Buffer) => {
    const reads = new ClientReads(socket);
    sockets.handleUpgrade(request, reads.socket, head, (webSocket) =>
      sockets.emit('connection', webSocket, reads),
    );
  });
  await once(server, 'listening');
});

afterAll(() => {
  sockets.close();
  server.close();
});

function wire({ first, payload }: Frame): Buffer {
  const mask = randomBytes(4);
  const { length } = payload;
  const head = Buffer.alloc(length < 126 ? 2 : length < 65_536 ? 4 : 10);
  head[0] = first;
  head[1] = 0x80 | (length < 126 ? length : length < 65_536 ? 126 : 127);
  if (head.length === 4) head.writeUInt16BE(length, 2);
  if (head.length === 10) head.writeBigUInt64BE(BigInt(length), 2);
  return Buffer.concat([head, mask, payload.map((byte, i) => byte ^ (mask[i & 3] as number))]);
}

function note(seen: Seen, channel: number, bytes: Buffer): void {
  const before = seen.at(-1);
  const own = `${channel}:`;
  if (before?.startsWith(own) === true) seen[seen.length - 1] = before + bytes.toString('hex');
  else seen.push(own + bytes.toString('hex'));
}

/** A raw client that has asked for the upgrade; what arrives at the other side is in `seen`. */
function connect(hasHeader: boolean, seen: Seen): net.Socket {
  const { port } = server.address() as net.AddressInfo;
  sockets.once('connection', (webSocket: WebSocket, reads: ClientReads) => {
    webSocket.on('error', () => undefined);
    webSocket.on('message', (data: Buffer, isBinary) =>
      seen.push(`${isBinary ? 'b' : 't'}${data.toString('hex')}`),
    );
    webSocket.on('ping', (data: Buffer) => seen.push(`p${data.toString('hex')}`));
    const take = (bytes: Buffer, channel: number, done: () => void): void => {
      note(seen, channel, bytes);
      done();
    };
    const isStream = (): boolean => true;
    new PlainFrames(webSocket, reads, { hasHeader, maxMessageBytes: MAX_MESSAGE, isStream, take });
  });
  const client = net.connect(port, '127.0.0.1');
  const key = randomBytes(16).toString('base64');
  const upgrade = `Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: ${key}`;
  client.write(`GET / HTTP/1.1\r\nHost: x\r\n${upgrade}\r\n\r\n`);
  return client;
}

/** The code of the close frame in what the server has sent; null before it comes. All its frames are short. */
function closeCodeIn(sent: Buffer): number | null {
  const head = sent.indexOf('\r\n\r\n');
  if (head < 0) return null;
  for (let at = head + 4; at + 3 < sent.length; at += 2 + (sent[at + 1] as number))
    if (sent[at] === 0x88) return sent.readUInt16BE(at + 2);
  return null;
}

/** Sends `bytes` cut at `cuts`, each piece as a segment of its own, and waits for the close. */
async function send(
  hasHeader: boolean,
  bytes: Buffer,
  cuts: number[],
): Promise<{ seen: Seen; code: number }> {
  const seen: Seen = [];
  const client = connect(hasHeader, seen).setNoDelay();
  let answer = Buffer.alloc(0);
  const code = new Promise<number>((resolve, reject) => {
    client.on('error', () => undefined);
    client.once('close', () => reject(new Error('no close frame')));
    client.on('data', (chunk: Buffer) => {
      answer = Buffer.concat([answer, chunk]);
      const found = closeCodeIn(answer);
      if (found !== null) resolve(found);
    });
  });
  const ends = [...cuts.map((cut) => cut % bytes.length).sort((a, b) => a - b), bytes.length];
  let at = 0;
  for (const end of ends) {
    if (end > at) await new Promise((written) => client.write(bytes.subarray(at, end), written));
    at = end;
  }
  const outcome = { seen, code: await code };
  client.destroy();
  return outcome;
}

function header(channel: number): Buffer {
  const bytes = Buffer.alloc(16);
  bytes[0] = 1;
  bytes.writeUInt32BE(channel, 4);
  return bytes;
}

const CLOSE: Frame = { first: 0x88, payload: Buffer.from([0x03, 0xe8]) };
const length = fc.oneof(
  fc.integer({ min: 1, max: 300 }),
  fc.constantFrom(125, 126, 1024, 1025, 65_535, 65_536, 70_000),
);
const cuts = fc.array(fc.nat(), { maxLength: 12 });
const message = fc.oneof(
  { weight: 6, arbitrary: fc.tuple(fc.constantFrom('bytes'), fc.constantFrom(1, 2, 0xffffffff), length) },
  {
    weight: 1,
    arbitrary: fc.tuple(fc.constantFrom('text', 'ping', 'datagrams', 'short'), fc.constant(1), fc.nat(100)),
  },
);

function frameOf([kind, channel, size]: [string, number, number], hasHeader: boolean): Frame {
  if (kind === 'text') return { first: 0x81, payload: Buffer.alloc(size, 'é') };
  if (kind === 'ping') return { first: 0x89, payload: randomBytes(size) };
  if (!hasHeader) return { first: 0x82, payload: randomBytes(size + 1) };
  if (kind === 'short') return { first: 0x82, payload: randomBytes(size % 16) };
  const payload = Buffer.concat([header(channel), randomBytes(size)]);
  if (kind === 'datagrams') payload[0] = 2;
  return { first: 0x82, payload };
}

/** What is to be seen of those frames. */
function expected(frames: Frame[], hasHeader: boolean): Seen {
  const seen: Seen = [];
  for (const { first, payload } of frames) {
    if (first === 0x81) seen.push(`t${payload.toString('hex')}`);
    else if (first === 0x89) seen.push(`p${payload.toString('hex')}`);
    else if (!hasHeader) note(seen, 0, payload);
    else if (payload.length > 16 && payload[0] === 1)
      note(seen, payload.readUInt32BE(4), payload.subarray(16));
    else seen.push(`b${payload.toString('hex')}`);
  }
  return seen;
}

it.each([true, false])(
  'every message arrives once and in order, however it is cut (header: %s)',
  async (hasHeader) => {
    await fc.assert(
      fc.asyncProperty(fc.array(message, { maxLength: 40 }), cuts, async (messages, cut) => {
        const frames = messages.map((each) => frameOf(each, hasHeader));
        const text = frames.filter(({ first, payload }) => first === 0x81 && payload.length % 2 === 1);
        for (const frame of text) frame.payload = Buffer.from('x');
        const { seen, code } = await send(hasHeader, Buffer.concat([...frames, CLOSE].map(wire)), cut);
        expect(seen).toEqual(expected(frames, hasHeader));
        expect(code).toBe(1000);
      }),
      { numRuns: 300 },
    );
  },
);

const before: Frame = { first: 0x82, payload: Buffer.from('before') };

it.each([
  [
    'a message in fragments',
    [
      { first: 0x02, payload: Buffer.from('a') },
      { first: 0x80, payload: Buffer.from('b') },
    ],
    1000,
    ['b6162', 'b616674'],
  ],
  ['a message that is too long', [{ first: 0x82, payload: Buffer.alloc(MAX_MESSAGE + 1) }], 1009, []],
  ['a reserved bit', [{ first: 0xc2, payload: Buffer.from('a') }], 1002, []],
  ['an unknown opcode', [{ first: 0x83, payload: Buffer.from('a') }], 1002, []],
  ['a long ping', [{ first: 0x89, payload: Buffer.alloc(126) }], 1002, []],
  ['text that is not UTF-8', [{ first: 0x81, payload: Buffer.from([0xff]) }], 1007, []],
])('%s is for `ws` to judge, and everything after it', async (_, frames, code, seen) => {
  const after: Frame = { first: 0x82, payload: Buffer.from('aft') };
  const all = [before, ...frames, ...(code === 1000 ? [after] : []), CLOSE];
  const outcome = await send(false, Buffer.concat(all.map(wire)), []);
  expect(outcome).toEqual({ seen: [`0:${before.payload.toString('hex')}`, ...seen], code });
});

it('a frame without a mask is refused', async () => {
  const outcome = await send(false, Buffer.concat([wire(before), Buffer.from([0x82, 1, 0x61])]), []);
  expect(outcome).toEqual({ seen: [`0:${before.payload.toString('hex')}`], code: 1002 });
});
