import { pino, type DestinationStream } from 'pino';

/** How long a line waits for others, and how many characters do not wait: each write is a thread's. */
const GATHER_MS = 20;
const GATHER_CHARACTERS = 64 * 1024;

let lines: string[] = [];
let characters = 0;
let due: NodeJS.Timeout | null = null;

function writeLines(): void {
  if (due !== null) clearTimeout(due);
  due = null;
  characters = 0;
  const text = lines.join('');
  lines = [];
  if (text !== '') standardOutput.write(text);
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
    lines.push(line);
    characters += line.length;
    if (characters >= GATHER_CHARACTERS) writeLines();
    else due ??= setTimeout(writeLines, GATHER_MS).unref();
  },
};
