import { pino, type DestinationStream } from 'pino';

/** How long a line waits for others, and how many bytes do not wait: each write is a thread's. */
const GATHER_MS = 20;
const GATHER_BYTES = 64 * 1024;
/** Of UTF-8, for one of UTF-16, at most. */
const BYTES_PER_UNIT = 3;

/** Lines that wait, as bytes: pino makes a line of dozens of texts, which the collector would have to move meanwhile. */
const gathered = Buffer.allocUnsafe(GATHER_BYTES);
let used = 0;
let due: NodeJS.Timeout | null = null;

function writeLines(): void {
  if (due !== null) clearTimeout(due);
  due = null;
  if (used > 0) standardOutput.write(gathered.toString('utf8', 0, used));
  used = 0;
}

// Ahead of pino's own listener, which writes what it was given before the process ends.
process.on('exit', writeLines);
const standardOutput = pino.destination({ dest: process.stdout.fd, sync: false });

/**
 * Standard output. Lines that follow each other closely are written together: pino measures its whole buffer
 * anew at every line, and hands each write to a thread. A slow reader keeps nobody waiting.
 */
export const output: DestinationStream = {
  write(line) {
    const needed = line.length * BYTES_PER_UNIT;
    if (needed > GATHER_BYTES - used) writeLines();
    if (needed > GATHER_BYTES) {
      standardOutput.write(line);
      return;
    }
    used += gathered.write(line, used);
    due ??= setTimeout(writeLines, GATHER_MS).unref();
  },
};
