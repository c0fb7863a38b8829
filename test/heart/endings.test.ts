import { createHash } from 'node:crypto';
import { dial, type Peer, stopPrograms } from '../support/peers.js';
import { type Service, startService } from '../support/service.js';
import { type Attached, ConsumingReader, StreamClient, terminateClients } from '../support/ws-client.js';

const BYTES = 100_000;

let service: Service;

beforeAll(async () => {
  service = await startService();
});

afterAll(async () => {
  terminateClients();
  await stopPrograms();
});

interface Scene {
  peer: Peer;
  id: string;
  client: StreamClient;
  attached: Attached;
  sha256: string;
}

/** A peer that has sent BYTES to a socket, and a reader that has got them all and acknowledged none. */
async function scene(): Promise<Scene> {
  const listener = await service.listen();
  const peer = await dial(listener.port);
  const { id } = await service.connection(listener.id, peer.localPort);
  const client = await StreamClient.open(service);
  const attached = await client.attach({ socketId: id });
  const { sha256 } = await peer.ask({ do: 'send-random', bytes: BYTES, seed: 3 }, 'sent');
  for (let got = 0; got < BYTES;) {
    const frame = await client.inbox.take('bytes', (item) => item.kind === 'frame');
    if (frame.kind === 'frame') got += frame.bytes.length;
  }
  return { peer, id, client, attached, sha256: sha256! };
}

/** Whatever has happened: bytes that nobody acknowledged are still there, over both doors. */
async function expectReadable({ id, sha256 }: Scene): Promise<void> {
  const read = await service.bytes(id);
  expect(createHash('sha256').update(read).digest('hex')).toBe(sha256);

  const late = new ConsumingReader(service, { socketId: id, windowBytes: 2 * BYTES });
  await late.attach();
  await late.read(BYTES);
  expect(late.hash.digest('hex')).toBe(sha256);
}

const RESET = { code: 'ECONNRESET', errno: 104, message: expect.any(String) };

it('EOF: the reader gets the final offset, the socket is half closed, the bytes stay readable', async () => {
  const scenery = await scene();
  const { peer, client, attached, id } = scenery;
  await peer.ask({ do: 'close' }, 'closed');

  const { data } = await client.message('eof', attached.channel);
  expect(data.offset).toBe(BYTES);
  expect(await service.socket(id)).toMatchObject({ state: 'half-closed-remote', closeReason: null });
  await expectReadable(scenery);
});

it('EOF both ways: the socket is closed, for the reason eof', async () => {
  const scenery = await scene();
  const { peer, client, attached, id } = scenery;
  await peer.ask({ do: 'shutdown' }, 'shut-down');
  await client.message('eof', attached.channel);
  await service.post(`/v1/sockets/${id}/shutdown`, { how: 'write' });

  const { data } = await client.message('closed', attached.channel);
  expect(data).toMatchObject({ offset: BYTES, reason: 'eof' });
  expect(await service.socket(id)).toMatchObject({ state: 'closed', closeReason: 'eof' });
  expect(await peer.ask({ do: 'drain' }, 'eof')).toMatchObject({ bytes: 0 });
  await expectReadable(scenery);
});

it('RST: the reader gets ECONNRESET with the final offset, and the bytes stay readable', async () => {
  const scenery = await scene();
  const { peer, client, attached, id } = scenery;
  await peer.ask({ do: 'reset' }, 'closed');

  const { data } = await client.message('closed', attached.channel);
  expect(data).toMatchObject({ offset: BYTES, reason: RESET });
  expect(await service.socket(id)).toMatchObject({ state: 'failed', closeReason: RESET });
  expect(client.inbox.takeAll((item) => item.kind === 'message' && item.event === 'eof')).toEqual([]);
  await expectReadable(scenery);
});

it('RST while nothing is read: what the kernel had taken before comes first, and then ECONNRESET', async () => {
  const listener = await service.listen();
  const peer = await dial(listener.port);
  const { id } = await service.connection(listener.id, peer.localPort);
  expect((await service.post(`/v1/sockets/${id}/pause`, {})).status).toBeLessThan(300);
  const { sha256 } = await peer.ask({ do: 'send-random', bytes: BYTES, seed: 4 }, 'sent');
  await peer.ask({ do: 'flush' }, 'flushed');
  await peer.ask({ do: 'reset' }, 'closed');

  const reader = new ConsumingReader(service, { socketId: id, windowBytes: 2 * BYTES });
  await reader.attach();
  expect((await service.post(`/v1/sockets/${id}/resume`, {})).status).toBeLessThan(300);
  await reader.read(BYTES);
  const { data } = await reader.client!.message('closed', reader.channel);
  expect(data).toMatchObject({ offset: BYTES, reason: RESET });
  expect(reader.hash.digest('hex')).toBe(sha256);
});

it('RST behind a full window: what the kernel had taken before comes first, and then ECONNRESET', async () => {
  const listener = await service.listen({ receive: { windowBytes: 8192 } });
  const peer = await dial(listener.port);
  const { id } = await service.connection(listener.id, peer.localPort);
  const total = 40_000;
  const { sha256 } = await peer.ask({ do: 'send-random', bytes: total, seed: 4 }, 'sent');
  await peer.ask({ do: 'flush' }, 'flushed');
  await peer.ask({ do: 'reset' }, 'closed');

  const reader = new ConsumingReader(service, { socketId: id, windowBytes: 8192 });
  await reader.attach();
  await reader.read(total);
  const { data } = await reader.client!.message('closed', reader.channel);
  expect(data).toMatchObject({ offset: total, reason: RESET });
  expect(reader.hash.digest('hex')).toBe(sha256);
});

it('a peer whose process is killed ends the stream as its kernel does, with EOF', async () => {
  const scenery = await scene();
  const { peer, client, attached, id } = scenery;
  await peer.kill();

  expect((await client.message('eof', attached.channel)).data.offset).toBe(BYTES);
  expect((await service.socket(id)).state).toBe('half-closed-remote');
  await expectReadable(scenery);
});

it('a peer whose process is killed with bytes unread resets the connection', async () => {
  const scenery = await scene();
  const { peer, client, attached, id } = scenery;
  await service.post(`/v1/sockets/${id}/data`, Buffer.from('never read'));
  await peer.kill();

  const { data } = await client.message('closed', attached.channel);
  expect(data).toMatchObject({ offset: BYTES, reason: RESET });
  expect(await service.socket(id)).toMatchObject({ state: 'failed', closeReason: RESET });
  await expectReadable(scenery);
});

it('a close over the API reaches the reader with its reason, and the peer as EOF', async () => {
  const scenery = await scene();
  const { peer, client, attached, id } = scenery;
  expect((await service.del(`/v1/sockets/${id}`)).status).toBeLessThan(300);

  const { data } = await client.message('closed', attached.channel);
  expect(data).toMatchObject({ offset: BYTES, reason: 'api' });
  expect(await peer.ask({ do: 'drain' }, 'eof')).toMatchObject({ bytes: 0 });
  expect((await service.get(`/v1/sockets/${id}`)).status).toBe(410);
});
