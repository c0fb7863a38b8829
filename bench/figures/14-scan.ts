import { execFile, spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { promisify } from 'node:util';
import { inTurn, type Contender, type ContenderKind, type Figure, type Sample } from '../figure.js';
import { Unavailable } from '../peers/peer.js';
import { startSockeye } from '../peers/sockeye.js';
import { treeCpuSeconds } from '../process-cpu.js';

/* Every port of loopback: which are open, and what it takes to know. */

const PORTS = 65_535;
const DEADLINE_MS = 120_000;
const TICKS_PER_SECOND = 100;

interface Scanner extends Contender {
  /** The open ports, and the CPU that it took to find them. */
  scan(): Promise<{ open: number[]; cpu: number }>;
}

const run = promisify(execFile);

const sockeye: ContenderKind<Scanner> = {
  name: 'Sockeye /v1/scans',
  async start() {
    const { program, port, stop } = await startSockeye(this.name);
    const scan = async (): ReturnType<Scanner['scan']> => {
      const before = treeCpuSeconds(program.pid);
      const open = await scanned(`http://127.0.0.1:${port}/v1/scans`);
      return { open: open.filter((one) => one !== port), cpu: treeCpuSeconds(program.pid) - before };
    };
    return { name: this.name, scan, stop };
  },
};

/** From the request to the end of its events, as a caller sees it. */
async function scanned(scans: string): Promise<number[]> {
  const signal = AbortSignal.timeout(DEADLINE_MS);
  const headers = { 'content-type': 'application/json' };
  const body = JSON.stringify({ host: '127.0.0.1', ports: `1-${PORTS}` });
  const made = await fetch(scans, { method: 'POST', headers, body, signal });
  const { id } = (await made.json()) as { id: string };
  const events = await (await fetch(`${scans}/${id}/events?state=open`, { signal })).text();
  if (!events.includes(`"state":"done"`)) throw new Error('the scan did not come to its end');
  return [...events.matchAll(/"port":(\d+)/g)].map(([, port]) => Number(port));
}

const nmap: ContenderKind<Scanner> = {
  name: 'nmap -sT -T5',
  async start() {
    if (spawnSync('nmap', ['--version']).status !== 0) throw new Unavailable('nmap is not installed');
    const scan = async (): ReturnType<Scanner['scan']> => {
      const before = childrenCpuSeconds();
      const args = ['-n', '-Pn', '-sT', '-T5', '-p-', '-oG', '-', '127.0.0.1'];
      const { stdout } = await run('nmap', args, { timeout: DEADLINE_MS });
      const open = [...stdout.matchAll(/(\d+)\/open\//g)].map(([, port]) => Number(port));
      return { open, cpu: childrenCpuSeconds() - before };
    };
    return { name: this.name, scan, stop: async () => {} };
  },
};

/** User and system time of the children that have ended and were waited for. */
function childrenCpuSeconds(): number {
  const text = readFileSync('/proc/self/stat', 'latin1');
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
  return (Number(fields[13]) + Number(fields[14])) / TICKS_PER_SECOND;
}

export const figure: Figure = {
  number: 14,
  title: 'A scan of all ports of loopback',
  about: () =>
    `connect(2) to the ports 1 to ${PORTS} of 127.0.0.1. Of Sockeye from the request to the last event of ` +
    '`/v1/scans/{id}/events`, of nmap (`-n -Pn -sT -T5 -p-`) from its start to its end.',
  rows: 'scanner',
  metrics: [
    { key: 'ms', label: 'ms', digits: 0 },
    { key: 'cpu', label: 'CPU ms', digits: 0 },
  ],
  loads: [],
  goals: [
    { of: sockeye.name, to: nmap.name, metric: 'ms', atMost: 1 },
    { of: sockeye.name, to: nmap.name, metric: 'cpu', atMost: 1 },
  ],
  measure: ({ runs }) => inTurn([sockeye, nmap], runs, check, sample),
};

/** The port of the Sockeye that is measured itself is open for nmap, and no target for Sockeye. */
async function check({ scan }: Scanner): Promise<void> {
  await scan();
}

async function sample({ scan }: Scanner): Promise<Sample> {
  const from = process.hrtime.bigint();
  const { cpu } = await scan();
  return { ms: Number(process.hrtime.bigint() - from) / 1e6, cpu: cpu * 1000 };
}
