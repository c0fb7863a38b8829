import { pino, type DestinationStream } from 'pino';

/** How long a line waits for others, and how many bytes do not wait: each write is a thread's. */
const GATHER_MS = 20;
const GATHER_BYTES = 64 * 1024;
/** Of UTF-8, for one of UTF-16, at most. */
const BYTES_PER_UNIT = 3;

/** What may wait for a reader that does not read. */
const MAX_WAITING_BYTES = 16 * 1024 * 1024;

/**
 * Lines to a file descriptor. Those that follow each other closely are written together: pino measures its whole
 * buffer anew at every line, and hands each write to a thread. A slow reader keeps nobody waiting; one that does
 * not read loses lines, and the next that it gets says how many.
 */
export function lineOutput(fd: number, maxWaitingBytes = MAX_WAITING_BYTES): DestinationStream {
  /** As bytes: pino makes a line of dozens of texts, which the collector would have to move meanwhile. */
  const gathered = Buffer.allocUnsafe(GATHER_BYTES);
  let used = 0;
  let lines = 0;
  let due: NodeJS.Timeout | null = null;
  let dropped = 0;
  /** Lines that nobody will have heard of if what is handed over now is refused. */
  let atStake = 0;

  const handOver = (text: string, count: number): void => {
    const told = dropped;
    atStake = told + count;
    dropped = 0;
    destination.write(told > 0 ? droppedLine(told) + text : text);
  };
  const writeLines = (): void => {
    if (due !== null) clearTimeout(due);
    due = null;
    if (used > 0) handOver(gathered.toString('utf8', 0, used), lines);
    used = 0;
    lines = 0;
  };

  // Ahead of pino's own listener, which writes what it was given before the process ends.
  process.on('exit', writeLines);
  const destination = pino.destination({ dest: fd, sync: false, maxLength: maxWaitingBytes });
  destination.on('drop', () => (dropped = atStake));

  return {
    write(line) {
      const needed = line.length * BYTES_PER_UNIT;
      if (needed > GATHER_BYTES - used) writeLines();
      if (needed > GATHER_BYTES) {
        handOver(line, 1);
        return;
      }
      used += gathered.write(line, used);
      lines += 1;
      due ??= setTimeout(writeLines, GATHER_MS).unref();
    },
  };
}

function droppedLine(lines: number): string {
  const { warn: level } = pino.levels.values;
  return `${JSON.stringify({ level, time: Date.now(), lines, msg: 'log lines were dropped: nobody read them' })}\n`;
}
