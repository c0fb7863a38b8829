/** What ip(8) and python say of the same host; in a namespace of its own, where every kind of interface can be made. */
import { execFileSync, spawnSync } from 'node:child_process';
import { describeHost, type NetworkInterface } from '../../src/network/index.js';
import { askPython } from '../support/oracle.js';
import { itWith } from '../support/peers.js';

const withIp = itWith('ip');
const withPython = itWith('python3');

interface IpLink {
  ifindex: number;
  ifname: string;
  flags: string[];
  mtu: number;
  address?: string;
  addr_info: { family: string; local: string; prefixlen: number; broadcast?: string; address?: string }[];
}

interface IpRoute {
  gateway?: string;
  dev: string;
  metric?: number;
}

/** Ip says nothing where there is nothing. */
function parsed(output: string): unknown {
  return JSON.parse(output === '' ? '[]' : output);
}

/** An interface in the words of ip, which adds flags of its own (NO-CARRIER, M-DOWN) and leaves one out. */
function inWordsOfIp(links: readonly IpLink[]): NetworkInterface[] {
  return links.map(({ ifindex, ifname, flags, mtu, address, addr_info }) => ({
    name: ifname,
    index: ifindex,
    mac: address ?? null,
    mtuBytes: mtu,
    flags: flags.filter((flag) => !flag.includes('-')).sort(),
    addresses: addr_info.map(({ family, local, prefixlen, broadcast, address: peer }) => ({
      family: family === 'inet' ? 'ipv4' : 'ipv6',
      address: local,
      prefix: prefixlen,
      broadcast: broadcast ?? null,
      peer: peer ?? null,
    })),
  }));
}

function comparable(interfaces: readonly NetworkInterface[]): NetworkInterface[] {
  return interfaces.map((one) => ({ ...one, flags: one.flags.filter((flag) => flag !== 'RUNNING').sort() }));
}

withIp('interfaces and default routes are those that ip lists', async () => {
  const { interfaces, defaultRoutes } = await describeHost();
  const links = parsed(execFileSync('ip', ['-j', 'addr'], { encoding: 'utf8' })) as IpLink[];
  expect(comparable(interfaces)).toEqual(inWordsOfIp(links));
  for (const [family, flag] of [
    ['ipv4', '-4'],
    ['ipv6', '-6'],
  ] as const) {
    const listed = execFileSync('ip', ['-j', flag, 'route', 'show', 'default'], { encoding: 'utf8' });
    const routes = (parsed(listed) as IpRoute[]).map(({ gateway, dev, metric }) => ({
      family,
      gateway: gateway ?? null,
      interface: dev,
      metric: metric ?? 0,
    }));
    expect(defaultRoutes.filter((one) => one.family === family)).toEqual(routes);
  }
});

withPython('names and addresses are those of gethostbyname_ex', async () => {
  const { hostname, aliases, addresses, nameError } = await describeHost();
  const [answer] = askPython<[string, string[], string[]] | null>([['gethostbyname_ex', hostname]]);
  if (answer === null) expect(nameError).not.toBeNull();
  else expect([aliases, addresses]).toEqual([answer![1], answer![2]]);
});

/** A shell in namespaces of its own: network, mounts, host name. */
function inNamespaces(script: string): string {
  return execFileSync('unshare', ['-n', '-m', '-u', 'sh', '-ec', script], { encoding: 'utf8' });
}

const mayUnshare = spawnSync('unshare', ['-n', '-m', '-u', 'true']).status === 0;
if (!mayUnshare) console.warn('tests in namespaces skipped: unshare is missing, or not allowed here');
const inNamespace = mayUnshare ? withIp : (title: string, test: () => Promise<void>) => it.skip(title, test);

interface Described {
  interfaces: NetworkInterface[];
  defaultRoutes: { family: string; gateway: string | null; interface: string; metric: number }[];
  hostname: string;
  fqdn: string;
  aliases: string[];
  addresses: string[];
  nameError: string | null;
  sysctls: Record<string, unknown>;
  stoodStillMs: number;
}

const DESCRIBE = `${process.execPath} test/support/peers/describe-host.mjs`;

inNamespace('interfaces that are down, labelled, point-to-point, and routes with metrics', async () => {
  const output = inNamespaces(`
    ip link set lo up
    ip link add v0 type veth peer name v1
    ip addr add 10.9.8.7/24 brd + dev v0
    ip addr add 10.9.8.8/24 brd + label v0:extra dev v0
    ip addr add 10.9.9.1/30 dev v1
    ip -6 addr add fd00:9::1/64 dev v0 nodad
    ip link set v0 up mtu 1280
    ip tuntap add t0 mode tun
    ip addr add 10.7.0.1 peer 10.7.0.2 dev t0
    ip link set t0 up
    ip route add default via 10.9.8.1 dev v0 metric 50
    ip route add default dev t0 metric 70
    ip -6 route add default via fd00:9::ff dev v0 metric 60
    sysctl -q -w net.core.somaxconn=77 2>/dev/null || echo 77 > /proc/sys/net/core/somaxconn
    ip -j addr
    ${DESCRIBE}`);
  const [listed = '', described = ''] = output.trim().split('\n');
  const { interfaces, defaultRoutes, sysctls } = parsed(described) as Described;
  expect(comparable(interfaces)).toEqual(inWordsOfIp(parsed(listed) as IpLink[]));
  const byName = new Map(interfaces.map((one) => [one.name, one]));
  expect(
    byName
      .get('v0')
      ?.addresses.slice(0, 2)
      .map(({ address }) => address),
  ).toEqual(['10.9.8.7', '10.9.8.8']);
  expect(byName.get('v0')?.mtuBytes).toBe(1280);
  expect(byName.get('v1')?.flags).not.toContain('UP');
  expect(byName.get('t0')).toMatchObject({
    mac: null,
    addresses: [{ address: '10.7.0.1', peer: '10.7.0.2' }],
  });
  expect(defaultRoutes).toEqual([
    { family: 'ipv4', gateway: '10.9.8.1', interface: 'v0', metric: 50 },
    { family: 'ipv4', gateway: null, interface: 't0', metric: 70 },
    { family: 'ipv6', gateway: 'fd00:9::ff', interface: 'v0', metric: 60 },
  ]);
  expect(sysctls['net.core.somaxconn']).toBe(77);
});

inNamespace('the names that a hosts file gives, the qualified one first', async () => {
  const output = inNamespaces(`
    ip link set lo up
    hosts=$(mktemp); printf '127.0.0.1 localhost\\n127.0.1.1 gate.example.test gate door\\n' > $hosts
    mount --bind $hosts /etc/hosts; hostname gate; rm -f $hosts
    ${DESCRIBE}`);
  expect(parsed(output)).toMatchObject({
    hostname: 'gate',
    fqdn: 'gate.example.test',
    aliases: ['gate', 'door'],
    addresses: ['127.0.1.1'],
    nameError: null,
  });
});

inNamespace(
  'a name server that never answers: an answer in time, and no pause of the event loop',
  async () => {
    const output = inNamespaces(`
    ip link set lo up
    conf=$(mktemp); printf 'nameserver 127.0.0.1\\noptions timeout:3 attempts:1\\n' > $conf
    mount --bind $conf /etc/resolv.conf; hostname nobody.example; rm -f $conf
    ${DESCRIBE} --dead-resolver`);
    const { hostname, fqdn, addresses, nameError, stoodStillMs } = parsed(output) as Described;
    expect([hostname, fqdn, addresses, nameError]).toEqual([
      'nobody.example',
      'nobody.example',
      [],
      'ETIMEDOUT',
    ]);
    expect(stoodStillMs).toBeLessThan(500);
  },
);
