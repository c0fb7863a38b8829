import { WebSocket } from 'ws';
import {
  connect,
  type Channel,
  type Connection,
  type Datagram,
  type Item,
  type Missed,
  type SocketEvent,
} from '../../clients/typescript/src/index.js';
import { dial, until } from '../support/peers.js';
import { cuttable } from './cuttable.js';

/* What has no promise of its own to come: datagrams, and events; and connections that come while nobody looks. */

const at = cuttable();

async function take<T>(items: AsyncIterableIterator<T>): Promise<T> {
  const { value } = (await items.next()) as { value: T };
  return value;
}

const text = (item: Item): string => Buffer.from((item as Datagram).bytes).toString();

function portOf({ socket }: { socket: { localAddress: object } }): number {
  return (socket.localAddress as { port: number }).port;
}

it('datagrams come with sender and time, and go to whom they are to, by address or by name', async () => {
  const here = await at.connection.bind({ protocol: 'udp', host: '127.0.0.1', port: 0 });
  const there = await at.connection.bind({ protocol: 'udp', host: '127.0.0.1', port: 0 });
  const [items, answers] = [here.items(), there.items()];
  const before = Date.now() * 1000;
  await there.send('by address', { address: '127.0.0.1', port: portOf(here) });
  const first = (await take(items)) as Datagram;
  expect(first).toMatchObject({
    kind: 'datagram',
    sequence: 0,
    from: { address: '127.0.0.1', port: portOf(there) },
  });
  expect(text(first)).toBe('by address');
  expect(first.timeMicros).toBeGreaterThan(before - 1_000_000);
  await there.send('by name', { host: 'localhost', port: portOf(here) });
  expect(text(await take(items))).toBe('by name');
  await here.send('', first.from as { address: string; port: number });
  expect(await take(answers)).toMatchObject({ sequence: 0, bytes: new Uint8Array() });
  const destination = { address: '127.0.0.1', port: portOf(there) };
  await here.send(new Uint8Array(65_508), destination);
  let told: unknown = null;
  await until('the next is told', async () => {
    told = await here.send('next', destination).catch((error: unknown) => error);
    return told !== undefined;
  });
  expect(told).toMatchObject({ problem: { code: 'EMSGSIZE' } });
});

describe('of two sends that were refused', () => {
  let connection: Connection;
  let channel: Channel;
  beforeEach(async () => {
    const refusals: string[] = [];
    class Watched extends WebSocket {
      constructor(url: string, protocols: string[]) {
        super(url, protocols);
        this.on('message', (data: Buffer, isBinary) => {
          if (!isBinary && data.toString().startsWith('{"event":"error"')) refusals.push(data.toString());
        });
      }
    }
    connection = await connect(at.service.url, { WebSocket: Watched });
    channel = await connection.bind({ protocol: 'udp', host: '127.0.0.1', port: 0 });
    // Nothing goes anywhere: the policy forbids both.
    await channel.send('x', { address: '169.254.169.254', port: 9 });
    await channel.send('x', { address: '255.255.255.255', port: 9 });
    await until('both refusals came', () => refusals.length === 2);
  });
  afterEach(() => connection.close());

  const first = { slug: 'blocked-by-policy', message: expect.stringContaining('169.254.169.254') as string };

  it('the next is told the first', async () => {
    await expect(channel.send('next')).rejects.toMatchObject(first);
  });

  it.each(['graceful', 'reset'] as const)('a close, %s, closes and then tells the first', async (mode) => {
    await expect(channel.close(mode)).rejects.toMatchObject(first);
    expect(await channel.ended).toMatchObject({ kind: 'closed' });
    expect((await at.service.socket(channel.socket.id)).state).toBe('closed');
    await channel.close();
  });
});

it('datagrams go on after a cut, each once, and what was dropped is a gap', async () => {
  const receive = { windowBytes: 65_536 };
  const here = await at.connection.bind({ protocol: 'udp', host: '127.0.0.1', port: 0, receive });
  const peer = await at.service.post<{ id: string }>('/v1/clients', {
    protocol: 'udp',
    host: '127.0.0.1',
    port: portOf(here),
  });
  const say = async (bytes: Buffer): Promise<void> => {
    await at.service.post(`/v1/sockets/${peer.body.id}/data`, bytes);
  };
  const items = here.items();
  await say(Buffer.from('first'));
  expect(text(await take(items))).toBe('first');
  at.way.target = 1;
  at.way.cut();
  for (let i = 0; i < 100; i += 1) await say(Buffer.alloc(1_000, i));
  await until('some were dropped', async () => {
    const { received } = await at.service.socket(here.socket.id);
    return received.headOffset === 101;
  });
  at.way.target = at.service.port;
  const gap = await take(items);
  expect(gap).toMatchObject({ kind: 'gap', from: 1 });
  const { to } = gap as { to: number };
  for (let sequence = to; sequence <= 100; sequence += 1) {
    const item = await take(items);
    expect(item).toMatchObject({ kind: 'datagram', sequence });
    expect((item as Datagram).bytes[0]).toBe(sequence - 1);
  }
});

it('events come in order over a cut, of every filter, each once', async () => {
  const watch = await at.connection.watch([
    { kind: 'listener', events: ['created'] },
    { kind: 'connection', events: ['accepted'] },
  ]);
  const events = watch[Symbol.asyncIterator]();
  const named = async (): Promise<string> => {
    const { name, socketId } = (await take<SocketEvent | Missed>(events)) as SocketEvent;
    return `${name} ${socketId}`;
  };
  const first = await at.service.listen();
  expect(await named()).toBe(`created ${first.id}`);
  at.way.target = 1;
  at.way.cut();
  const second = await at.service.listen();
  const peer = await dial(second.port);
  const { id } = await at.service.connection(second.id, peer.localPort);
  const third = await at.service.listen();
  at.way.target = at.service.port;
  const seen = [await named(), await named(), await named()];
  expect(seen).toEqual([`created ${second.id}`, `accepted ${id}`, `created ${third.id}`]);
  await expect(at.connection.watch()).rejects.toThrow(/there is a watch/);
  await watch.close();
  expect((await events.next()).done).toBe(true);
  await (await at.connection.watch()).close();
});

it('a listener hands over each connection once: what was given back while it was cut does not come again', async () => {
  const listener = await at.connection.listen({ port: 0 });
  const connections = listener[Symbol.asyncIterator]();
  const [kept, left] = [await dial(portOf(listener)), await dial(portOf(listener))];
  const [first, second] = [await take(connections), await take(connections)];
  await left.send('not read');
  await second.detach();
  at.way.target = 1;
  at.way.cut();
  const late = await dial(portOf(listener));
  await kept.send('while it was away');
  at.way.target = at.service.port;
  const third = await take(connections);
  expect(third.socket.remoteAddress).toMatchObject({ port: late.localPort });
  expect(text((await first.items().next()).value as Item)).toBe('while it was away');
  // Leaving the listener leaves its channels.
  await listener.detach();
  expect((await connections.next()).done).toBe(true);
  at.way.cut();
  await kept.send('and later');
  expect(text((await first.items().next()).value as Item)).toBe('and later');
});

it('text goes on after a cut where it was, not in the middle of a character', async () => {
  const listener = await at.service.listen();
  const peer = await dial(listener.port);
  const { id } = await at.service.connection(listener.id, peer.localPort);
  const channel = await at.connection.attach({ socketId: id, encoding: 'utf8' });
  const texts = channel.text();
  const said = 'grüße, 你好! '.repeat(3_000);
  let heard = '';
  const end = Buffer.byteLength(said);
  const sending = (async () => {
    const bytes = Buffer.from(said);
    for (let from = 0; from < end; from += 4_321) {
      await peer.send(bytes.subarray(from, from + 4_321));
      if (from % 2 === 1) at.way.cut();
    }
  })();
  while (heard.length < said.length) heard += await take(texts);
  await sending;
  expect(heard).toBe(said);
});
