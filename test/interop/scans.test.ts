import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { itWith, startProgram, stopPrograms, until } from '../support/peers.js';
import { type Service, startService } from '../support/service.js';

/** A loopback of its own, with rules in front of its ports. Needs root. */
const NAME = `sockeye-scan-${process.pid}`;
const INSIDE = ['ip', 'netns', 'exec', NAME];
const directory = mkdtempSync(join(tmpdir(), 'sockeye-scan-'));

const [FIRST, LAST] = [20_000, 20_999];
const LISTENING = [20_000, 20_007, 20_099, 20_105, 20_155, 20_205, 20_255, 20_305, 20_500, 20_998, 20_999];
const RULES: [string, ...string[]][] = [
  ['20100:20149', 'DROP'],
  ['20150:20199', 'REJECT', '--reject-with', 'icmp-port-unreachable'],
  ['20200:20249', 'REJECT', '--reject-with', 'tcp-reset'],
  ['20250:20299', 'REJECT', '--reject-with', 'icmp-admin-prohibited'],
  ['20300:20319', 'REJECT', '--reject-with', 'icmp-host-prohibited'],
  ['20320:20339', 'REJECT', '--reject-with', 'icmp-net-unreachable'],
  ['20340:20359', 'REJECT', '--reject-with', 'icmp-host-unreachable'],
  ['20360:20379', 'REJECT', '--reject-with', 'icmp-proto-unreachable'],
];

function run(...command: string[]): boolean {
  return spawnSync(command[0]!, command.slice(1)).status === 0;
}

function build(): boolean {
  const rule = ([ports, ...target]: string[]): boolean =>
    run(...INSIDE, 'iptables', '-A', 'INPUT', '-p', 'tcp', '--dport', ports!, '-j', ...target);
  return (
    run('ip', 'netns', 'add', NAME) && run(...INSIDE, 'ip', 'link', 'set', 'lo', 'up') && RULES.every(rule)
  );
}

const possible = build();
if (!possible)
  console.warn('scans behind rules skipped: no permission to make a network namespace, or no iptables');
const reason = ' (skipped: no network namespace with rules)';
const withPrograms = itWith('nmap', 'curl', 'python3');
const check: typeof withPrograms = possible
  ? withPrograms
  : (title, test) => it.skip(`${title}${reason}`, test);

let service: Service;

const SERVER = `
import socket, sys
held = []
for port in sys.argv[1:]:
    one = socket.socket()
    one.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    one.bind(('127.0.0.1', int(port)))
    one.listen(64)
    held.append(one)
print('listening', flush=True)
sys.stdin.read()
`;

beforeAll(async () => {
  if (!possible) return;
  service = await startService({}, null, INSIDE);
  const [command, ...rest] = [...INSIDE, 'python3', '-c', SERVER, ...LISTENING.map(String)];
  const server = startProgram(command!, rest);
  await server.output('listening', () => (server.stdout.includes('listening') ? true : null));
});

afterAll(async () => {
  if (possible) expect(await service.stop()).toBe(0);
  await stopPrograms();
  run('ip', 'netns', 'delete', NAME);
  rmSync(directory, { recursive: true, force: true });
});

interface Report {
  id: string;
  state: string;
  results: { port: number; state: string; code: string | null }[];
}

/** An HTTP call from inside the namespace. */
function call(path: string, body?: object): Report {
  const data = body === undefined ? [] : ['-H', 'content-type: application/json', '-d', JSON.stringify(body)];
  const [command, ...rest] = [...INSIDE, 'curl', '-sS', '--fail-with-body', `${service.url}${path}`, ...data];
  return JSON.parse(execFileSync(command!, rest, { encoding: 'utf8' })) as Report;
}

async function scanned(spec: object): Promise<Report> {
  const { id } = call('/v1/scans', spec);
  let report: Report | undefined;
  await until('the end of the scan', async () => {
    report = call(`/v1/scans/${id}?limit=1000`);
    return report.state === 'done';
  });
  return report!;
}

/** What nmap says of each port. */
function nmap(...args: string[]): Map<number, string> {
  const file = join(directory, 'nmap.xml');
  // -d3: no state is summed up.
  const [command, ...rest] = [
    ...INSIDE,
    'nmap',
    '-n',
    '-Pn',
    '-sT',
    '-d3',
    '-oX',
    file,
    ...args,
    '127.0.0.1',
  ];
  execFileSync(command, rest, { maxBuffer: 2 ** 28 });
  const port = /<port protocol="tcp" portid="(\d+)"><state state="(\w+)"/g;
  return new Map(
    [...readFileSync(file, 'utf8').matchAll(port)].map(([, number, state]) => [Number(number), state!]),
  );
}

check('of 1,000 ports behind rules of every kind it says what nmap says', async () => {
  const { results } = await scanned({ host: '127.0.0.1', ports: `${FIRST}-${LAST}`, timeoutMs: 1_500 });
  const ours = new Map(results.map(({ port, state }) => [port, state]));
  const theirs = nmap('-T4', '-p', `${FIRST}-${LAST}`);
  expect(theirs.size).toBe(1_000);
  expect(ours.size).toBe(1_000);
  const differing = [...theirs].filter(([port, state]) => ours.get(port) !== state);
  expect(differing).toEqual([]);
  // Neither of the two has taken everything for one and the same.
  expect(new Set(theirs.values())).toEqual(new Set(['open', 'closed', 'filtered']));
  const codes = new Map(results.map(({ port, code }) => [port, code]));
  expect([20_101, 20_151, 20_201, 20_251, 20_321].map((port) => codes.get(port))).toEqual([
    'ETIMEDOUT',
    'ECONNREFUSED',
    'ECONNREFUSED',
    'EHOSTUNREACH',
    'ENETUNREACH',
  ]);
});

check('a socket that has met itself is no open port', async () => {
  // Out of a range this small the kernel often takes the port that is asked for.
  expect(run(...INSIDE, 'sysctl', '-qw', 'net.ipv4.ip_local_port_range=40000 40063')).toBe(true);
  try {
    for (let round = 0; round < 6; round += 1) {
      const { results } = await scanned({ host: '127.0.0.1', ports: '40000-40063' });
      expect(results.filter(({ state }) => state !== 'closed')).toEqual([]);
    }
  } finally {
    run(...INSIDE, 'sysctl', '-qw', 'net.ipv4.ip_local_port_range=32768 60999');
  }
});

check(
  'an address that this host cannot speak to does not hold up the scan for each of its ports',
  async () => {
    expect(run(...INSIDE, 'sysctl', '-qw', 'net.ipv6.conf.all.disable_ipv6=1')).toBe(true);
    const { results } = await scanned({ host: '::1', ports: '1-1000' });
    expect(results.map(({ state, code }) => `${state} ${code}`)).toEqual(
      Array.from({ length: 1_000 }, () => 'filtered EADDRNOTAVAIL'),
    );
  },
);
