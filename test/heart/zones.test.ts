import { spawnSync } from 'node:child_process';
import { dial, startPeer, stopPrograms } from '../support/peers.js';
import { type Problem, type Service, type SocketView, startService } from '../support/service.js';

/** A link of two: link-local addresses mean something on it, and only with its name. */
const NAME = `sockeye-zone-${process.pid}`;
const [LINK, FAR_LINK] = [`skz${process.pid % 100_000}a`, `skz${process.pid % 100_000}b`];
const INSIDE = ['ip', 'netns', 'exec', NAME];
const [NEAR, FAR] = [`fe80::1%${LINK}`, `fe80::2%${LINK}`];

function run(...command: string[]): boolean {
  return spawnSync(command[0]!, command.slice(1)).status === 0;
}

function build(): boolean {
  return (
    run('ip', 'netns', 'add', NAME) &&
    run('ip', 'link', 'add', LINK, 'type', 'veth', 'peer', 'name', FAR_LINK, 'netns', NAME) &&
    run('ip', 'link', 'set', LINK, 'addrgenmode', 'none') &&
    run(...INSIDE, 'ip', 'link', 'set', FAR_LINK, 'addrgenmode', 'none') &&
    run('ip', 'address', 'add', 'fe80::1/64', 'dev', LINK, 'nodad') &&
    run('ip', 'link', 'set', LINK, 'up') &&
    run(...INSIDE, 'ip', 'address', 'add', 'fe80::2/64', 'dev', FAR_LINK, 'nodad') &&
    run(...INSIDE, 'ip', 'link', 'set', FAR_LINK, 'up')
  );
}

function remove(): void {
  run('ip', 'link', 'delete', LINK);
  run('ip', 'netns', 'delete', NAME);
}

const possible = build();
const reason = possible ? '' : ' (skipped: no permission to make a network namespace)';
if (!possible) console.warn(`tests of link-local addresses skipped${reason}`);
const itInNamespace = possible ? it : it.skip;

let service: Service;

beforeAll(async () => {
  const allowed = { SOCKEYE_EGRESS_ALLOW: 'fe80::/10', SOCKEYE_BIND_ALLOW: 'fe80::/10' };
  if (possible) service = await startService(allowed);
});

afterAll(async () => {
  if (possible) expect(await service.stop()).toBe(0);
  await stopPrograms();
  remove();
});

itInNamespace(`a client connects over the interface that the zone names${reason}`, async () => {
  const peer = startPeer('peer.py', ['--listen', `fe80::2%${FAR_LINK}`], INSIDE);
  const port = await peer.ready();
  const { status, body } = await service.post<SocketView>('/v1/clients', { host: FAR, port });
  expect({ status, family: (body as { family?: string }).family }).toEqual({ status: 201, family: 'ipv6' });
  expect(body.remoteAddress).toEqual({ address: FAR, port });
  expect(body.localAddress.address).toBe(NEAR);
  await peer.send('hello');
});

itInNamespace(`a client binds a local address with a zone${reason}`, async () => {
  const port = await startPeer('peer.py', ['--listen', `fe80::2%${FAR_LINK}`], INSIDE).ready();
  const { body } = await service.post<SocketView>('/v1/clients', { host: FAR, port, localAddress: NEAR });
  expect(body.localAddress.address).toBe(NEAR);
});

itInNamespace(`a listener is bound on the interface that the zone names${reason}`, async () => {
  const listener = await service.listen({ host: NEAR });
  expect(listener.localAddress.address).toBe(NEAR);
  const peer = await dial(listener.port, `fe80::1%${FAR_LINK}`, INSIDE);
  const connection = await service.connection(listener.id, peer.localPort);
  expect(connection.remoteAddress).toEqual({ address: FAR, port: peer.localPort });
});

itInNamespace(`link-local addresses are denied unless they are allowed${reason}`, async () => {
  const strict = await startService();
  const refused = await strict.post<Problem & { rule: string }>('/v1/clients', { host: FAR, port: 4000 });
  expect({ status: refused.status, rule: refused.body.rule }).toEqual({
    status: 403,
    rule: 'default fe80::/10',
  });
  const bound = await strict.post<Problem>('/v1/listeners', { host: NEAR });
  expect(bound.status).toBe(403);
  expect(await strict.stop()).toBe(0);
});

itInNamespace(`a zone that there is not, or none, is the caller's mistake${reason}`, async () => {
  for (const host of ['fe80::2%none0', 'fe80::2', `::1%${LINK}`, `example.test%${LINK}`, 'fe80::2%']) {
    const { status, body } = await service.post<Problem>('/v1/clients', { host, port: 4000 });
    expect({ host, status, pointer: body.errors?.[0]?.pointer }).toEqual({
      host,
      status: 400,
      pointer: '/host',
    });
  }
});
