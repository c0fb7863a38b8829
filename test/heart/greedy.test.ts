import { dial, stopPrograms, until } from '../support/peers.js';
import { type Service, startService } from '../support/service.js';
import { StreamClient, terminateClients } from '../support/ws-client.js';

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

/** What the service does not take stays with the client: its bytes, once they stand still. */
async function leftWaiting(client: StreamClient): Promise<number> {
  let last = -1;
  let still = 0;
  await until('the service reads no further', () => {
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
