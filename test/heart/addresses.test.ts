import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startPeer, stopPrograms, until } from '../support/peers.js';
import { type Service, type SocketView, startService } from '../support/service.js';

/** Names with two addresses, real ones; and a host that swallows what is sent to one of its two. */
const NAME = `sockeye-two-${process.pid}`;
const SUBNET = `10.${(process.pid >>> 8) % 256}.${process.pid % 256}`;
const [NEAR, SILENT, FAR] = [`${SUBNET}.1`, `${SUBNET}.2`, `${SUBNET}.3`];
const [LINK, FAR_LINK] = [`ska${process.pid % 100_000}a`, `ska${process.pid % 100_000}b`];
const INSIDE = ['ip', 'netns', 'exec', NAME];
const directory = mkdtempSync(join(tmpdir(), 'sockeye-hosts-'));
const hosts = join(directory, 'hosts');
/** Of its own: what the service finds at /etc/hosts, and nobody else. */
const WITH_HOSTS = ['unshare', '-m', 'sh', '-c', `mount --bind ${hosts} /etc/hosts && exec "$0" "$@"`];

function run(...command: string[]): boolean {
  return spawnSync(command[0]!, command.slice(1)).status === 0;
}

function build(): boolean {
  writeFileSync(hosts, `::1 both.test\n127.0.0.1 both.test\n${SILENT} half.test\n${FAR} half.test\n`);
  return (
    run('ip', 'netns', 'add', NAME) &&
    run('ip', 'link', 'add', LINK, 'type', 'veth', 'peer', 'name', FAR_LINK, 'netns', NAME) &&
    run('ip', 'address', 'add', `${NEAR}/29`, 'dev', LINK) &&
    run('ip', 'link', 'set', LINK, 'up') &&
    run(...INSIDE, 'ip', 'address', 'add', `${SILENT}/29`, 'dev', FAR_LINK) &&
    run(...INSIDE, 'ip', 'address', 'add', `${FAR}/29`, 'dev', FAR_LINK) &&
    run(...INSIDE, 'ip', 'link', 'set', FAR_LINK, 'up') &&
    run(...INSIDE, 'iptables', '-A', 'INPUT', '-d', SILENT, '-p', 'tcp', '-j', 'DROP') &&
    run(...WITH_HOSTS, 'true')
  );
}

function remove(): void {
  run('ip', 'link', 'delete', LINK);
  run('ip', 'netns', 'delete', NAME);
  rmSync(directory, { recursive: true });
}

const possible = build();
const reason = possible ? '' : ' (skipped: no network namespace, iptables or mount)';
if (!possible) console.warn(`tests of names with two addresses skipped${reason}`);
const itWhenPossible = possible ? it : it.skip;

let service: Service;

beforeAll(async () => {
  if (possible) service = await startService({}, null, WITH_HOSTS);
});

afterAll(async () => {
  if (possible) expect(await service.stop()).toBe(0);
  await stopPrograms();
  remove();
});

interface Failure {
  code: string;
  errno: number;
  attempts: { address: string; port: number; code: string; errno: number; durationMs: number }[];
}

const connect = <T = SocketView>(host: string, port: number, timeoutMs = 5000) =>
  service.post<T>('/v1/clients', { host, port, timeoutMs });

/** Connects under way, from this host: SYN_SENT is state 02. */
const connecting = (port: number): boolean => {
  const found = spawnSync('cat', ['/proc/net/tcp']).stdout.toString();
  return new RegExp(`:${port.toString(16).toUpperCase().padStart(4, '0')} 02 `).test(found);
};

itWhenPossible(`the first address refuses, the second one answers${reason}`, async () => {
  for (const address of ['127.0.0.1', '::1']) {
    const port = await startPeer('peer.py', ['--listen', address]).ready();
    const { status, body } = await connect('both.test', port);
    expect(status).toBe(201);
    expect(body.remoteAddress).toEqual({ address, port });
  }
});

itWhenPossible(`the first address swallows everything, the second answers in 250 ms${reason}`, async () => {
  const port = await startPeer('peer.py', ['--listen', '0.0.0.0'], INSIDE).ready();
  const before = performance.now();
  const { status, body } = await connect('half.test', port);
  const tookMs = performance.now() - before;
  expect(status).toBe(201);
  expect(body.remoteAddress).toEqual({ address: FAR, port });
  expect(tookMs).toBeGreaterThan(240);
  expect(tookMs).toBeLessThan(1500);
  await until('the other attempt is closed', () => !connecting(port));
});

itWhenPossible(`an address that swallows everything ends at the deadline${reason}`, async () => {
  const before = performance.now();
  const { status, body } = await connect<Failure>(SILENT, 4444, 600);
  const tookMs = performance.now() - before;
  expect(status).toBe(504);
  expect(body).toMatchObject({
    code: 'ETIMEDOUT',
    errno: 110,
    attempts: [{ address: SILENT, port: 4444, code: 'ETIMEDOUT', errno: 110 }],
  });
  expect(body.attempts[0]!.durationMs).toBeGreaterThan(500);
  expect(tookMs).toBeLessThan(2000);
  await until('the attempt is closed', () => !connecting(4444));
});
