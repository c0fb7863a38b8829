/** Name servers of others, on free ports of loopback, for one test file. */
import { execFile, execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { Certificate } from './certificates.js';
import { startProgram, type Program } from './peers.js';

const run = promisify(execFile);

/** A TCP port that was free a moment ago; UDP mostly is, too. */
async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

const ZONE = join(__dirname, 'zones', 'example.test');
/** More than a datagram takes: 6 kB of text, 300 addresses. */
const LONG = [
  `big TXT ${Array.from({ length: 30 }, (_, i) => `"${`x${String(i)}`.repeat(50)}"`).join(' ')}`,
  ...Array.from({ length: 300 }, (_, i) => `many A 10.0.${String(i >> 8)}.${String(i & 255)}`),
];

/** BIND with one signed zone: NSEC3 in example.test. Over UDP, TCP, TLS and HTTPS. */
export class Named {
  private constructor(
    readonly port: number,
    readonly tlsPort: number,
    readonly httpsPort: number,
    private readonly folder: string,
    private readonly program: Program,
  ) {}

  static async start({ files }: Certificate): Promise<Named> {
    const folder = mkdtempSync(join(tmpdir(), 'sockeye-named-'));
    const [port, tlsPort, httpsPort] = [await freePort(), await freePort(), await freePort()];
    signZone(folder);
    const configuration = `
      options {
        directory "${folder}"; pid-file none; session-keyfile none; recursion no; dnssec-validation no;
        max-records-per-type 1000; check-names primary ignore;
        listen-on port ${port} { 127.0.0.1; };
        listen-on port ${tlsPort} tls ours { 127.0.0.1; };
        listen-on port ${httpsPort} tls ours http ours { 127.0.0.1; };
        listen-on-v6 { none; };
      };
      controls { };
      tls ours { key-file "${files.key}"; cert-file "${files.certificate}"; };
      http ours { endpoints { "/dns-query"; }; };
      zone "example.test" { type primary; file "example.test.signed"; };
      zone "broken.test" { type primary; file "no-such-file"; };
    `;
    writeFileSync(join(folder, 'named.conf'), configuration);
    const program = startProgram('named', ['-g', '-n', '1', '-c', join(folder, 'named.conf')]);
    await program.output('running', () => (/ running$/m.test(program.stderr) ? true : null));
    return new Named(port, tlsPort, httpsPort, folder, program);
  }

  /**
   * What dig shows of each question, like `['www.example.test', 'A', '+dnssec']`: for each section its lines as name,
   * TTL, class, type and data.
   */
  async dig(questions: readonly (readonly string[])[]): Promise<Map<string, string[][]>[]> {
    const where = ['@127.0.0.1', '-p', String(this.port)];
    // One process for all: it takes a quarter of a second to start on a slow machine.
    const args = questions.flatMap((question) => [...where, ...question, '+nosplit', '+norecurse']);
    const { stdout } = await run('dig', args, { maxBuffer: 1 << 26 });
    return stdout
      .split(/;; Got answer:$/m)
      .slice(1)
      .map(sectionsOf);
  }

  async stop(): Promise<void> {
    await this.program.kill();
    rmSync(this.folder, { recursive: true });
  }
}

function sectionsOf(answer: string): Map<string, string[][]> {
  const sections = [...answer.matchAll(/^;; (ANSWER|AUTHORITY|ADDITIONAL) SECTION:\n((?:[^;\n].*\n)*)/gm)];
  return new Map(
    sections.map(([, name = '', lines = '']) => [
      name.toLowerCase(),
      lines
        .split('\n')
        .filter((line) => line !== '')
        .map((line) => /^(\S+)\s+(\d+)\s+(\S+)\s+(\S+)\s+(.*)$/.exec(line)?.slice(1) ?? [line]),
    ]),
  );
}

function signZone(folder: string): void {
  const zone = join(folder, 'example.test');
  writeFileSync(zone, `${readFileSync(ZONE, 'utf8')}${LONG.join('\n')}\n`);
  const call = (program: string, ...args: string[]): void =>
    void execFileSync(program, args, { cwd: folder, stdio: 'pipe' });
  call('dnssec-keygen', '-q', '-a', 'ECDSAP256SHA256', 'example.test');
  call('dnssec-keygen', '-q', '-a', 'ECDSAP256SHA256', '-f', 'KSK', 'example.test');
  call('dnssec-signzone', '-S', '-3', 'ab', '-o', 'example.test', '-f', `${zone}.signed`, zone);
}

/** dnsmasq with a few records of its own. */
export async function startDnsmasq(...options: string[]): Promise<{ port: number; program: Program }> {
  const port = await freePort();
  const program = startProgram('dnsmasq', [
    ...[
      '--no-daemon',
      '--conf-file=/dev/null',
      '--no-resolv',
      '--no-hosts',
      '--log-facility=-',
      '--user=root',
    ],
    ...[
      '--pid-file=',
      '--listen-address=127.0.0.1',
      '--bind-interfaces',
      `--port=${String(port)}`,
      ...options,
    ],
  ]);
  await program.output('started', () => (program.stderr.includes('started') ? true : null));
  return { port, program };
}
