/** Sockets that end by a decision, seen by peers that are not ours and by a reader on a WebSocket. */
import { dial, stopPrograms, until } from '../support/peers.js';
import { type Answer, type Service, startService, type SocketView } from '../support/service.js';
import { StreamClient, terminateClients } from '../support/ws-client.js';

let service: Service;

beforeAll(async () => {
  service = await startService();
});

afterAll(async () => {
  terminateClients();
  await stopPrograms();
});

function put<T>(path: string, body: object): Promise<Answer<T>> {
  const headers = { 'content-type': 'application/json' };
  return service.call<T>(path, { method: 'PUT', headers, body: JSON.stringify(body) });
}

/** A listener, a peer that has connected to it, and the connection. */
async function scene(spec: Record<string, unknown> = {}) {
  const listener = await service.listen(spec);
  const peer = await dial(listener.port);
  return { listener, peer, connection: await service.connection(listener.id, peer.localPort) };
}

it('a drain answers when the last peer has finished, and every byte of it is there', async () => {
  const { listener, peer, connection } = await scene();
  const closing = service.del(`/v1/listeners/${listener.id}?drainMs=60000`);
  await peer.send('after the close of the listener');
  await peer.ask({ do: 'close' }, 'closed');
  await service.post(`/v1/sockets/${connection.id}/shutdown`, { how: 'write' });
  expect((await closing).status).toBe(204);
  expect((await service.bytes(connection.id)).toString()).toBe('after the close of the listener');
  expect((await service.socket(connection.id)).closeReason).toBe('eof');
});

it('a drain ends a peer that does not finish, once its time is over', async () => {
  const { listener, peer, connection } = await scene();
  expect((await service.del(`/v1/listeners/${listener.id}?drainMs=200`)).status).toBe(204);
  expect((await service.socket(connection.id)).closeReason).toBe('listener-closed');
  await peer.ask({ do: 'drain' }, 'eof');
});

it('a lease that nobody renews ends the listener, its connections and who reads them', async () => {
  const { listener, peer, connection } = await scene({ leaseMs: 60_000 });
  const client = await StreamClient.open(service);
  const attached = await client.attach({ socketId: connection.id });
  await put(`/v1/sockets/${listener.id}/lease`, { leaseMs: 1 });
  await peer.ask({ do: 'drain' }, 'eof');
  const { data } = await client.message('closed', attached.channel);
  expect(data).toMatchObject({ reason: 'listener-closed' });
  expect((await service.socket(listener.id)).closeReason).toBe('lease');
});

it('a replaced listener cuts no peer: what it sends before, meanwhile and after arrives whole', async () => {
  const name = 'replaced-under-load';
  const { listener, peer, connection } = await scene({ name });
  const sending = peer.ask({ do: 'send-random', bytes: 500_000, seed: 7 }, 'sent');
  const ids = new Set([listener.id]);
  for (const backlog of [10, 11, 12, 13]) {
    const { status, body } = await put<SocketView>(`/v1/listeners/${name}`, {
      port: listener.port,
      backlog,
    });
    expect(status).toBe(200);
    ids.add(body.id);
  }
  expect(ids.size).toBe(5);
  await sending;
  await peer.ask({ do: 'shutdown' }, 'shut-down');
  await until('all bytes', async () => (await service.socket(connection.id)).received.bytes === 500_000);
  const late = await dial(listener.port);
  const { body } = await service.get<SocketView>(`/v1/listeners/${name}`);
  await service.connection(body.id, late.localPort);
});
