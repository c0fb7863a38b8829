/** The engine as a whole: its deadlines, its bounds, the set of its sockets. */
import { once } from 'node:events';
import net from 'node:net';
import type { StreamConnection } from '../../src/sockets/stream/stream-connection.js';
import type { StreamListener } from '../../src/sockets/listen/stream-listener.js';
import { portOf } from '../support/ends.js';
import { RunningEngine, SOCKET, until } from '../support/engine.js';

let on: RunningEngine;
beforeEach(() => (on = new RunningEngine()));
afterEach(() => on.close());

describe('deadlines', () => {
  test('a connection without traffic is closed when its idle time is over', async () => {
    const { ours, peer } = await on.connected({ idleTimeoutMs: 50 });
    expect((await on.next('closed')).socket).toBe(ours);
    expect(ours.closeReason).toBe('idle');
    peer.destroy();
  });

  test('a half-closed connection that was read to the end does not stay for ever', async () => {
    await on.close();
    on = new RunningEngine({ halfClosedMs: 50 });
    const { ours, peer } = await on.connected();
    const closed = on.next('closed');
    peer.end();
    expect((await closed).socket).toBe(ours);
    expect(ours.closeReason).toBe('eof');
  });

  test('unread bytes outlive the close for the linger time only', async () => {
    const { ours, peer } = await on.connected({ receive: { ...SOCKET.receive, lingerMs: 400 } });
    peer.write('unread');
    await until(ours, () => ours.log.headOffset === 6);
    const failed = on.next('failed');
    peer.resetAndDestroy();
    await failed;
    expect(ours.log.uncommittedBytes).toBe(6);
    await until(ours, () => ours.log.isDiscarded);
    expect(on.engine.bufferedBytes).toBe(0);
  });

  test('a send that is getting on is traffic: it does not count as idle', async () => {
    const { ours, peer } = await on.connected({ idleTimeoutMs: 600 });
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
    const { ours, peer } = await on.connected({
      receive: { ...SOCKET.receive, windowBytes: 100, lingerMs: 300 },
    });
    const paused = on.next('paused');
    peer.write(Buffer.alloc(1000));
    await paused;
    const failed = on.next('failed');
    peer.resetAndDestroy();
    expect((await failed).socket).toBe(ours);
    expect(ours.closeReason).toMatchObject({ code: 'ECONNRESET' });
  });

  test('a reader that stays away longer than its time is forgotten', async () => {
    const { ours, peer } = await on.connected({ receive: { ...SOCKET.receive, readerTtlMs: 50 } });
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
    await on.close();
    on = new RunningEngine({ closedRetentionMs: 50 });
    const listener = await on.listen();
    await on.engine.remove(listener, 'graceful');
    expect(() => on.engine.get(listener.id)).toThrow(expect.objectContaining({ code: 'SOCKET_GONE' }));
    expect(() => on.engine.get('lsn_never')).toThrow(expect.objectContaining({ code: 'SOCKET_NOT_FOUND' }));
  });
});

describe('bounds', () => {
  test('one connection more than a listener may have is reset', async () => {
    const listener = await on.listen({ maxConnections: 1 });
    const port = portOf(listener);
    const first = net.connect(port, '127.0.0.1');
    await on.next('accepted');
    const second = net.connect(port, '127.0.0.1');
    expect((await once(second, 'error'))[0]).toMatchObject({ code: 'ECONNRESET' });
    expect(listener.rejected).toBe(1);
    const closed = on.next('closed');
    first.destroy();
    (on.events.find(({ name }) => name === 'accepted')?.socket as StreamConnection).shutdown('write');
    await closed;
    const third = net.connect(port, '127.0.0.1');
    await on.next('accepted');
    third.destroy();
  });

  test('one socket more than the engine may have is refused before the kernel is asked', async () => {
    await on.close();
    on = new RunningEngine({ maxSockets: 1 });
    await on.listen();
    await expect(on.listen()).rejects.toMatchObject({ code: 'LIMIT_REACHED' });
  });

  test('a name is taken once, and free again after the close', async () => {
    const listener = await on.listen({ name: 'meters' });
    await expect(on.listen({ name: 'meters' })).rejects.toMatchObject({ code: 'NAME_TAKEN' });
    await on.engine.remove(listener, 'graceful');
    await expect(on.listen({ name: 'meters' })).resolves.toBeDefined();
  });

  test('a failed bind gives its place and its name back', async () => {
    await on.close();
    on = new RunningEngine({ maxSockets: 2 });
    const port = portOf(await on.listen());
    await expect(on.listen({ port, name: 'again' })).rejects.toMatchObject({ code: 'EADDRINUSE', errno: 98 });
    await expect(on.listen({ name: 'again' })).resolves.toBeDefined();
  });
});

test('of closed sockets the last so many can be inspected, and no more', async () => {
  await on.close();
  on = new RunningEngine({ maxClosed: 3 });
  const listeners: StreamListener[] = [];
  for (let i = 0; i < 5; i += 1) listeners.push(await on.listen());
  for (const listener of listeners) await listener.close('graceful', 'api');
  const { items } = on.engine.list(0, 100, () => true);
  expect(items).toEqual(listeners.slice(2));
  expect(() => on.engine.get(listeners[0]?.id ?? '')).toThrow(
    expect.objectContaining({ code: 'SOCKET_GONE' }),
  );
});

test('a listener takes its connections along, after the time it gives them', async () => {
  const { ours, peer } = await on.connected();
  const listener = on.engine.listener(ours.listenerId ?? '');
  const removing = on.engine.remove(listener, 'graceful', 60_000);
  expect(ours.isClosed).toBe(false);
  peer.end();
  await on.next('eof');
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
  const client = await on.engine.connect({
    ...SOCKET,
    host: 'localhost',
    port,
    family: 'any',
    timeoutMs: 5000,
    localAddress: null,
    localPort: null,
    tls: null,
  });
  expect(client.remoteAddress).toMatchObject({ address: '127.0.0.1', port });
  await client.close('graceful', 'api');
  server.close();
});

test('the end of a socket has one time, whatever the clock does meanwhile', async () => {
  await on.close();
  let now = Date.now();
  const clock = jest.spyOn(Date, 'now').mockImplementation(() => (now += 1));
  try {
    on = new RunningEngine();
    const ended = on.next('closed');
    const listener = await on.listen();
    await on.engine.remove(listener, 'graceful');
    expect((await ended).time).toBe(listener.closedAt);
  } finally {
    clock.mockRestore();
  }
});
