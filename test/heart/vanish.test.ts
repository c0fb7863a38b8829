import { buildNetwork, cutNetwork, INSIDE, itInNetwork, NEAR, removeNetwork } from '../support/network.js';
import { dial, stopPrograms } from '../support/peers.js';
import { type Service, startService } from '../support/service.js';
import { StreamClient, terminateClients } from '../support/ws-client.js';

const possible = buildNetwork();
const check = itInNetwork(possible);

afterAll(async () => {
  terminateClients();
  await stopPrograms();
  if (possible) removeNetwork();
});

check(
  'a peer that vanishes ends in ETIMEDOUT with the final offset, and its bytes stay readable',
  async () => {
    const env = { SOCKEYE_KEEP_ALIVE_MS: '1000', SOCKEYE_BIND_ALLOW: NEAR };
    const service: Service = await startService(env);
    const listener = await service.listen({ host: NEAR });
    const peer = await dial(listener.port, NEAR, INSIDE);
    const { id } = await service.connection(listener.id, peer.localPort);
    const client = await StreamClient.open(service);
    const { channel } = await client.attach({ socketId: id });
    await peer.send('last words');
    expect(await client.bytes(channel, 10)).toEqual(Buffer.from('last words'));

    expect(cutNetwork()).toBe(true);
    await peer.kill();

    const gone = { code: 'ETIMEDOUT', errno: 110, message: expect.any(String) };
    const { data } = await client.message('closed', channel, 20_000);
    expect(data).toMatchObject({ offset: 10, reason: gone });
    expect(await service.socket(id)).toMatchObject({ state: 'failed', closeReason: gone });
    expect(await service.bytes(id)).toEqual(Buffer.from('last words'));
  },
);
