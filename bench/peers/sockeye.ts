import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { bridge } from './bridge.js';
import { type Peer, type PeerKind } from './peer.js';
import { WatchedProgram } from './program.js';

const PROGRAM = fileURLToPath(new URL('../../dist/main.js', import.meta.url));
const PROFILES = fileURLToPath(new URL('../profiles', import.meta.url));

/** Sockeye as anyone starts it: the built program, nothing tuned. */
export async function startSockeye(
  name: string,
  limits: NodeJS.ProcessEnv = {},
): Promise<{ program: WatchedProgram; port: number; stop: Peer['stop'] }> {
  if (!existsSync(PROGRAM)) throw new Error('dist/main.js is missing: npm run build');
  const dataDir = mkdtempSync(join(tmpdir(), 'sockeye-bench-'));
  const profile = process.argv.includes('--profile') ? ['--cpu-prof', `--cpu-prof-dir=${PROFILES}`] : [];
  const program = new WatchedProgram(name, [...profile, PROGRAM], {
    SOCKEYE_HOST: '127.0.0.1',
    SOCKEYE_PORT: '0',
    SOCKEYE_DATA_DIR: dataDir,
    ...limits,
  });
  const removeData = (): void => rmSync(dataDir, { recursive: true, force: true });
  // The runner may be interrupted: what it made in the temporary folder goes then, too.
  process.once('exit', removeData);
  const stop = async (): Promise<void> => {
    await program.stop();
    process.off('exit', removeData);
    removeData();
  };
  try {
    return { program, port: await program.port(/(?:127\.0\.0\.1:|"port":\s*)([1-9]\d*)/), stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

/** `/v1/pipe`: dials when the WebSocket opens, carries bare bytes. */
export const sockeyePipe: PeerKind = {
  name: 'Sockeye /v1/pipe',
  async start(targetPort) {
    const { program, port, stop } = await startSockeye(this.name);
    return bridge(program, port, `/v1/pipe?host=127.0.0.1&port=${targetPort}`, stop);
  },
};

/** `/v1/stream`: client sockets made over HTTP, a channel for each that consumes and acknowledges. */
function stream(name: string, channels: number): PeerKind {
  const start: PeerKind['start'] = async (targetPort) => {
    const { program, port, stop } = await startSockeye(name);
    const sockets = `http://127.0.0.1:${port}/v1`;
    const body = { protocol: 'tcp', host: '127.0.0.1', port: targetPort };
    const open: Peer['open'] = async () => {
      const made = Array.from({ length: channels }, () => ask(`${sockets}/clients`, 'POST', body));
      const socketIds = (await Promise.all(made)).map(({ id }) => id);
      return {
        door: { port, path: '/v1/stream', subprotocol: 'sockeye.v1', socketIds },
        release: async () => {
          await Promise.all(socketIds.map((id) => ask(`${sockets}/sockets/${id}`, 'DELETE')));
        },
      };
    };
    return { name, pid: program.pid, open, stop };
  };
  return { name, start };
}

export const sockeyeStream = stream('Sockeye /v1/stream', 1);
export const sockeyeStream100 = stream('Sockeye /v1/stream, 100 channels', 100);

async function ask(url: string, method: string, body?: object): Promise<{ id: string }> {
  const request: RequestInit = { method, signal: AbortSignal.timeout(10_000) };
  if (body) {
    request.headers = { 'content-type': 'application/json' };
    request.body = JSON.stringify(body);
  }
  const answer = await fetch(url, request);
  const text = await answer.text();
  if (!answer.ok) throw new Error(`${method} ${new URL(url).pathname} answered ${answer.status}: ${text}`);
  return text ? (JSON.parse(text) as { id: string }) : { id: '' };
}
