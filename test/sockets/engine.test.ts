import { once } from 'node:events';
import net from 'node:net';
import { Engine, type SocketError, type Limits, type SocketEvent } from '../../src/sockets/index.js';
import type { ListenRequest } from '../../src/sockets/listen/listeners.js';
import { readingEndedBy } from '../../src/sockets/stream/kernel-handle.js';
import type { ReceiveSettings } from '../../src/sockets/socket-settings.js';
import type { StreamConnection } from '../../src/sockets/stream/stream-connection.js';
import type { StreamListener } from '../../src/sockets/listen/stream-listener.js';
import { portOf } from '../support/ends.js';

const RECEIVE: ReceiveSettings = {
  windowBytes: 65_536,
  overflow: 'pause',
  lingerMs: 60_000,
  readerTtlMs: null,
};

let engine: Engine;
let events: SocketEvent[];

function start(limits: Partial<Limits> = {}): void {
  engine = new Engine({
    limits,
    policy: {
      protectedMode: true,
      egressAllow: [],
      egressDeny: [],
      bindAllow: [],
      bindPorts: { from: 1024, to: 65_535 },
      allowMetadata: false,
    },
  });
  events = [];
  engine.onEvent((event) => events.push(event));
}

function listen(over: Partial<ListenRequest> = {}): Promise<StreamListener> {
  return engine.listen({
    host: '127.0.0.1',
    port: 0,
    backlog: 511,
    ipv6Only: false,
    options: [],
    maxConnections: 1000,
    acceptCount: null,
    idleTimeoutMs: 0,
    tls: null,
    receive: RECEIVE,
    name: null,
    labels: {},
    leaseMs: null,
    ...over,
  });
}

/** A connection of a listener of its own, from both sides. */
async function connected(
  over: Partial<ListenRequest> = {},
): Promise<{ ours: StreamConnection; peer: net.Socket }> {
  const listener = await listen(over);
  const accepted = next('accepted');
  const peer = net.connect({ port: portOf(listener), host: '127.0.0.1', allowHalfOpen: true });
  peer.on('error', () => undefined);
  await once(peer, 'connect');
  return { ours: (await accepted).socket as StreamConnection, peer };
}

function next(name: SocketEvent['name']): Promise<SocketEvent> {
  return new Promise((resolve) => {
    const stop = engine.onEvent((event) => {
      if (event.name !== name) return;
      stop();
      resolve(event);
    });
  });
}

/** Resolves once the log of a connection satisfies a condition; every change of it wakes this. */
function until(connection: StreamConnection, condition: () => boolean): Promise<void> {
  return new Promise((resolve) => {
    const look = (): void => {
      if (!condition()) return;
      view.detach();
      resolve();
    };
    const view = connection.log.observe('live', look);
    look();
  });
}

beforeEach(() => start());
afterEach(() => engine.close());

describe('small sends', () => {
  test("one alone is the kernel's at once, several leave together at the end of the tick, in their order", async () => {
    const { ours, peer } = await connected();
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
    const { ours, peer } = await connected({ receive: { ...RECEIVE, windowBytes: 1000 } });
    const paused = next('paused');
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
    const { ours, peer } = await connected({ receive: { ...RECEIVE, windowBytes: 300_000 } });
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
    const { ours, peer } = await connected();
    ours.pause();
    peer.write('while paused');
    expect(ours.isPaused).toBe(true);
    const probe = await connected(); // its bytes pass while the other's wait
    probe.peer.write('x');
    await until(probe.ours, () => probe.ours.log.headOffset === 1);
    expect(ours.log.headOffset).toBe(0);
    ours.resume();
    await until(ours, () => ours.log.headOffset === 12);
    peer.destroy();
    probe.peer.destroy();
  });
});

describe('the end of a connection', () => {
  test('EOF leaves it half-closed: it can still send', async () => {
    const { ours, peer } = await connected();
    const eof = next('eof');
    peer.end('bye');
    await eof;
    expect(ours.state).toBe('half-closed-remote');
    expect(ours.eofOffset).toBe(3);
    const answer = once(peer, 'data');
    await ours.sendAll(Buffer.from('still here'), 1000);
    expect(String((await answer)[0])).toBe('still here');
    const closed = next('closed');
    ours.shutdown('write');
    expect((await closed).socket.closeReason).toBe('eof');
  });

  test('RST is a failure with its errno, and what came before stays', async () => {
    const { ours, peer } = await connected();
    peer.write('before');
    await until(ours, () => ours.log.headOffset === 6);
    const failed = next('failed');
    peer.resetAndDestroy();
    expect((await failed).socket.closeReason).toMatchObject({ code: 'ECONNRESET', errno: 104 });
    expect(ours.log.peek(0, 10)).toMatchObject({ bytes: Buffer.from('before') });
  });

  test('a graceful close sends all that is queued, then FIN', async () => {
    const { ours, peer } = await connected();
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
    const { ours, peer } = await connected({ receive: { ...RECEIVE, windowBytes: 1000 } });
    const paused = next('paused');
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
    const { ours, peer } = await connected();
    const error = once(peer, 'error');
    await ours.close('reset', 'api');
    expect((await error)[0]).toMatchObject({ code: 'ECONNRESET' });
    expect(ours.fileno).toBeNull();
  });

  test('closing twice is closing once', async () => {
    const { ours, peer } = await connected();
    await Promise.all([ours.close('graceful', 'api'), ours.close('graceful', 'api')]);
    await ours.close('reset', 'api');
    expect(events.filter(({ name }) => name === 'closed')).toHaveLength(1);
    peer.destroy();
  });

  test('after shutting the receiving side down, what comes is dropped and the sender is not held up', async () => {
    const { ours, peer } = await connected({ receive: { ...RECEIVE, windowBytes: 1000 } });
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
  const WIDE: ReceiveSettings = { ...RECEIVE, windowBytes: 8_000_000 };

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
    const first = await connected({ receive: WIDE });
    const second = await connected({ receive: WIDE });
    await bulk(first, 0x11);
    // What libuv was given to read into: exchanged before the log gives it back.
    const { reads } = (first.ours as unknown as { intake: { reads: { holdsMemory: boolean } } }).intake;
    expect(reads.holdsMemory).toBe(true);
    await engine.remove(first.ours, 'graceful');
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
    await engine.close();
    start({ maxClosed: 1 });
    for (let i = 0; i < 3; i += 1) {
      const { ours, peer } = await connected();
      peer.write('unread');
      await until(ours, () => ours.log.headOffset === 6);
      const failed = next('failed');
      peer.resetAndDestroy();
      await failed;
    }
    expect(engine.bufferedBytes).toBe(6);
  });
});

test('a graceful close that cannot send all that is queued is a reset, not an end like any other', async () => {
  const { ours, peer } = await connected();
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
  const { ours, peer } = await connected();
  const ended = once(peer.resume(), 'end');
  ours.shutdown('write');
  await ended;
  const before = Date.now();
  await ours.close('graceful', 'api');
  expect(Date.now() - before).toBeLessThan(4_000); // the deadline of a queue that cannot be emptied is 5 s
  peer.destroy();
});

test('after the receiving side was shut down, the end of the peer is still noticed', async () => {
  const { ours, peer } = await connected();
  ours.shutdown('read');
  const eof = next('eof');
  peer.end();
  await eof;
  expect(ours.state).toBe('half-closed-remote');
});

describe('deadlines', () => {
  test('a connection without traffic is closed when its idle time is over', async () => {
    const { ours, peer } = await connected({ idleTimeoutMs: 50 });
    expect((await next('closed')).socket).toBe(ours);
    expect(ours.closeReason).toBe('idle');
    peer.destroy();
  });

  test('a half-closed connection that was read to the end does not stay for ever', async () => {
    await engine.close();
    start({ halfClosedMs: 50 });
    const { ours, peer } = await connected();
    const closed = next('closed');
    peer.end();
    expect((await closed).socket).toBe(ours);
    expect(ours.closeReason).toBe('eof');
  });

  test('unread bytes outlive the close for the linger time only', async () => {
    const { ours, peer } = await connected({ receive: { ...RECEIVE, lingerMs: 400 } });
    peer.write('unread');
    await until(ours, () => ours.log.headOffset === 6);
    const failed = next('failed');
    peer.resetAndDestroy();
    await failed;
    expect(ours.log.uncommittedBytes).toBe(6);
    await until(ours, () => ours.log.isDiscarded);
    expect(engine.bufferedBytes).toBe(0);
  });

  test('a send that is getting on is traffic: it does not count as idle', async () => {
    const { ours, peer } = await connected({ idleTimeoutMs: 600 });
    let received = 0;
    peer.on('data', (chunk: Buffer) => {
      received += chunk.length;
      peer.pause();
      setTimeout(() => peer.resume(), 2);
    });
    expect(await ours.sendAll(Buffer.alloc(30_000_000), 20_000)).toBe(30_000_000);
    expect(received).toBeGreaterThan(0);
    peer.destroy();
  }, 30_000);

  test('a connection that nobody reads, and whose peer is gone, has failed when its linger time is over', async () => {
    const { ours, peer } = await connected({ receive: { ...RECEIVE, windowBytes: 100, lingerMs: 300 } });
    const paused = next('paused');
    peer.write(Buffer.alloc(1000));
    await paused;
    const failed = next('failed');
    peer.resetAndDestroy();
    expect((await failed).socket).toBe(ours);
    expect(ours.closeReason).toMatchObject({ code: 'ECONNRESET' });
  });

  test('a reader that stays away longer than its time is forgotten', async () => {
    const { ours, peer } = await connected({ receive: { ...RECEIVE, readerTtlMs: 50 } });
    ours.log.commit('away', 0);
    const attached = ours.log.attach(
      'here',
      'committed',
      () => undefined,
      () => undefined,
    );
    peer.write('x');
    await new Promise<void>((resolve) => {
      const timer = setInterval(() => {
        if (ours.log.readers().length > 1) return;
        clearInterval(timer);
        resolve();
      }, 20);
    });
    expect(ours.log.readers()).toMatchObject([{ name: 'here', attached: true }]);
    attached.detach();
    peer.destroy();
  });

  test('a closed socket is forgotten after its retention, and then it is gone', async () => {
    await engine.close();
    start({ closedRetentionMs: 50 });
    const listener = await listen();
    await engine.remove(listener, 'graceful');
    expect(() => engine.get(listener.id)).toThrow(expect.objectContaining({ code: 'SOCKET_GONE' }));
    expect(() => engine.get('lsn_never')).toThrow(expect.objectContaining({ code: 'SOCKET_NOT_FOUND' }));
  });
});

describe('bounds', () => {
  test('one connection more than a listener may have is reset', async () => {
    const listener = await listen({ maxConnections: 1 });
    const port = portOf(listener);
    const first = net.connect(port, '127.0.0.1');
    await next('accepted');
    const second = net.connect(port, '127.0.0.1');
    expect((await once(second, 'error'))[0]).toMatchObject({ code: 'ECONNRESET' });
    expect(listener.rejected).toBe(1);
    const closed = next('closed');
    first.destroy();
    (events.find(({ name }) => name === 'accepted')?.socket as StreamConnection).shutdown('write');
    await closed;
    const third = net.connect(port, '127.0.0.1');
    await next('accepted');
    third.destroy();
  });

  test('one socket more than the engine may have is refused before the kernel is asked', async () => {
    await engine.close();
    start({ maxSockets: 1 });
    await listen();
    await expect(listen()).rejects.toMatchObject({ code: 'LIMIT_REACHED' });
  });

  test('a name is taken once, and free again after the close', async () => {
    const listener = await listen({ name: 'meters' });
    await expect(listen({ name: 'meters' })).rejects.toMatchObject({ code: 'NAME_TAKEN' });
    await engine.remove(listener, 'graceful');
    await expect(listen({ name: 'meters' })).resolves.toBeDefined();
  });

  test('a failed bind gives its place and its name back', async () => {
    await engine.close();
    start({ maxSockets: 2 });
    const port = portOf(await listen());
    await expect(listen({ port, name: 'again' })).rejects.toMatchObject({ code: 'EADDRINUSE', errno: 98 });
    await expect(listen({ name: 'again' })).resolves.toBeDefined();
  });
});

describe('sending to a peer that does not read', () => {
  test('ends at the deadline, and the bytes it says were sent are those that arrive', async () => {
    const { ours, peer } = await connected();
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
    const { ours, peer } = await connected();
    peer.pause();
    const data = Buffer.alloc(20_000_000);
    const first = ours.sendSome(data);
    expect(first).toBeGreaterThan(0);
    expect(first).toBeLessThan(data.length);
    expect(ours.sendSome(data)).toBe(0);
    peer.destroy();
  });
});

test('of closed sockets the last so many can be inspected, and no more', async () => {
  await engine.close();
  start({ maxClosed: 3 });
  const listeners: StreamListener[] = [];
  for (let i = 0; i < 5; i += 1) listeners.push(await listen());
  for (const listener of listeners) await listener.close('graceful', 'api');
  const { items } = engine.list(0, 100, () => true);
  expect(items).toEqual(listeners.slice(2));
  expect(() => engine.get(listeners[0]?.id ?? '')).toThrow(expect.objectContaining({ code: 'SOCKET_GONE' }));
});

test('a listener takes its connections along, after the time it gives them', async () => {
  const { ours, peer } = await connected();
  const listener = engine.listener(ours.listenerId ?? '');
  const removing = engine.remove(listener, 'graceful', 60_000);
  expect(ours.isClosed).toBe(false);
  peer.end();
  await next('eof');
  ours.shutdown('write');
  await removing;
  expect(ours.isClosed).toBe(true);
});

test('connecting to the one address a name has that answers', async () => {
  const server = net
    .createServer((accepted) => accepted.on('end', () => accepted.end()).resume())
    .listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as net.AddressInfo;
  const client = await engine.connect({
    host: 'localhost',
    port,
    family: 'any',
    timeoutMs: 5000,
    localAddress: null,
    localPort: null,
    idleTimeoutMs: 0,
    options: [],
    tls: null,
    receive: RECEIVE,
    name: null,
    labels: {},
    leaseMs: null,
  });
  expect(client.remoteAddress).toMatchObject({ address: '127.0.0.1', port });
  await client.close('graceful', 'api');
  server.close();
});

test('the end of a socket has one time, whatever the clock does meanwhile', async () => {
  let now = Date.now();
  const clock = jest.spyOn(Date, 'now').mockImplementation(() => (now += 1));
  try {
    start();
    const ended = next('closed');
    const listener = await listen();
    await engine.remove(listener, 'graceful');
    expect((await ended).time).toBe(listener.closedAt);
  } finally {
    clock.mockRestore();
  }
});
