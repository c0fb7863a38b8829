import { createHash, randomBytes } from 'node:crypto';
import { dial, type Peer, stopPrograms, until } from '../support/peers.js';
import { type Service, startService } from '../support/service.js';
import { PipeClient, StreamClient, terminateClients } from '../support/ws-client.js';

const MiB = 1024 * 1024;
const MEMORY = 64 * MiB;
const CHUNKS = 256;

let service: Service;
let before: number;

beforeEach(async () => {
  service = await startService();
  before = service.rss();
});

afterEach(async () => {
  terminateClients();
  await stopPrograms();
});

async function connected(): Promise<{ peer: Peer; id: string }> {
  const listener = await service.listen();
  const peer = await dial(listener.port);
  return { peer, id: (await service.connection(listener.id, peer.localPort)).id };
}

type Sender = Pick<PipeClient, 'ws' | 'close'> & { send(chunk: Buffer): void };

const doors: [string, (id: string) => Promise<Sender>][] = [
  ['a pipe', (id) => PipeClient.open(service, `socketId=${id}`)],
  [
    'a channel beyond its credit',
    async (id) => {
      const client = await StreamClient.open(service);
      const { channel } = await client.attach({ socketId: id });
      return Object.assign(client, { send: (chunk: Buffer) => client.frame(channel, chunk) });
    },
  ],
];

it.each(doors)(
  '%s whose peer does not read is read no further, and all its bytes arrive in the end',
  async (_, open) => {
    const { peer, id } = await connected();
    const sender = await open(id);
    const chunk = randomBytes(MiB);
    const hash = createHash('sha256');
    for (let count = 0; count < CHUNKS; count++) {
      sender.send(chunk);
      hash.update(chunk);
    }

    let waiting = -1;
    let same = 0;
    await until('nothing more is taken', () => {
      same = sender.ws.bufferedAmount === waiting ? same + 1 : 0;
      waiting = sender.ws.bufferedAmount;
      return same > 20;
    });
    expect(waiting).toBeGreaterThan((CHUNKS / 2) * MiB);
    expect(service.rss() - before).toBeLessThan(MEMORY);

    const end = peer.ask({ do: 'drain' }, 'eof', 30_000);
    await until('the last byte was taken', () => sender.ws.bufferedAmount === 0, 30_000);
    await sender.close();
    await service.post(`/v1/sockets/${id}/shutdown`, { how: 'write' });
    expect(await end).toMatchObject({ bytes: CHUNKS * MiB, sha256: hash.digest('hex') });
  },
  60_000,
);

/** Sends as the credit of a channel allows, until no more comes; says how much that was. */
async function useUpCredit(client: StreamClient, channel: number): Promise<number> {
  let sent = 0;
  // A ping is answered after all credit that was given before it.
  for (let without = 0; without < 50; without++) {
    await client.ask('ping');
    const credits = client.inbox.takeAll(
      (item) => item.kind === 'message' && item.event === 'credit' && item.data.channel === channel,
    );
    for (const credit of credits) {
      const bytes = credit.kind === 'message' ? credit.data.bytes! : 0;
      client.frame(channel, Buffer.alloc(bytes - 10));
      client.say('ping'); // what comes behind it is not put together with what is before
      client.frame(channel, Buffer.alloc(10));
      sent += bytes;
      without = 0;
    }
  }
  return sent;
}

it('a peer that does not read uses up the credit of its channel, and the others go on', async () => {
  const [stalled, other] = [await connected(), await connected()];
  const client = await StreamClient.open(service);
  const first = await client.attach({ socketId: stalled.id });
  const second = await client.attach({ socketId: other.id });
  const sent = await useUpCredit(client, first.channel);
  expect(sent).toBeGreaterThan(0);
  expect(sent).toBeLessThan(MEMORY);

  const payload = randomBytes(64 * 1024);
  client.frame(second.channel, payload);
  expect((await other.peer.receive(payload.length)).equals(payload)).toBe(true);
  await other.peer.send('and back');
  expect((await client.bytes(second.channel, 8)).toString()).toBe('and back');

  // Read at last, the first gives credit again, and has got every byte.
  const end = stalled.peer.ask({ do: 'drain' }, 'eof');
  expect((await client.message('credit', first.channel)).data.bytes).toBeGreaterThan(0);
  await client.ask('shutdown', { channel: first.channel });
  expect((await end).bytes).toBe(sent);
}, 60_000);
