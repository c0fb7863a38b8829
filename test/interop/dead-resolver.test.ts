/** A name server that never answers: what the C library waits for half a minute, nobody else has to. */
import { createSocket, type Socket } from 'node:dgram';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startService, type Service } from '../support/service.js';

const DEAD = '127.0.0.77';
const isPossible = spawnSync('unshare', ['-m', 'true']).status === 0;
const withDeadResolver = isPossible ? it : it.skip;
if (!isPossible) console.warn('tests of a dead resolver skipped: no permission to unshare the mounts');

let server: Socket;
let service: Service;
let folder: string;
let asked = 0;

beforeAll(async () => {
  if (!isPossible) return;
  server = createSocket('udp4').on('message', () => (asked += 1));
  await new Promise<void>((resolve) => server.bind(53, DEAD, resolve));
  folder = mkdtempSync(join(tmpdir(), 'sockeye-resolver-'));
  const file = join(folder, 'resolv.conf');
  writeFileSync(file, `nameserver ${DEAD}\n`);
  const mounted = `mount --bind ${file} /etc/resolv.conf && exec "$@"`;
  service = await startService({}, null, ['unshare', '-m', 'sh', '-c', mounted, 'sh']);
});
afterAll(async () => {
  if (!isPossible) return;
  service.signal('SIGKILL');
  await service.exit();
  server.close();
  rmSync(folder, { recursive: true });
});

async function timed(path: string): Promise<{ status: number; tookMs: number }> {
  const startedAt = performance.now();
  const { status } = await service.get(path);
  return { status, tookMs: performance.now() - startedAt };
}

/** With the time that a busy machine takes for an answer. */
const SOON_MS = 1000;

withDeadResolver(
  'ends every question in its time, and holds up nobody who asks for something else',
  async () => {
    const lookups = Array.from({ length: 10 }, (_, i) =>
      timed(`/v1/dns/lookup?host=n${i}.example&timeoutMs=1500`),
    );
    const reverse = Array.from({ length: 5 }, (_, i) =>
      timed(`/v1/dns/reverse?address=192.0.2.${i}&timeoutMs=1500`),
    );
    while (asked === 0) await new Promise((resolve) => server.once('message', resolve));
    // Files of the host, the pool of threads, a name that needs no server: all while fifteen questions hang.
    for (const path of [
      '/v1/services?name=ssh',
      '/v1/dns/lookup?host=localhost',
      '/v1/sockets',
      '/v1/time',
    ]) {
      const { status, tookMs } = await timed(path);
      expect([path, status]).toEqual([path, 200]);
      expect(tookMs).toBeLessThan(SOON_MS);
    }
    for (const { status, tookMs } of await Promise.all([...lookups, ...reverse])) {
      expect(status).toBe(504);
      expect(tookMs).toBeLessThan(1500 + SOON_MS);
    }
  },
);

withDeadResolver('lets a bounded number wait, and refuses the rest', async () => {
  const answers = await Promise.all(
    Array.from({ length: 300 }, (_, i) => timed(`/v1/dns/lookup?host=m${i}.example&timeoutMs=1000`)),
  );
  const statuses = new Set(answers.map(({ status }) => status));
  expect([...statuses].sort()).toEqual([503, 504]);
  expect((await timed('/v1/time')).status).toBe(200);
});
