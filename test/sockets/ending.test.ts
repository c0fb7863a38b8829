/** How connections end, and what becomes of their bytes. */
import { once } from 'node:events';
import type net from 'node:net';
import { readingEndedBy } from '../../src/sockets/stream/kernel-handle.js';
import type { ReceiveSettings } from '../../src/sockets/socket-settings.js';
import type { StreamConnection } from '../../src/sockets/stream/stream-connection.js';
import { RunningEngine, SOCKET, until } from '../support/engine.js';

let on: RunningEngine;
beforeEach(() => (on = new RunningEngine()));
afterEach(() => on.close());

describe('the end of a connection', () => {
  test('EOF leaves it half-closed: it can still send', async () => {
    const { ours, peer } = await on.connected();
    const eof = on.next('eof');
    peer.end('bye');
    await eof;
    expect(ours.state).toBe('half-closed-remote');
    expect(ours.eofOffset).toBe(3);
    const answer = once(peer, 'data');
    await ours.sendAll(Buffer.from('still here'), 1000);
    expect(String((await answer)[0])).toBe('still here');
    const closed = on.next('closed');
    ours.shutdown('write');
    expect((await closed).socket.closeReason).toBe('eof');
  });

  test('RST is a failure with its errno, and what came before stays', async () => {
    const { ours, peer } = await on.connected();
    peer.write('before');
    await until(ours, () => ours.log.headOffset === 6);
    const failed = on.next('failed');
    peer.resetAndDestroy();
    expect((await failed).socket.closeReason).toMatchObject({ code: 'ECONNRESET', errno: 104 });
    expect(ours.log.peek(0, 10)).toMatchObject({ bytes: Buffer.from('before') });
  });

  test('a graceful close sends all that is queued, then FIN', async () => {
    const { ours, peer } = await on.connected();
    const chunks: Buffer[] = [];
    peer.on('data', (chunk: Buffer) => chunks.push(chunk));
    const ended = once(peer, 'end');
    ours.send(Buffer.alloc(3_000_000, 1), () => undefined);
    await ours.close('graceful', 'api');
    await ended;
    expect(Buffer.concat(chunks)).toHaveLength(3_000_000);
    expect(ours.state).toBe('closed');
    peer.destroy();
  });

  test('a graceful close does not become a reset when the peer is still sending', async () => {
    const { ours, peer } = await on.connected({ receive: { ...SOCKET.receive, windowBytes: 1000 } });
    const paused = on.next('paused');
    peer.write(Buffer.alloc(200_000));
    await paused;
    let failed = false;
    peer.on('error', () => (failed = true));
    const chunks: Buffer[] = [];
    peer.on('data', (chunk: Buffer) => chunks.push(chunk));
    const ended = once(peer, 'end');
    ours.send(Buffer.from('goodbye'), () => undefined);
    await ours.close('graceful', 'api');
    await ended;
    peer.end();
    await once(peer, 'close');
    expect(failed).toBe(false);
    expect(Buffer.concat(chunks).toString()).toBe('goodbye');
  });

  test('a reset is a reset on the wire', async () => {
    const { ours, peer } = await on.connected();
    const error = once(peer, 'error');
    await ours.close('reset', 'api');
    expect((await error)[0]).toMatchObject({ code: 'ECONNRESET' });
    expect(ours.fileno).toBeNull();
  });

  test('closing twice is closing once', async () => {
    const { ours, peer } = await on.connected();
    await Promise.all([ours.close('graceful', 'api'), ours.close('graceful', 'api')]);
    await ours.close('reset', 'api');
    expect(on.events.filter(({ name }) => name === 'closed')).toHaveLength(1);
    peer.destroy();
  });

  test('who asks for a close that is going on waits for that one', async () => {
    const { ours, peer } = await on.connected();
    ours.send(Buffer.alloc(16_000_000), () => undefined);
    const timers = (): number => process.getActiveResourcesInfo().filter((name) => name === 'Timeout').length;
    const warned = jest.fn();
    process.on('warning', warned);
    const first = ours.close('graceful', 'api');
    const before = timers();
    const others = Array.from({ length: 50 }, () => ours.close('graceful', 'api'));
    expect(timers()).toBe(before);
    peer.resume();
    await Promise.all([first, ...others]);
    expect(ours.state).toBe('closed');
    expect(warned).not.toHaveBeenCalled();
    process.off('warning', warned);
    peer.destroy();
  });

  test('a reset ends a graceful close that is going on', async () => {
    const { ours, peer } = await on.connected();
    ours.send(Buffer.alloc(16_000_000), () => undefined);
    const graceful = ours.close('graceful', 'api');
    await ours.close('reset', 'api');
    await graceful;
    expect(ours.fileno).toBeNull();
    peer.destroy();
  });

  test('after shutting the receiving side down, what comes is dropped and the sender is not held up', async () => {
    const { ours, peer } = await on.connected({ receive: { ...SOCKET.receive, windowBytes: 1000 } });
    ours.shutdown('read');
    expect(ours.log.isEnded).toBe(true);
    await new Promise<void>((resolve) => peer.write(Buffer.alloc(10_000_000), () => resolve()));
    expect(ours.log.headOffset).toBe(0);
    peer.destroy();
  });
});

describe('the memory of a connection that closes', () => {
  /** Three reads that fill their memory, and one that is large enough for more large ones to be expected. */
  const BULK_BYTES = 65_536 + 262_144 + 524_288 + 70_000;
  const WIDE: ReceiveSettings = { ...SOCKET.receive, windowBytes: 8_000_000 };

  /** Bytes that come in one go, so that the kernel writes them straight into memory of the log. */
  async function bulk(
    { ours, peer }: { ours: StreamConnection; peer: net.Socket },
    value: number,
  ): Promise<void> {
    ours.pause();
    await new Promise<void>((resolve) => peer.write(Buffer.alloc(BULK_BYTES, value), () => resolve()));
    ours.resume();
    await until(ours, () => ours.log.headOffset === BULK_BYTES);
  }

  test('is not written into any more once it may be another one’s', async () => {
    const first = await on.connected({ receive: WIDE });
    const second = await on.connected({ receive: WIDE });
    await bulk(first, 0x11);
    // What libuv was given to read into: exchanged before the log gives it back.
    const { reads } = (first.ours as unknown as { intake: { reads: { holdsMemory: boolean } } }).intake;
    expect(reads.holdsMemory).toBe(true);
    await on.engine.remove(first.ours, 'graceful');
    expect(reads.holdsMemory).toBe(false);
    await bulk(second, 0xbb);
    // The peer of the first one goes on: nobody wants these bytes.
    await new Promise<void>((resolve) => first.peer.write(Buffer.alloc(300_000, 0xaa), () => resolve()));
    first.peer.resume().end();
    await once(first.peer, 'close');
    for (let offset = 0; offset < BULK_BYTES;) {
      const piece = second.ours.log.peek(offset, BULK_BYTES);
      if (piece?.kind !== 'bytes') throw new Error('bytes are missing');
      expect(piece.bytes.every((byte) => byte === 0xbb)).toBe(true);
      offset += piece.bytes.length;
    }
    second.peer.destroy();
  });

  test('is given back when it is forgotten before its unread bytes were', async () => {
    await on.close();
    on = new RunningEngine({ maxClosed: 1 });
    for (let i = 0; i < 3; i += 1) {
      const { ours, peer } = await on.connected();
      peer.write('unread');
      await until(ours, () => ours.log.headOffset === 6);
      const failed = on.next('failed');
      peer.resetAndDestroy();
      await failed;
    }
    expect(on.engine.bufferedBytes).toBe(6);
  });
});

test('a graceful close that cannot send all that is queued is a reset, not an end like any other', async () => {
  const { ours, peer } = await on.connected();
  peer.pause();
  ours.send(Buffer.alloc(20_000_000), () => undefined);
  // libuv may tell a reset behind data as EOF: then the kernel is asked.
  const outcome = new Promise<unknown>((resolve) => {
    peer.once('error', resolve);
    peer.once('end', () => resolve(readingEndedBy(peer)));
  });
  await ours.close('graceful', 'api');
  peer.resume();
  expect(await outcome).toMatchObject({ code: 'ECONNRESET' });
  expect(ours.closeReason).toMatchObject({ code: 'ETIMEDOUT' });
}, 15_000);

test('a close after the sending side was shut down does not wait for what has happened', async () => {
  const { ours, peer } = await on.connected();
  const ended = once(peer.resume(), 'end');
  ours.shutdown('write');
  await ended;
  const before = Date.now();
  await ours.close('graceful', 'api');
  expect(Date.now() - before).toBeLessThan(4_000); // the deadline of a queue that cannot be emptied is 5 s
  peer.destroy();
});

test('after the receiving side was shut down, the end of the peer is still noticed', async () => {
  const { ours, peer } = await on.connected();
  ours.shutdown('read');
  const eof = on.next('eof');
  peer.end();
  await eof;
  expect(ours.state).toBe('half-closed-remote');
});
