import { spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { connect, createServer, type AddressInfo } from 'node:net';
import { bridge } from './bridge.js';
import { Unavailable, type PeerKind } from './peer.js';
import { Program } from './program.js';

/** The bridge that noVNC and many others use: Python, one forked process for each connection. */
export const websockify: PeerKind = {
  name: 'websockify',
  async start(targetPort) {
    provide();
    const port = await freePort();
    const program = new Program(this.name, 'websockify', [`127.0.0.1:${port}`, `127.0.0.1:${targetPort}`]);
    await program.poll(() => listensOn(port));
    return bridge(program, port);
  },
};

export function websockifyVersion(): string {
  const asked = spawnSync('dpkg-query', ['--show', '--showformat=${Version}', 'websockify'], {
    encoding: 'utf8',
  });
  return asked.status === 0 && asked.stdout ? asked.stdout : 'of unknown version';
}

function provide(): void {
  if (isInstalled()) return;
  if (process.getuid?.() === 0) {
    console.log('websockify is missing: installing the Debian package');
    const quiet = { stdio: 'ignore', timeout: 120_000 } as const;
    spawnSync('apt-get', ['update', '-q'], quiet);
    spawnSync('apt-get', ['install', '-q', '-y', '--no-install-recommends', 'websockify'], quiet);
  }
  if (!isInstalled()) throw new Unavailable('not installed (Debian package `websockify`)');
}

function isInstalled(): boolean {
  return spawnSync('websockify', ['--help'], { stdio: 'ignore' }).status === 0;
}

/** websockify takes port 0 but does not tell which one it got. */
async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}

async function listensOn(port: number): Promise<true | null> {
  const socket = connect({ host: '127.0.0.1', port });
  try {
    await once(socket, 'connect');
    return true;
  } catch {
    return null;
  } finally {
    socket.destroy();
  }
}
