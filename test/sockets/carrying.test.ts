/** How connections carry bytes, both ways, and what holds them up. */
import { once } from 'node:events';
import type { SocketError } from '../../src/sockets/index.js';
import { RunningEngine, SOCKET, until } from '../support/engine.js';

let on: RunningEngine;
beforeEach(() => (on = new RunningEngine()));
afterEach(() => on.close());

describe('small sends', () => {
  test("one alone is the kernel's at once, several leave together at the end of the tick, in their order", async () => {
    const { ours, peer } = await on.connected();
    const done = jest.fn();
    const queued = (text: string): number => {
      ours.send(Buffer.from(text), done);
      return ours.queuedBytes;
    };
    expect(queued('a')).toBe(0);
    expect(queued('b')).toBe(1);
    expect(queued('c')).toBe(2);
    await new Promise((resolve) => setImmediate(resolve));
    expect(ours.queuedBytes).toBe(0);
    expect(queued('d')).toBe(1); // there were several: the first of the next tick waits for others
    await new Promise((resolve) => setImmediate(resolve));
    expect(queued('e')).toBe(0);
    await new Promise((resolve) => setImmediate(resolve));
    expect(done.mock.calls).toEqual([1, 1, 1, 1, 1].map((bytes) => [null, bytes]));
    ours.shutdown('write');
    let received = '';
    for await (const chunk of peer) received += String(chunk);
    expect(received).toBe('abcde');
  });
});

describe('back-pressure', () => {
  test('a full window stops the reading at exactly its size, and a commit starts it again', async () => {
    const { ours, peer } = await on.connected({ receive: { ...SOCKET.receive, windowBytes: 1000 } });
    const paused = on.next('paused');
    peer.write(Buffer.alloc(2500, 'a'));
    await paused;
    expect(ours.log.headOffset).toBe(1000);
    expect(ours.isPaused).toBe(true);
    ours.log.commit('main', 1);
    expect(ours.log.headOffset).toBe(1001);
    ours.log.commit('main', 1001);
    await until(ours, () => ours.log.headOffset === 2001);
    ours.log.commit('main', 2001);
    await until(ours, () => ours.log.headOffset === 2500);
    expect(ours.isPaused).toBe(false);
    peer.destroy();
  });

  test('carries bulk whole through a window that opens in odd steps', async () => {
    const { ours, peer } = await on.connected({ receive: { ...SOCKET.receive, windowBytes: 300_000 } });
    const sent = Buffer.from(Array.from({ length: 5_000_000 }, (_, i) => (i * 7 + (i >>> 9)) & 0xff));
    peer.end(sent);
    const got: Buffer[] = [];
    const reader = ours.log.attach(
      'main',
      'committed',
      () => undefined,
      () => undefined,
    );
    for (let step = 1; !(ours.log.isEnded && reader.atHead); step += 1) {
      await until(ours, () => !reader.atHead || ours.log.isEnded);
      for (let piece = reader.read(70_001); piece !== null; piece = reader.read(70_001)) {
        if (piece.kind === 'bytes') got.push(piece.bytes);
      }
      reader.commit(reader.position - (step % 3));
    }
    expect(Buffer.concat(got).equals(sent)).toBe(true);
  });

  test('a pause by the user stops the reading too, and a resume goes on', async () => {
    const { ours, peer } = await on.connected();
    ours.pause();
    peer.write('while paused');
    expect(ours.isPaused).toBe(true);
    const probe = await on.connected(); // its bytes pass while the other's wait
    probe.peer.write('x');
    await until(probe.ours, () => probe.ours.log.headOffset === 1);
    expect(ours.log.headOffset).toBe(0);
    ours.resume();
    await until(ours, () => ours.log.headOffset === 12);
    peer.destroy();
    probe.peer.destroy();
  });
});

describe('sending to a peer that does not read', () => {
  test('ends at the deadline, and the bytes it says were sent are those that arrive', async () => {
    const { ours, peer } = await on.connected();
    peer.pause();
    const data = Buffer.alloc(20_000_000, 7);
    const error = await ours.sendAll(data, 100).then(
      () => null,
      (failure: unknown) => failure as SocketError,
    );
    expect(error).toMatchObject({ code: 'ETIMEDOUT' });
    const bytesSent = error?.details.bytesSent ?? 0;
    expect(bytesSent).toBeGreaterThan(0);
    expect(bytesSent).toBeLessThan(data.length);
    let received = 0;
    peer.on('data', (chunk: Buffer) => (received += chunk.length));
    peer.resume();
    const ended = once(peer, 'end');
    ours.shutdown('write');
    await ended;
    expect(received).toBe(bytesSent);
    peer.destroy();
  });

  test('takes what fits now, then nothing, when asked for some', async () => {
    const { ours, peer } = await on.connected();
    peer.pause();
    const data = Buffer.alloc(20_000_000);
    const first = ours.sendSome(data);
    expect(first).toBeGreaterThan(0);
    expect(first).toBeLessThan(data.length);
    expect(ours.sendSome(data)).toBe(0);
    peer.destroy();
  });
});
