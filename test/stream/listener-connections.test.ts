import { once } from 'node:events';
import net from 'node:net';
import { stopPrograms, until } from '../support/peers.js';
import { type Service, startService } from '../support/service.js';
import { StreamClient, terminateClients } from '../support/ws-client.js';

const PRESENT = 1_000;

let service: Service;
const peers: net.Socket[] = [];

beforeAll(async () => {
  service = await startService();
});
afterAll(async () => {
  terminateClients();
  for (const peer of peers) peer.destroy();
  await stopPrograms();
});

async function connect(port: number, count: number): Promise<void> {
  const made = Array.from({ length: count }, () =>
    net.connect(port, '127.0.0.1').on('error', () => undefined),
  );
  peers.push(...made);
  await Promise.all(made.map((peer) => once(peer, 'connect')));
}

async function accepted(listenerId: string, count: number): Promise<void> {
  const path = `/v1/listeners/${listenerId}`;
  const look = async (): Promise<number> =>
    (await service.get<{ acceptedConnections: number }>(path)).body.acceptedConnections;
  await until(`${count} are accepted`, async () => (await look()) === count);
}

/** The connections that the client is told of, until they are so many. */
async function told(client: StreamClient, count: number): Promise<number> {
  const ids = new Set<string>();
  for (let i = 0; i < count; i += 1) ids.add((await client.message('accepted')).data.socket!.id);
  return ids.size;
}

it('come once each to who attaches, those that come meanwhile too', async () => {
  const { id, port } = await service.listen({ backlog: PRESENT, limits: { maxConnections: 2 * PRESENT } });
  await connect(port, PRESENT);
  await accepted(id, PRESENT);
  const client = await StreamClient.open(service);
  client.say('attach', { listenerId: id });
  await connect(port, 20);
  expect(await told(client, PRESENT + 20)).toBe(PRESENT + 20);
  await client.ask('ping');
  expect(client.inbox.takeAll((item) => item.kind === 'message' && item.event === 'accepted')).toEqual([]);
});

it('come all, and before the end of the listener, when it is replaced meanwhile', async () => {
  const { id, port } = await service.listen({ name: 'many', backlog: PRESENT });
  await connect(port, PRESENT);
  await accepted(id, PRESENT);
  const client = await StreamClient.open(service);
  client.say('attach', { listenerId: id });
  expect((await service.put('/v1/listeners/many', { labels: { turn: '2' } })).status).toBe(200);
  const { data } = await client.message('closed', 1);
  expect(data.reason).toBe('replaced');
  const before = client.inbox.takeAll((item) => item.kind === 'message' && item.event === 'accepted');
  expect(before).toHaveLength(PRESENT);
});

it('come no more once the listener is detached', async () => {
  const { id, port } = await service.listen({ backlog: PRESENT });
  await connect(port, PRESENT);
  await accepted(id, PRESENT);
  const client = await StreamClient.open(service);
  // Both arrive at once: the service has not begun to wait with what it reads.
  const { _socket: connection } = client.ws as unknown as { _socket: net.Socket };
  connection.cork();
  client.say('attach', { listenerId: id });
  client.say('detach', { channel: 1 });
  connection.uncork();
  await client.ask('ping');
  const events = client.inbox.takeAll(() => true).map((item) => (item.kind === 'message' ? item.event : ''));
  expect(events.lastIndexOf('accepted')).toBeLessThan(events.indexOf('done'));
});

it('wait for one client in bounded number, however many attachments it asks for', async () => {
  const { id, port } = await service.listen({ backlog: PRESENT });
  await connect(port, PRESENT);
  await accepted(id, PRESENT);
  const client = await StreamClient.open(service);
  client.say('attach', { attachments: Array(100).fill({ listenerId: id, mode: 'observe' }) });
  await client.ask('ping');
  const attached = client.inbox.takeAll((item) => item.kind === 'message' && item.event === 'attached');
  expect(attached.length).toBeGreaterThan(5);
  expect(attached.length).toBeLessThan(15);
}, 60_000);
