import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { freePort } from './free-port.js';
import { Unavailable } from './peer.js';
import { Program } from './program.js';

const VERSION = '2.9.1';
/** Ignored by git; kept between runs. */
const FOLDER = fileURLToPath(new URL('../mountebank', import.meta.url));
const PROGRAM = join(FOLDER, 'node_modules/mountebank/bin/mb');
const INSTALL_DEADLINE_MS = 120_000;

/** Test doubles over the wire, from the registry: what others use to open TCP listeners over HTTP. */
export const mountebank = {
  name: `mountebank ${VERSION}`,
  async start(): Promise<{ program: Program; port: number }> {
    if (!existsSync(PROGRAM)) install();
    const port = await freePort();
    const quiet = ['--localOnly', '--nologfile', '--loglevel', 'error', '--pidfile', join(FOLDER, 'mb.pid')];
    const program = new Program(this.name, process.execPath, [
      PROGRAM,
      'start',
      '--port',
      `${port}`,
      ...quiet,
    ]);
    await program.poll(async () => {
      const answer = await fetch(`http://127.0.0.1:${port}/imposters`).catch(() => null);
      return answer?.ok === true ? true : null;
    });
    return { program, port };
  },
};

/** Into a folder of its own: it is no dependency of Sockeye's. */
function install(): void {
  mkdirSync(FOLDER, { recursive: true });
  writeFileSync(join(FOLDER, 'package.json'), '{"private": true}');
  const quiet = ['--ignore-scripts', '--no-audit', '--no-fund', '--loglevel=error'];
  const npm = spawnSync('npm', ['install', '--prefix', FOLDER, ...quiet, `mountebank@${VERSION}`], {
    encoding: 'utf8',
    timeout: INSTALL_DEADLINE_MS,
  });
  if (npm.status !== 0) {
    const said = (npm.error?.message ?? npm.stderr).trim().split('\n').at(-1) ?? '';
    throw new Unavailable(`npm cannot install mountebank@${VERSION} here: ${said}`);
  }
}
