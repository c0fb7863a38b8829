import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import http from 'node:http';
import net from 'node:net';
import { ClientReads, type Slab } from '../../src/modules/stream/wire/client-reads.js';

const MiB = 1024 * 1024;
/** What all slabs hold together. */
const LENT = 16 * MiB;

interface Piece {
  bytes: Buffer;
  slab: Slab | null;
}

let server: http.Server;
let reads: ClientReads;
let client: net.Socket;
let pieces: Piece[];

beforeEach(async () => {
  pieces = [];
  server = http.createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  client = net.connect((server.address() as net.AddressInfo).port, '127.0.0.1');
  client.write('GET / HTTP/1.1\r\nHost: x\r\nUpgrade: x\r\nConnection: Upgrade\r\n\r\n');
  const [, socket] = (await once(server, 'upgrade')) as [http.IncomingMessage, net.Socket];
  reads = new ClientReads(socket);
  reads.giveTo((bytes, slab) => {
    slab?.hold();
    pieces.push({ bytes, slab });
  });
});

afterEach(() => {
  for (const { slab } of pieces) slab?.release();
  client.destroy();
  reads.socket.destroy();
  server.close();
});

/** Sends `sent`, and waits until as many bytes were read. */
async function send(sent: Buffer): Promise<void> {
  const before = pieces.reduce((sum, { bytes }) => sum + bytes.length, 0);
  client.write(sent);
  for (let got = 0; got < sent.length;) {
    await new Promise(setImmediate);
    got = pieces.reduce((sum, { bytes }) => sum + bytes.length, 0) - before;
  }
}

function sha256(parts: Buffer[]): string {
  const hash = createHash('sha256');
  for (const part of parts) hash.update(part);
  return hash.digest('hex');
}

it('never reads into memory that somebody holds, and copies when all of it is held', async () => {
  const sent = randomBytes(2 * LENT);
  await send(sent);
  const slabs = new Set(pieces.map(({ slab }) => slab).filter((slab) => slab !== null));
  expect(slabs.size).toBeGreaterThan(16);
  expect(slabs.size * 256 * 1024).toBeLessThanOrEqual(LENT);
  expect(pieces.some(({ slab }) => slab === null)).toBe(true);
  expect(sha256(pieces.map(({ bytes }) => bytes))).toBe(sha256([sent]));
});

it('reads into the same memory again once it was given back', async () => {
  const lent = new Set<Slab>();
  reads.giveTo((bytes, slab) => {
    slab?.hold();
    if (slab !== null) lent.add(slab);
    pieces.at(-1)?.slab?.release();
    pieces.push({ bytes, slab });
  });
  await send(Buffer.alloc(LENT));
  pieces.splice(0, pieces.length - 1);
  expect(lent.size).toBeGreaterThan(0);
  expect(lent.size).toBeLessThanOrEqual(3); // what is held, what is read, and what is read next
});

it('copies what a quiet client sends', async () => {
  await send(Buffer.from('one'));
  await send(Buffer.from('two'));
  expect(pieces.map(({ bytes, slab }) => [bytes.toString(), slab])).toEqual([
    ['one', null],
    ['two', null],
  ]);
});

it('goes the way of any socket when nobody takes it, and ends with the client', async () => {
  reads.giveTo(null);
  const arrived: Buffer[] = [];
  reads.socket.on('data', (bytes: Buffer) => arrived.push(bytes));
  const sent = randomBytes(4 * MiB);
  client.end(sent);
  await once(reads.socket, 'end');
  expect(sha256(arrived)).toBe(sha256([sent]));
});
