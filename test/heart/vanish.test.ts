import { spawnSync } from 'node:child_process';
import { dial, stopPrograms } from '../support/peers.js';
import { type Service, startService } from '../support/service.js';
import { StreamClient, terminateClients } from '../support/ws-client.js';

/** A network of two: this host, and a namespace that can be cut off without a word. */
const NAME = `sockeye-${process.pid}`;
// Of its own for each process: what a killed run has left behind must not stand in the way.
const SUBNET = `10.${(process.pid >>> 8) % 256}.${process.pid % 256}`;
const [NEAR, FAR] = [`${SUBNET}.1`, `${SUBNET}.2`];
const [LINK, FAR_LINK] = [`ske${process.pid % 100_000}a`, `ske${process.pid % 100_000}b`];
const INSIDE = ['ip', 'netns', 'exec', NAME];

function run(...command: string[]): boolean {
  return spawnSync(command[0]!, command.slice(1)).status === 0;
}

function build(): boolean {
  return (
    run('ip', 'netns', 'add', NAME) &&
    run('ip', 'link', 'add', LINK, 'type', 'veth', 'peer', 'name', FAR_LINK, 'netns', NAME) &&
    run('ip', 'address', 'add', `${NEAR}/30`, 'dev', LINK) &&
    run('ip', 'link', 'set', LINK, 'up') &&
    run(...INSIDE, 'ip', 'address', 'add', `${FAR}/30`, 'dev', FAR_LINK) &&
    run(...INSIDE, 'ip', 'link', 'set', FAR_LINK, 'up')
  );
}

function remove(): void {
  run('ip', 'link', 'delete', LINK);
  run('ip', 'netns', 'delete', NAME);
}

/** From here on nothing leaves the namespace, and nobody is told. */
function cut(): boolean {
  const farLink = spawnSync('ip', ['netns', 'exec', NAME, 'cat', `/sys/class/net/${FAR_LINK}/address`]);
  const address = farLink.stdout.toString().trim();
  return (
    // Without this the host would find out by ARP, and say EHOSTUNREACH.
    run('ip', 'neighbour', 'replace', FAR, 'lladdr', address, 'dev', LINK, 'nud', 'permanent') &&
    run(...INSIDE, 'ip', 'route', 'add', 'blackhole', `${NEAR}/32`)
  );
}

const possible = build();
if (!possible) {
  remove();
  console.warn('test of a vanished peer skipped: no permission to make a network namespace');
}
const itInNamespace = possible ? it : it.skip;
const reason = possible ? '' : ' (skipped: no permission to make a network namespace)';

afterAll(async () => {
  terminateClients();
  await stopPrograms();
  if (possible) remove();
});

itInNamespace(
  `a peer that vanishes ends in ETIMEDOUT with the final offset, and its bytes stay readable${reason}`,
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

    expect(cut()).toBe(true);
    await peer.kill();

    const gone = { code: 'ETIMEDOUT', errno: 110, message: expect.any(String) };
    const { data } = await client.message('closed', channel, 20_000);
    expect(data).toMatchObject({ offset: 10, reason: gone });
    expect(await service.socket(id)).toMatchObject({ state: 'failed', closeReason: gone });
    expect(await service.bytes(id)).toEqual(Buffer.from('last words'));
  },
  40_000,
);
