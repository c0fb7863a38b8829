import { spawn } from 'node:child_process';
import { connect } from 'node:net';
import { within } from './peer.js';

/** A server that never accepts, and whose queue is full: the kernel leaves the next connect without an answer. */
export async function silentServer(host = '127.0.0.1'): Promise<{ port: number; stop: () => void }> {
  const program = `
    const server = require('node:net').createServer();
    server.listen({ port: 0, host: '${host}', backlog: 1 }, () => {
      require('node:fs').writeSync(1, server.address().port + '\\n');
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0);
    });`;
  const child = spawn(process.execPath, ['-e', program], { stdio: ['ignore', 'pipe', 'inherit'] });
  const port = await within(
    'the port of the silent server',
    new Promise<number>((resolve) => child.stdout.once('data', (line: Buffer) => resolve(Number(line)))),
  );
  // The kernel takes one more than the backlog.
  const fillers = [connect({ host, port }), connect({ host, port })];
  for (const filler of fillers) {
    filler.on('error', () => undefined);
    await within('a place in the queue', new Promise<void>((resolve) => filler.once('connect', resolve)));
  }
  const stop = (): void => {
    child.kill('SIGKILL');
    for (const filler of fillers) filler.destroy();
  };
  return { port, stop };
}
