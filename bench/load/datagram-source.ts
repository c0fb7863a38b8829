import { createHash } from 'node:crypto';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { setImmediate as turn } from 'node:timers/promises';
import koffi from 'koffi';
import { serve } from './rpc.js';
import { stopwatch, type Lap } from './stopwatch.js';

/*
 * Sends datagrams to one UDP port by sendmmsg(2), many in one system call: at a given pace, or as fast as the
 * kernel takes them. Each has its number in its first bytes, the rest is the same in all.
 */

export interface DatagramOrder {
  port: number;
  count: number;
  /** null: without a pause. */
  perSecond: number | null;
  /** At that rate: so many at once each millisecond, or one after the other at equal distances, which takes a core. */
  inBursts: boolean;
  check: boolean;
}

/** How many are sent by `dgram`, with a system call for each, as fast as Node sends them. */
export interface OneByOneOrder {
  port: number;
  count: number;
}

export type DatagramSourceCalls = {
  send(order: DatagramOrder): Promise<{ lap: Lap; sha256: string | null }>;
  sendOneByOne(order: OneByOneOrder): Promise<{ lap: Lap }>;
};

const DATAGRAM_BYTES = 64;
const BATCH = 64;
const MESSAGE_HEADER_BYTES = 64;
const VECTOR_BYTES = 16;
const [AF_INET, SOCK_DGRAM] = [2, 2];

const lib = koffi.load(null);
const socket = lib.func('int socket(int, int, int)') as (...numbers: number[]) => number;
const connect = lib.func('int connect(int, const uint8_t*, uint32_t)') as (
  fd: number,
  address: Uint8Array,
  bytes: number,
) => number;
const sendmmsg = lib.func('int sendmmsg(int, uint8_t*, uint32_t, int)') as (
  fd: number,
  headers: Uint8Array,
  count: number,
  flags: number,
) => number;
const close = lib.func('int close(int)') as (fd: number) => number;
const malloc = lib.func('void *malloc(size_t)') as (bytes: number) => bigint;

/** struct mmsghdr, struct iovec and payloads of one batch, made once. */
const payloads = memory(BATCH * DATAGRAM_BYTES);
const vectors = memory(BATCH * VECTOR_BYTES);
const headers = memory(BATCH * MESSAGE_HEADER_BYTES);
payloads.bytes.fill('.');
for (let i = 0; i < BATCH; i += 1) {
  vectors.bytes.writeBigUInt64LE(payloads.address + BigInt(i * DATAGRAM_BYTES), i * VECTOR_BYTES);
  vectors.bytes.writeBigUInt64LE(BigInt(DATAGRAM_BYTES), i * VECTOR_BYTES + 8);
  headers.bytes.writeBigUInt64LE(vectors.address + BigInt(i * VECTOR_BYTES), i * MESSAGE_HEADER_BYTES + 16);
  headers.bytes.writeBigUInt64LE(1n, i * MESSAGE_HEADER_BYTES + 24);
}

function memory(bytes: number): { bytes: Buffer; address: bigint } {
  const address = malloc(bytes);
  return { bytes: Buffer.from(koffi.view(address, bytes)).fill(0), address };
}

function connected(port: number): number {
  const fd = socket(AF_INET, SOCK_DGRAM, 0);
  const address = Buffer.from([AF_INET, 0, port >> 8, port & 0xff, 127, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0]);
  if (fd < 0 || connect(fd, address, address.length) < 0)
    throw new Error(`no socket: errno ${koffi.errno()}`);
  return fd;
}

/** Numbers from `first` on; all of them, whatever the kernel takes at a time. */
function sendBatch(fd: number, first: number, count: number): void {
  for (let i = 0; i < count; i += 1) payloads.bytes.writeUInt32BE(first + i, i * DATAGRAM_BYTES);
  for (let sent = 0; sent < count;) {
    const taken = sendmmsg(fd, headers.bytes.subarray(sent * MESSAGE_HEADER_BYTES), count - sent, 0);
    if (taken < 0) throw new Error(`sendmmsg: errno ${koffi.errno()}`);
    sent += taken;
  }
}

const asleep = new Int32Array(new SharedArrayBuffer(4));

function sendAll(fd: number, { count, perSecond, inBursts }: DatagramOrder): void {
  const startedAt = performance.now();
  for (let sent = 0; sent < count;) {
    const due = perSecond === null ? count : ((performance.now() - startedAt) * perSecond) / 1000;
    for (const end = Math.min(Math.floor(due), count); sent < end;) {
      const size = Math.min(BATCH, end - sent);
      sendBatch(fd, sent, size);
      sent += size;
    }
    if (inBursts && sent < count) Atomics.wait(asleep, 0, 0, 1);
  }
}

function digest(count: number): string {
  const hash = createHash('sha256');
  for (let i = 0; i < count; i += 1) {
    payloads.bytes.writeUInt32BE(i, 0);
    hash.update(payloads.bytes.subarray(0, DATAGRAM_BYTES));
  }
  return hash.digest('hex');
}

serve<DatagramSourceCalls>({
  async send(order) {
    const fd = connected(order.port);
    try {
      const lap = stopwatch();
      sendAll(fd, order);
      return { lap: lap(), sha256: order.check ? digest(order.count) : null };
    } finally {
      close(fd);
    }
  },
  async sendOneByOne({ port, count }) {
    const socket = createSocket('udp4');
    socket.connect(port, '127.0.0.1');
    await once(socket, 'connect');
    const payload = payloads.bytes.subarray(0, DATAGRAM_BYTES);
    const lap = stopwatch();
    for (let sent = 1; sent < count; sent += 1) {
      socket.send(payload);
      if (sent % BATCH === 0) await turn();
    }
    await new Promise((resolve) => socket.send(payload, resolve));
    const took = lap();
    socket.close();
    return { lap: took };
  },
});
