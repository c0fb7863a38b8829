import { spawn } from 'node:child_process';
import { Peer, within } from './peer.js';

/** A server that never accepts, and whose queue is full: the kernel leaves the next connect without an answer. */
export async function silentServer(): Promise<{ port: number; stop: () => void }> {
  const program = `
    const server = require('node:net').createServer();
    server.listen({ port: 0, host: '127.0.0.1', backlog: 1 }, () => {
      require('node:fs').writeSync(1, server.address().port + '\\n');
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0);
    });`;
  const child = spawn(process.execPath, ['-e', program], { stdio: ['ignore', 'pipe', 'inherit'] });
  const port = await within(
    'the port of the silent server',
    new Promise<number>((resolve) => child.stdout.once('data', (line: Buffer) => resolve(Number(line)))),
  );
  // The kernel takes one more than the backlog.
  await Peer.connect(port);
  await Peer.connect(port);
  return { port, stop: () => void child.kill('SIGKILL') };
}
