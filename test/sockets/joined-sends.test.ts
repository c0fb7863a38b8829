/** Short sends that wait behind others: put together where nobody can tell. */
import { once } from 'node:events';
import type net from 'node:net';
import { SocketError } from '../../src/sockets/index.js';
import { COALESCE_BELOW_BYTES, SEND_SLICE_BYTES } from '../../src/sockets/limits.js';
import type { StreamConnection } from '../../src/sockets/stream/stream-connection.js';
import { RunningEngine } from '../support/engine.js';

/** More than the kernels on both sides take of a peer that does not read. */
const STALLING_BYTES = 16_000_000;

let on: RunningEngine;
let ours: StreamConnection;
let peer: net.Socket;
beforeEach(async () => {
  on = new RunningEngine();
  ({ ours, peer } = await on.connected());
  ours.send(Buffer.alloc(STALLING_BYTES), () => undefined);
});
afterEach(() => {
  peer.destroy();
  return on.close();
});

/** A send, and what came of it. */
function send(text: string): jest.Mock<undefined, [SocketError | null, number]> {
  const sent = jest.fn<undefined, [SocketError | null, number]>();
  ours.send(Buffer.from(text), sent);
  return sent;
}

/** What the peer gets behind the bytes that stall. */
async function arrived(): Promise<string> {
  const chunks: Buffer[] = [];
  peer.on('data', (chunk: Buffer) => chunks.push(chunk));
  ours.shutdown('write');
  await once(peer, 'end');
  return Buffer.concat(chunks).subarray(STALLING_BYTES).toString();
}

it('they are one send with one end, and keep their order', async () => {
  const sent = send('a');
  for (const text of ['b', 'c']) expect(ours.extend(Buffer.from(text), sent)).toBe(true);
  expect(ours.queuedBytes).toBeGreaterThan(STALLING_BYTES / 2);
  expect(await arrived()).toBe('abc');
  expect(sent.mock.calls).toEqual([[null, 3]]);
});

it('a send of somebody else comes between them, and reports its own bytes', async () => {
  const first = send('a');
  const other = ours.sendAll(Buffer.from('other'), 60_000);
  expect(ours.extend(Buffer.from('b'), first)).toBe(false);
  const second = send('b');
  expect(await arrived()).toBe('aotherb');
  expect(await other).toBe(5);
  expect([first, second].map(({ mock }) => mock.calls)).toEqual([[[null, 1]], [[null, 1]]]);
});

it('long ones wait by themselves, and what is full takes no more', () => {
  const sent = send('a');
  const short = Buffer.alloc(COALESCE_BELOW_BYTES - 1);
  expect(ours.extend(Buffer.alloc(COALESCE_BELOW_BYTES), sent)).toBe(false);
  let bytes = 1;
  while (ours.extend(short, sent)) bytes += short.length;
  expect(bytes).toBeGreaterThan(SEND_SLICE_BYTES - short.length);
  expect(bytes).toBeLessThanOrEqual(SEND_SLICE_BYTES);
});

it('what cannot be sent any more is not joined, and what waits fails once', async () => {
  const sent = send('a');
  ours.extend(Buffer.from('b'), sent);
  await ours.close('reset', 'api');
  expect(ours.extend(Buffer.from('c'), sent)).toBe(false);
  expect(sent).toHaveBeenCalledTimes(1);
  expect(sent.mock.calls[0]![0]).toBeInstanceOf(SocketError);
});

it('however many are sent in one turn, all of them arrive in their order', async () => {
  const parts = Array.from({ length: 1000 }, (_, i) => `${i},`);
  const ends = parts.map(send);
  expect(await arrived()).toBe(parts.join(''));
  expect(ends.every(({ mock }) => mock.calls.length === 1 && mock.calls[0]![0] === null)).toBe(true);
});
