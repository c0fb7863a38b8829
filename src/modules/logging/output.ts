import { pino, type DestinationStream } from 'pino';
import { atEndOfTurn } from '../../sockets/index.js';

let lines: string[] = [];

function writeLines(): void {
  const text = lines.join('');
  lines = [];
  if (text !== '') standardOutput.write(text);
}

// Ahead of pino's own listener, which writes what it was given before the process ends.
process.on('exit', writeLines);
const standardOutput = pino.destination({ dest: process.stdout.fd, sync: false });

/**
 * Standard output, written to once in a turn of the event loop: pino measures its whole buffer anew at every
 * line it is given. A slow reader of it keeps nobody waiting.
 */
export const output: DestinationStream = {
  write(line) {
    if (lines.push(line) === 1) atEndOfTurn(writeLines);
  },
};
