import { randomBytes } from 'node:crypto';
import { WebSocket } from 'ws';
import {
  connect,
  GapError,
  SocketClosedError,
  TakenOverError,
  TooMuchWaitingError,
  type Channel,
  type Connection,
  type Item,
} from '../../clients/typescript/src/index.js';
import { dial, type Peer, stopPrograms, until } from '../support/peers.js';
import { type Service, startService } from '../support/service.js';

const MiB = 1024 * 1024;

let service: Service;
let connection: Connection;

beforeAll(async () => {
  service = await startService();
});
beforeEach(async () => {
  connection = await connect(service.url, { WebSocket });
});
afterEach(() => connection.close());
afterAll(stopPrograms);

async function connected(spec: Record<string, unknown> = {}): Promise<{ peer: Peer; id: string }> {
  const listener = await service.listen(spec);
  const peer = await dial(listener.port);
  return { peer, id: (await service.connection(listener.id, peer.localPort)).id };
}

async function read(channel: Channel, bytes: number): Promise<Buffer> {
  const parts: Uint8Array[] = [];
  for await (const part of channel) {
    parts.push(part);
    if (Buffer.concat(parts).length >= bytes) break;
  }
  return Buffer.concat(parts);
}

async function committed(id: string): Promise<number> {
  return (await service.socket(id)).received.committedOffset;
}

it('bytes go both ways, each direction to its own end', async () => {
  const { peer, id } = await connected();
  const channel = await connection.attach({ socketId: id });
  const payload = randomBytes(300_000);
  const received = peer.receive(payload.length);
  await channel.send(payload);
  expect((await received).equals(payload)).toBe(true);
  expect(await channel.sendText('grüße', 'latin1')).toBe(5);
  expect((await peer.receive(5)).toString('latin1')).toBe('grüße');

  const end = peer.ask({ do: 'drain' }, 'eof');
  await channel.send('last words');
  await channel.shutdown();
  expect(await end).toMatchObject({ bytes: 10 });
  await peer.send('an answer');
  await peer.ask({ do: 'shutdown' }, 'shut-down');
  const parts: string[] = [];
  for await (const bytes of channel) parts.push(Buffer.from(bytes).toString());
  expect(parts.join('')).toBe('an answer');
  expect(channel.eofOffset).toBe(9);
  expect(await channel.ended).toMatchObject({ kind: 'closed', offset: 9 });
  await expect(channel.send('too late')).rejects.toThrow();
});

it('what is taken is acknowledged when the next is asked for, not before', async () => {
  const { peer, id } = await connected();
  const channel = await connection.attach({ socketId: id });
  const items = channel.items();
  await peer.send('first');
  expect((await items.next()).value).toMatchObject({ kind: 'bytes', offset: 0 });
  // A ping is answered after all acknowledgements before it.
  await connection.ping();
  expect(await committed(id)).toBe(0);
  const next = items.next();
  await until('the first is acknowledged', async () => (await committed(id)) === 5);
  await peer.send('second');
  expect((await next).value).toMatchObject({ kind: 'bytes', offset: 5 });
  await connection.ping();
  expect(await committed(id)).toBe(5);
});

it('with manual acknowledgement nothing goes but what the program says', async () => {
  const { peer, id } = await connected();
  const channel = await connection.attach({ socketId: id, acknowledge: 'manual' });
  const items = channel.items();
  for (const word of ['one', 'two', 'three']) {
    await peer.send(word);
    await items.next();
  }
  await connection.ping();
  expect(await committed(id)).toBe(0);
  channel.ack(3);
  await connection.ping();
  expect(await committed(id)).toBe(3);
  channel.ack();
  await connection.ping();
  expect(await committed(id)).toBe(11);
});

it.each([NaN, Infinity, 1.5, 'x', null])(
  'an offset of %p is refused, and later ones count',
  async (offset) => {
    const { peer, id } = await connected();
    const channel = await connection.attach({ socketId: id, acknowledge: 'manual' });
    await peer.send('three');
    await channel.items().next();
    expect(() => channel.ack(offset as number)).toThrow(TypeError);
    channel.ack(3);
    await connection.ping();
    expect(await committed(id)).toBe(3);
  },
);

it('what is neither bytes nor text is refused, and the channel goes on', async () => {
  const { peer, id } = await connected();
  const channel = await connection.attach({ socketId: id });
  const buffer = new ArrayBuffer(4);
  const others = [
    buffer,
    new DataView(buffer),
    new Uint16Array(buffer),
    new Blob(['ab']),
    {},
    [65, 66],
    7,
    null,
  ];
  for (const data of others) {
    const sending = channel.send(data as unknown as Uint8Array);
    await expect(sending).rejects.toThrow(
      /^send takes a Uint8Array \(a Buffer is one\) or a string, not \w+$/,
    );
    await expect(sending).rejects.toBeInstanceOf(TypeError);
  }
  await channel.send(new Uint8Array([65, 66]));
  await channel.send(Buffer.from('CD'));
  await channel.send('E');
  expect((await peer.receive(5)).toString()).toBe('ABCDE');
});

it('leaving the loop detaches, and the next reader has what was not dealt with', async () => {
  const { peer, id } = await connected();
  const first = await connection.attach({ socketId: id });
  await peer.send('first');
  const seen: string[] = [];
  for await (const bytes of first) {
    seen.push(Buffer.from(bytes).toString());
    if (seen.length === 2) break;
    await peer.send('second');
  }
  expect(seen).toEqual(['first', 'second']);
  expect(await first.ended).toEqual({ kind: 'detached' });
  const { readers } = await service.socket(id);
  expect(readers).toMatchObject([{ name: 'main', committedOffset: 5, attached: false }]);
  const second = await connection.attach({ socketId: id });
  expect((await read(second, 6)).toString()).toBe('second');
});

it('a reader that is taken over is told, by the loop and by its end', async () => {
  const { id } = await connected();
  const first = await connection.attach({ socketId: id });
  const waiting = first.items().next();
  const second = await connection.attach({ socketId: id });
  await expect(waiting).rejects.toThrow(TakenOverError);
  const end = await first.ended;
  expect(end.kind === 'failed' && end.error).toBeInstanceOf(TakenOverError);
  await second.detach();
});

it('a socket that closes without EOF ends the loop with the reason; closing it oneself does not', async () => {
  const [reset, closed] = [await connected(), await connected()];
  const channel = await connection.attach({ socketId: reset.id });
  await reset.peer.send('cut sh');
  await until('it is there', async () => (await service.socket(reset.id)).received.bytes === 6);
  await reset.peer.ask({ do: 'reset' }, 'closed');
  const items = channel.items();
  expect((await items.next()).value).toMatchObject({ kind: 'bytes' });
  await expect(items.next()).rejects.toThrow(SocketClosedError);
  expect(await channel.ended).toMatchObject({ kind: 'closed', reason: { code: 'ECONNRESET', errno: 104 } });

  const own = await connection.attach({ socketId: closed.id });
  const end = closed.peer.ask({ do: 'drain' }, 'eof');
  await own.send('bye');
  await own.close();
  expect(await end).toMatchObject({ bytes: 3 });
  expect((await own.items().next()).done).toBe(true);
  await own.close();
});

it('what an observer was too slow for is an item, or an error behind which the loop goes on', async () => {
  const { peer, id } = await connected({ receive: { windowBytes: 64 * 1024 } });
  const consumer = await connection.attach({ socketId: id });
  const slow = { socketId: id, mode: 'observe', windowBytes: 1024 } as const;
  const [items, bytes] = [await connection.attach(slow), await connection.attach(slow)];
  await peer.send(randomBytes(MiB));
  await read(consumer, MiB);
  const seen: Item[] = [];
  for await (const item of items.items()) {
    seen.push(item);
    if (item.kind === 'gap') break;
  }
  const gap = seen.at(-1);
  expect(gap).toMatchObject({ kind: 'gap', from: 1024 });
  const loop = async (): Promise<void> => {
    for await (const part of bytes) expect(part.length).toBeGreaterThan(0);
  };
  const error: unknown = await loop().catch((thrown: unknown) => thrown);
  expect(error).toBeInstanceOf(GapError);
  expect(error).toMatchObject({ from: 1024 });
  // Its window was full, so that more was gone before there was room for bytes again.
  let { to } = error as GapError;
  const rest = bytes.items();
  let after = ((await rest.next()) as { value: Item }).value;
  for (; after.kind === 'gap'; after = ((await rest.next()) as { value: Item }).value) {
    expect(after.from).toBe(to);
    to = after.to;
  }
  expect(after).toMatchObject({ kind: 'bytes', offset: to });
});

it('a send waits for a peer that does not read, the other channels go on, and what may wait is bounded', async () => {
  const [stalled, other] = [await connected(), await connected()];
  const channel = await connection.attach({ socketId: stalled.id });
  const free = await connection.attach({ socketId: other.id });
  const payload = randomBytes(40 * MiB);
  let isSent = false;
  const sending = channel.send(payload).then(() => (isSent = true));
  const refused = channel.send(randomBytes(1));
  await expect(refused).rejects.toThrow(TooMuchWaitingError);

  await free.send('over here');
  expect((await other.peer.receive(9)).toString()).toBe('over here');
  expect(isSent).toBe(false);

  const end = stalled.peer.ask({ do: 'drain' }, 'eof', 30_000);
  await sending;
  await channel.shutdown();
  expect((await end).bytes).toBe(payload.length);
}, 40_000);

it('text is decoded by the service, however it is cut', async () => {
  const { peer, id } = await connected();
  const channel = await connection.attach({ socketId: id, encoding: 'utf8' });
  const bytes = Buffer.from('grüße 你好');
  const texts = channel.text();
  await peer.send(bytes.subarray(0, 3));
  expect((await texts.next()).value).toBe('gr');
  await peer.send(bytes.subarray(3));
  expect((await texts.next()).value).toBe('üße 你好');
});

it('text goes in the encoding of the channel unless another is given', async () => {
  const { peer, id } = await connected();
  const channel = await connection.attach({ socketId: id, encoding: 'latin1' });
  expect(await channel.sendText('ü')).toBe(1);
  expect(await channel.sendText('ü', 'utf8')).toBe(2);
  expect((await peer.receive(3)).toString('hex')).toBe('fcc3bc');
});

it('an error of the kernel that comes after the send is told to the next one', async () => {
  const { peer, id } = await connected();
  const channel = await connection.attach({ socketId: id });
  await channel.shutdown();
  await channel.send('into a shut direction');
  let told: unknown = null;
  await until('it is told', async () => {
    told = await channel.send('again').catch((error: unknown) => error);
    return told !== undefined;
  });
  expect(told).toMatchObject({ problem: { code: 'EPIPE' } });
  await peer.kill();
});
