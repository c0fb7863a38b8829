import { spawnSync } from 'node:child_process';
import { closeSync, constants, createReadStream, mkdtempSync, openSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { lineOutput } from '../../src/modules/logging/output.js';

/** A pipe whose reader has not begun: the kernel takes 64 KiB. */
const folder = mkdtempSync(join(tmpdir(), 'sockeye-test-'));
const fifo = join(folder, 'fifo');
let fd: number;

beforeAll(() => {
  expect(spawnSync('mkfifo', [fifo]).status).toBe(0);
  fd = openSync(fifo, constants.O_RDWR | constants.O_NONBLOCK);
});

afterAll(() => {
  closeSync(fd);
  rmSync(folder, { recursive: true });
});

it('keeps what nobody reads to its bound, and says where lines are missing, and how many', async () => {
  const output = lineOutput(fd, 256 * 1024);
  let written = 0;
  const write = (): void => output.write(`{"line":${String(written++)},"pad":"${'x'.repeat(1000)}"}\n`);
  while (written < 2_000) write();

  let text = '';
  let [got, missing] = [0, 0];
  for await (const chunk of createReadStream(fifo, { encoding: 'latin1' })) {
    const lines = (text + String(chunk)).split('\n');
    text = lines.pop() ?? '';
    for (const line of lines) {
      const found = JSON.parse(line) as { line: number } | { lines: number };
      if ('lines' in found) {
        missing += found.lines;
      } else {
        expect(found.line).toBe(got + missing);
        got += 1;
      }
    }
    if (got + missing === written) break;
    write(); // what is written behind a gap tells of it
  }
  expect(missing).toBeGreaterThan(1_000);
  expect(got).toBeGreaterThan(256);
});
