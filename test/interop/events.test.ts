import { dial, itWith, startPeer, startProgram, stopPrograms, type Peer } from '../support/peers.js';
import { type Service, startService } from '../support/service.js';

let service: Service;

beforeEach(async () => {
  service = await startService();
});

afterEach(async () => {
  await stopPrograms();
});

/** A listener, a connection that comes and goes, and the end of the listener. */
async function life(): Promise<{ listenerId: string; connectionId: string }> {
  const listener = await service.listen({ name: 'seen' });
  const peer = await dial(listener.port);
  const { id } = await service.connection(listener.id, peer.localPort);
  await peer.ask({ do: 'shutdown' }, 'shut-down');
  await service.post(`/v1/sockets/${id}/receive`, { waitMs: 5_000 });
  await service.del(`/v1/sockets/${id}`);
  await service.del('/v1/listeners/seen');
  return { listenerId: listener.id, connectionId: id };
}

const LIFE = ['created', 'accepted', 'eof', 'closed', 'closed'];

async function sees(follower: Peer, names: string[]): Promise<{ id: number; socketId: string }[]> {
  const seen: { id: number; socketId: string }[] = [];
  for (const name of names) {
    const { id, said } = await follower.event(name);
    expect(said!.name).toBe(name);
    seen.push({ id: id!, socketId: said!.socketId });
  }
  expect(seen.map(({ id }) => id)).toEqual(seen.map((_, i) => seen[0]!.id + i));
  return seen;
}

itWith('python3')(
  'python reads server-sent events, comes back, and sees the end of the service',
  async () => {
    const first = startPeer('events.py', ['sse', `${service.url}/v1/events`]);
    await first.event('ready');
    const { listenerId, connectionId } = await life();
    const seen = await sees(first, LIFE);
    expect(seen.map(({ socketId }) => socketId)).toEqual([
      listenerId,
      connectionId,
      connectionId,
      connectionId,
      listenerId,
    ]);
    await first.kill();
    const again = startPeer('events.py', ['sse', `${service.url}/v1/events`, String(seen[1]!.id)]);
    expect(await sees(again, LIFE.slice(2))).toEqual(seen.slice(2));
    expect(await service.stop()).toBe(0);
    await again.event('end');
    expect((await again.exit()).code).toBe(0);
  },
);

itWith('python3')('python watches events over a WebSocket', async () => {
  const filter = JSON.stringify({ listenerId: 'seen', kind: 'connection' });
  const peer = startPeer('events.py', ['watch', `127.0.0.1:${service.port}`, filter]);
  await peer.event('ready');
  const { connectionId } = await life();
  const seen = await sees(peer, ['accepted', 'eof', 'closed']);
  expect(seen.map(({ socketId }) => socketId)).toEqual([connectionId, connectionId, connectionId]);
  expect(await service.stop()).toBe(0);
  await peer.event('end');
});

itWith('curl')('curl -N shows each event as it comes, and ends with the service', async () => {
  const curl = startProgram('curl', ['-sSN', `${service.url}/v1/events?events=created,closed`]);
  const shows = (pattern: RegExp): Promise<true> =>
    curl.output(String(pattern), () => (pattern.test(curl.stdout.toString()) ? true : null));
  await shows(/^id: \d+$/m);
  const { id } = await service.listen();
  await shows(/^event: created\ndata: \{.*\}$/m);
  await service.del(`/v1/listeners/${id}`);
  await shows(/^event: closed\ndata: \{.*\}$/m);
  expect(await service.stop()).toBe(0);
  expect((await curl.exit()).code).toBe(0);
});
