import { WebSocket } from 'ws';
import {
  connect,
  type Channel,
  type Connection,
  type ConnectionState,
  type ConnectOptions,
  ProblemError,
  SendInterruptedError,
  UnreachableError,
} from '../../clients/typescript/src/index.js';
import { delayBefore } from '../../clients/typescript/src/reconnect.js';
import { dial, type Peer, stopPrograms, until } from '../support/peers.js';
import { type Service, startService } from '../support/service.js';
import { Way } from '../support/way.js';

const KEY = 'tests.correct-horse-battery';
const OTHER_KEY = 'tests.another-horse-battery';
const soon = { initialDelayMs: 5, maxDelayMs: 20 };

let service: Service;
let way: Way;
const connections: Connection[] = [];

beforeAll(async () => {
  service = await startService({ SOCKEYE_API_KEYS: KEY }, KEY);
});
beforeEach(async () => {
  way = await Way.to(service.port);
});
afterEach(async () => {
  for (const connection of connections.splice(0)) connection.close();
  await way.close();
});
afterAll(stopPrograms);

async function connected(options: ConnectOptions = {}): Promise<Connection> {
  const connection = await connect(way.url, { WebSocket, token: KEY, reconnect: soon, ...options });
  connections.push(connection);
  return connection;
}

async function socket(): Promise<{ peer: Peer; id: string }> {
  const listener = await service.listen();
  const peer = await dial(listener.port);
  return { peer, id: (await service.connection(listener.id, peer.localPort)).id };
}

async function failureOf(channel: Channel): Promise<unknown> {
  const end = await channel.ended;
  return end.kind === 'failed' ? end.error : end;
}

it('whom the service does not let in is told so, and who is not there', async () => {
  const refused = connect(way.url, { WebSocket, token: OTHER_KEY });
  await expect(refused).rejects.toMatchObject({ status: 401, slug: 'unauthorized' });
  const nobody = await Way.to(1);
  await expect(connect(nobody.url, { WebSocket })).rejects.toThrow(UnreachableError);
  await nobody.close();
});

it('without a WebSocket of the platform, which Node 20 has not, one must be passed', async () => {
  const { WebSocket: own } = globalThis as { WebSocket?: unknown };
  Reflect.deleteProperty(globalThis, 'WebSocket');
  try {
    await expect(connect(way.url)).rejects.toThrow(/no global WebSocket/);
  } finally {
    if (own !== undefined) Object.assign(globalThis, { WebSocket: own });
  }
});

it('a problem of the service is an error with its code', async () => {
  const connection = await connected();
  await expect(connection.attach({ socketId: 'cli_none' })).rejects.toMatchObject({ status: 404 });
  await expect(connection.attach({ listenerId: 'none' })).rejects.toMatchObject({ slug: 'not-found' });
  const dialled = connection.dial({ host: '127.0.0.1', port: 1 });
  await expect(dialled).rejects.toMatchObject({ slug: 'blocked-by-policy', status: 403 });
  expect(await connection.ping()).toBeLessThan(5_000);
});

it('a channel whose socket is gone fails alone; the connection goes on with the others', async () => {
  const states: ConnectionState[] = [];
  const connection = await connected({ onState: (state) => states.push(state) });
  const [gone, there] = [await socket(), await socket()];
  const first = await connection.attach({ socketId: gone.id });
  const second = await connection.attach({ socketId: there.id });
  const waiting = first.items().next();
  way.target = 1;
  way.cut();
  // Deleting throws away what was not read.
  expect((await service.del(`/v1/sockets/${gone.id}`)).status).toBe(204);
  await there.peer.send('while it was away');
  way.target = service.port;
  await expect(waiting).rejects.toMatchObject({ status: 410 });
  expect(await failureOf(first)).toMatchObject({ status: 410 });
  expect(Buffer.from((await second[Symbol.asyncIterator]().next()).value).toString()).toBe(
    'while it was away',
  );
  expect(states).toEqual(['connected', 'reconnecting', 'connected']);
});

it('a service that has forgotten the socket fails its channel with 404, and takes new ones', async () => {
  const fresh = await startService({ SOCKEYE_API_KEYS: KEY }, KEY);
  const connection = await connected();
  const { id } = await socket();
  const channel = await connection.attach({ socketId: id });
  // More than anybody on the way holds; what has not set out would fail as the channel does.
  const sending = channel.send(Buffer.alloc(80 * 1024 * 1024)).catch((error: unknown) => error);
  await until('the first bytes are there', async () => (await service.socket(id)).sent.bytes > 0);
  way.target = fresh.port;
  way.cut();
  expect(await failureOf(channel)).toMatchObject({ status: 404 });
  expect(await sending).toBeInstanceOf(SendInterruptedError);
  await expect(channel.items().next()).rejects.toThrow(ProblemError);
  const listener = await connection.listen({ port: 0 });
  expect((await fresh.get<{ items: unknown[] }>('/v1/listeners')).body.items).toHaveLength(1);
  await listener.close();
  expect(await listener.ended).toMatchObject({ kind: 'closed' });
  expect(await fresh.stop()).toBe(0);
});

it('credentials that are refused on the way back end the connection, and all that is on it', async () => {
  const other = await startService({ SOCKEYE_API_KEYS: OTHER_KEY }, OTHER_KEY);
  const connection = await connected();
  const channel = await connection.attach({ socketId: (await socket()).id });
  const waiting = channel.items().next();
  way.target = other.port;
  way.cut();
  expect(await connection.closed).toMatchObject({ status: 401 });
  await expect(waiting).rejects.toMatchObject({ status: 401 });
  expect(await failureOf(channel)).toMatchObject({ status: 401 });
  await expect(connection.attach({ socketId: 'any' })).rejects.toMatchObject({ status: 401 });
  expect(await other.stop()).toBe(0);
});

it('what can not be reached any more is given up in the end; without reconnecting at once', async () => {
  const patient = await connected({ reconnect: { ...soon, giveUpAfterMs: 200 } });
  const hasty = await connected({ reconnect: false });
  way.target = 1;
  way.cut();
  expect(await patient.closed).toBeInstanceOf(UnreachableError);
  expect((await patient.closed)!.message).toMatch(/gave up after \d+ attempts/);
  expect(await hasty.closed).toBeInstanceOf(UnreachableError);
});

it('a cable that was pulled is noticed by the silence on it', async () => {
  const connection = await connected({ heartbeatMs: 100 });
  const { peer, id } = await socket();
  const channel = await connection.attach({ socketId: id });
  const bytes = channel[Symbol.asyncIterator]();
  way.silence();
  await peer.send('unheard');
  const made = way.made;
  await until('it tries again', () => way.made > made);
  way.restore();
  way.cut();
  expect(Buffer.from((await bytes.next()).value).toString()).toBe('unheard');
});

it('closing ends what waits, and leaves the socket to the next reader', async () => {
  const connection = await connected();
  const { peer, id } = await socket();
  const channel = await connection.attach({ socketId: id });
  const items = channel.items();
  await peer.send('taken');
  await items.next();
  const waiting = items.next();
  connection.close();
  await expect(waiting).rejects.toThrow('the connection was closed');
  expect(await connection.closed).toBeNull();
  await expect(channel.send('x')).rejects.toThrow('the connection was closed');
  await until('the service has seen it', async () => !(await service.socket(id)).readers[0]!.attached);
  expect((await service.socket(id)).received.committedOffset).toBe(5);
});

it('waits longer each time, never all at once', () => {
  const at = (attempt: number, random: number): number => delayBefore(attempt, {}, () => random);
  expect([0, 1, 2, 3].map((attempt) => at(attempt, 1))).toEqual([200, 400, 800, 1600]);
  expect(at(0, 0)).toBe(100);
  expect(at(1_000, 1)).toBe(10_000);
  expect(at(1_000, 0)).toBe(5_000);
});
