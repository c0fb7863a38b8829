/** The time of chrony and xinetd, and of a chrony whose clock is an hour ahead. */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { NtpDto } from '../../src/modules/time/ntp.dto.js';
import type { DaytimeDto, TimeProtocolDto } from '../../src/modules/time/time-protocols.dto.js';
import { startApi, type Api } from '../support/api.js';
import { freeTcpPort, freeUdpPort } from '../support/free-port.js';
import { itWith, startProgram, stopPrograms, until } from '../support/peers.js';

const HOUR = 3_600_000;
const directory = mkdtempSync(join(tmpdir(), 'sockeye-time-'));

let api: Api;
beforeAll(async () => (api = await startApi()));
afterEach(stopPrograms);
afterAll(async () => {
  await api.close();
  rmSync(directory, { recursive: true, force: true });
});

/** A chronyd that leaves the clock of the host alone and serves it as it is. */
async function startChrony(directives: string[], env: NodeJS.ProcessEnv = {}): Promise<number> {
  const port = await freeUdpPort();
  const own = [`port ${port}`, 'cmdport 0', 'bindaddress 127.0.0.1', 'allow 127.0.0.1'];
  const files = [`pidfile ${directory}/${port}.pid`, `bindcmdaddress /`];
  const args = ['-x', '-d', '-U', '-u', 'root', ...own, ...files, ...directives];
  const chrony = startProgram('chronyd', args, { ...process.env, ...env });
  await chrony.output('its start', () =>
    chrony.stderr.includes('Disabled control of system clock') ? true : null,
  );
  return port;
}

/** What faketime(1) puts into the environment: it would stand between the test and the program as a process. */
function fakeClock(offset: string): NodeJS.ProcessEnv {
  const preload = execFileSync('faketime', ['-f', offset, 'printenv', 'LD_PRELOAD'], { encoding: 'utf8' });
  return { LD_PRELOAD: preload.trim(), FAKETIME: offset };
}

const ask = (port: number, more: Record<string, string | number> = {}) =>
  api.get<NtpDto>('/v1/time/ntp', { server: '127.0.0.1', port, samples: 4, intervalMs: 10, ...more });

itWith('chronyd')(
  'a chrony of the same host has the same time, in every version of the protocol',
  async () => {
    const port = await startChrony(['local stratum 10']);
    for (const version of [1, 2, 3, 4]) {
      const { status, body } = await ask(port, { version });
      expect([status, body.version, body.stratum, body.referenceId]).toEqual([
        200,
        version,
        10,
        '127.127.1.1',
      ]);
      expect(Math.abs(body.offsetMs)).toBeLessThan(20);
      expect(body.samples).toHaveLength(4);
    }
  },
);

itWith('chronyd', 'faketime')('a chrony whose clock is an hour ahead is an hour ahead', async () => {
  const port = await startChrony(['local stratum 1'], fakeClock('+1h'));
  const { status, body } = await ask(port);
  expect(status).toBe(200);
  expect(Math.abs(body.offsetMs - HOUR)).toBeLessThan(100);
  expect(Math.abs(Date.parse(body.serverTime) - Date.now() - HOUR)).toBeLessThan(10_000);
});

itWith('xinetd')("xinetd's daytime and time, over TCP and UDP", async () => {
  const ports = {
    daytime: { tcp: await freeTcpPort(), udp: await freeUdpPort() },
    time: { tcp: await freeTcpPort(), udp: await freeUdpPort() },
  };
  const file = join(directory, 'xinetd.conf');
  const services = (['daytime', 'time'] as const).flatMap((name) => [
    service(name, 'stream', 'tcp', ports[name].tcp),
    service(name, 'dgram', 'udp', ports[name].udp),
  ]);
  writeFileSync(file, `defaults\n{\n  log_type = FILE /dev/null\n}\n${services.join('')}`);
  startProgram('xinetd', ['-dontfork', '-f', file, '-pidfile', join(directory, 'xinetd.pid')]);
  const askFor = <T>(name: 'daytime' | 'time', protocol: 'tcp' | 'udp') =>
    api.get<T>(`/v1/time/${name}`, { server: '127.0.0.1', port: ports[name][protocol], protocol });
  await until('xinetd listens', async () => (await askFor('daytime', 'tcp')).status === 200);

  for (const protocol of ['tcp', 'udp'] as const) {
    const daytime = await askFor<DaytimeDto>('daytime', protocol);
    expect(daytime.status).toBe(200);
    expect(Math.abs(Date.parse(daytime.body.text) - Date.now())).toBeLessThan(5000);
    const time = await askFor<TimeProtocolDto>('time', protocol);
    expect(time.status).toBe(200);
    expect(Math.abs(time.body.offsetMs)).toBeLessThan(5000);
  }
});

function service(name: string, type: 'stream' | 'dgram', protocol: string, port: number): string {
  const settings = {
    type: 'INTERNAL UNLISTED',
    id: `${name}-${type}`,
    socket_type: type,
    protocol,
    port,
    bind: '127.0.0.1',
    wait: type === 'dgram' ? 'yes' : 'no',
    user: 'root',
    disable: 'no',
  };
  const lines = Object.entries(settings).map(([key, value]) => `  ${key} = ${value}\n`);
  return `service ${name}\n{\n${lines.join('')}}\n`;
}
