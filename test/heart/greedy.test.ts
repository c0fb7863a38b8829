import type { Socket } from 'node:net';
import { dial, stopPrograms, until } from '../support/peers.js';
import { type Service, startService } from '../support/service.js';
import { PipeClient, StreamClient, terminateClients } from '../support/ws-client.js';

/* Clients that ask for more than their share: what they can pile up in the service is bounded. */

const MiB = 1024 * 1024;
const MEMORY = 128 * MiB;

let service: Service;

beforeEach(async () => {
  service = await startService();
});

afterEach(async () => {
  terminateClients();
  await stopPrograms();
});

/** What the service does not take stays with the client: its bytes, once they stand still while the service has turns. */
async function leftWaiting(client: StreamClient | PipeClient): Promise<number> {
  let last = -1;
  let still = 0;
  await until('the service reads no further', async () => {
    await service.get('/health/live');
    still = client.ws.bufferedAmount === last ? still + 1 : 0;
    last = client.ws.bufferedAmount;
    return still >= 10;
  });
  return last;
}

it('a client that asks and does not read the answers is not read any further', async () => {
  const before = service.rss();
  const client = await StreamClient.open(service);
  client.stopReading();
  const text = 'x'.repeat(MiB);
  for (let i = 0; i < 400; i += 1) client.say('ping', text);
  expect(await leftWaiting(client)).toBeGreaterThan(200 * MiB);
  expect(service.rss() - before).toBeLessThan(MEMORY);
}, 30_000);

it('small sends on one channel do not let a client send beyond its credit on another', async () => {
  const listener = await service.listen();
  // Neither reads what it gets, until it is told to.
  await dial(listener.port);
  await dial(listener.port);
  const client = await StreamClient.open(service);
  await client.attach({ listenerId: listener.id });
  const channels = [await client.message('accepted'), await client.message('accepted')];
  const before = service.rss();
  const [first, second] = channels.map(({ data }) => data.channel!);
  for (let i = 0; i < 300; i += 1) {
    client.frame(first!, Buffer.alloc(MiB));
    client.frame(second!, Buffer.from('x'));
  }
  expect(await leftWaiting(client)).toBeGreaterThan(200 * MiB);
  expect(service.rss() - before).toBeLessThan(MEMORY);
}, 30_000);

const BLOCKS = 100;

/** 8,000 pings of 125 bytes each, with a mask of zeros (RFC 6455, 5.5.2). */
const PINGS = Buffer.concat(
  Array<Buffer>(8_000).fill(Buffer.concat([Buffer.from([0x89, 0x80 | 125, 0, 0, 0, 0]), Buffer.alloc(125)])),
);

it.each(['stream', 'pipe'])(
  'a client of /v1/%s that pings and does not read the pongs is not read any further, until it reads',
  async (path) => {
    const { port } = await service.listen();
    const client =
      path === 'stream'
        ? await StreamClient.open(service)
        : await PipeClient.open(service, `host=127.0.0.1&port=${port}`);
    const before = service.rss();
    client.stopReading();
    const { _socket: connection } = client.ws as unknown as { _socket: Socket };
    for (let i = 0; i < BLOCKS; i += 1) connection.write(PINGS);
    expect(await leftWaiting(client)).toBeGreaterThan(50 * MiB);
    expect(service.rss() - before).toBeLessThan(MEMORY);
    let pongs = 0;
    client.ws.on('pong', () => (pongs += 1)).resume();
    await until('all are answered', () => pongs === BLOCKS * 8_000);
  },
  60_000,
);
