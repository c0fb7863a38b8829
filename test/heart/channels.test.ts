import { once } from 'node:events';
import net from 'node:net';
import { stopPrograms } from '../support/peers.js';
import { type Service, startService } from '../support/service.js';
import { StreamClient, terminateClients } from '../support/ws-client.js';

/** More than one WebSocket may have at once. */
const CONNECTIONS = 10_050;
const AT_ONCE = 50;

let service: Service;

beforeAll(async () => {
  service = await startService({ SOCKEYE_LOG_LEVEL: 'error' });
});

afterAll(async () => {
  terminateClients();
  await stopPrograms();
});

/** A peer that connects, and goes when it is closed. */
async function comeAndGo(port: number): Promise<void> {
  const peer = net.connect({ port, host: '127.0.0.1' }).resume();
  await once(peer, 'close');
}

it('a reader of a listener goes on past any number of connections: a channel that is done is given back', async () => {
  const listener = await service.listen();
  const client = await StreamClient.open(service);
  await client.attach({ listenerId: listener.id });
  let closed = 0;
  const seen = (async () => {
    for await (const item of client) {
      if (item.kind !== 'message') continue;
      expect(item.event).not.toBe('error');
      if (item.event === 'accepted') client.say('close', { channel: item.data.channel });
      if (item.event === 'closed') closed += 1;
      if (closed === CONNECTIONS) return;
    }
  })();
  for (let made = 0; made < CONNECTIONS; made += AT_ONCE) {
    await Promise.all(Array.from({ length: AT_ONCE }, () => comeAndGo(listener.port)));
  }
  await seen;
  expect(closed).toBe(CONNECTIONS);
}, 60_000);
