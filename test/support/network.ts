/** A network of two: this host, and a namespace that can be cut off without a word. Needs root. */
import { spawnSync } from 'node:child_process';

const NAME = `sockeye-${process.pid}`;
// Of its own for each process: what a killed run has left behind must not stand in the way.
const SUBNET = `10.${(process.pid >>> 8) % 256}.${process.pid % 256}`;
const [LINK, FAR_LINK] = [`ske${process.pid % 100_000}a`, `ske${process.pid % 100_000}b`];

/** The address of this host there, and of the other one. */
export const [NEAR, FAR] = [`${SUBNET}.1`, `${SUBNET}.2`];
/** Goes in front of a command that is to run on the other host. */
export const INSIDE = ['ip', 'netns', 'exec', NAME];

function run(...command: string[]): boolean {
  return spawnSync(command[0]!, command.slice(1)).status === 0;
}

/** Makes the network; false where that is not permitted. */
export function buildNetwork(): boolean {
  const built =
    run('ip', 'netns', 'add', NAME) &&
    run('ip', 'link', 'add', LINK, 'type', 'veth', 'peer', 'name', FAR_LINK, 'netns', NAME) &&
    run('ip', 'address', 'add', `${NEAR}/30`, 'dev', LINK) &&
    run('ip', 'link', 'set', LINK, 'up') &&
    run(...INSIDE, 'ip', 'address', 'add', `${FAR}/30`, 'dev', FAR_LINK) &&
    run(...INSIDE, 'ip', 'link', 'set', FAR_LINK, 'up');
  if (!built) removeNetwork();
  return built;
}

export function removeNetwork(): void {
  run('ip', 'link', 'delete', LINK);
  run('ip', 'netns', 'delete', NAME);
}

/** From here on nothing leaves the other host, and nobody is told. */
export function cutNetwork(): boolean {
  const farLink = spawnSync('ip', ['netns', 'exec', NAME, 'cat', `/sys/class/net/${FAR_LINK}/address`]);
  const address = farLink.stdout.toString().trim();
  return (
    // Without this the host would find out by ARP, and say EHOSTUNREACH.
    run('ip', 'neighbour', 'replace', FAR, 'lladdr', address, 'dev', LINK, 'nud', 'permanent') &&
    run(...INSIDE, 'ip', 'route', 'add', 'blackhole', `${NEAR}/32`)
  );
}

/** `it`, or a test that counts as skipped, with the reason in its title, where there is no such network. */
export function itInNetwork(possible: boolean): (title: string, test: () => Promise<void>) => void {
  if (possible) return (title, test) => it(title, test, 40_000);
  const reason = 'no permission to make a network namespace';
  console.warn(`tests of a vanished peer skipped: ${reason}`);
  return (title, test) => it.skip(`${title} (skipped: ${reason})`, test);
}
