import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as pause } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { type Question } from '../load/inside.js';
import { processTree } from '../process-cpu.js';

/* A program that is measured: started, watched and ended by the runner. Nothing else on the machine is touched. */

const START_DEADLINE_MS = 20_000;
const STOP_DEADLINE_MS = 5_000;
/** Of what a program printed, so that a failure can be told. */
const KEPT_CHARACTERS = 4_000;

const running = new Set<Program>();
process.on('exit', () => {
  for (const program of running) program.kill();
});

export class Program {
  private printed = '';
  protected readonly child: ChildProcess;

  constructor(
    readonly name: string,
    command: string,
    args: string[],
    environment: NodeJS.ProcessEnv = {},
    channel: 'ipc' | 'ignore' = 'ignore',
  ) {
    // What the caller's shell says about Sockeye is not part of the benchmark.
    const inherited = Object.entries(process.env).filter(([variable]) => !variable.startsWith('SOCKEYE_'));
    this.child = spawn(command, args, {
      env: { ...Object.fromEntries(inherited), ...environment },
      stdio: ['ignore', 'pipe', 'pipe', channel],
    });
    this.child.on('error', (error) => (this.printed += String(error)));
    for (const output of [this.child.stdout, this.child.stderr]) {
      output?.setEncoding('utf8').on('data', (text: string) => {
        this.printed = (this.printed + text).slice(-KEPT_CHARACTERS);
      });
    }
    running.add(this);
  }

  get pid(): number {
    if (this.child.pid === undefined) throw new Error(`${this.name} did not start: ${this.printed}`);
    return this.child.pid;
  }

  /** Waits for a line that shows where the program listens. */
  async port(line: RegExp): Promise<number> {
    return this.poll(async () => Number(line.exec(this.printed)?.[1] ?? NaN) || null);
  }

  /** Asks again and again until there is an answer, the program has ended, or it takes too long. */
  async poll<T>(ask: () => Promise<T | null>): Promise<T> {
    const deadline = Date.now() + START_DEADLINE_MS;
    while (Date.now() < deadline && this.child.exitCode === null && this.child.pid !== undefined) {
      const answer = await ask();
      if (answer !== null) return answer;
      await pause(50);
    }
    console.log(`${this.name} printed: ${this.printed.trim() || 'nothing'}`);
    throw new Error(`it did not start within ${START_DEADLINE_MS / 1000} s, or ended`);
  }

  async stop(): Promise<void> {
    running.delete(this);
    if (this.child.exitCode !== null || this.child.signalCode !== null) return;
    const ended = once(this.child, 'exit');
    const tree = processTree(this.pid);
    this.child.kill('SIGTERM');
    await Promise.race([ended, pause(STOP_DEADLINE_MS, undefined, { ref: false })]);
    for (const pid of tree) endQuietly(pid);
  }

  kill(): void {
    if (this.child.pid === undefined || this.child.exitCode !== null) return;
    for (const pid of processTree(this.child.pid)) endQuietly(pid);
  }
}

const INSIDE = fileURLToPath(new URL('../load/inside.js', import.meta.url));

/** A program of Node that can be asked what it uses, finer than the kernel tells from outside. */
export class WatchedProgram extends Program {
  constructor(name: string, args: string[], environment?: NodeJS.ProcessEnv) {
    const watched = ['--expose-gc', '--import', INSIDE, ...args];
    super(name, process.execPath, watched, environment, 'ipc');
  }

  async usage(question: Question): Promise<number> {
    this.child.send(question);
    const [answer] = (await once(this.child, 'message', { signal: AbortSignal.timeout(10_000) })) as [number];
    return answer;
  }
}

function endQuietly(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // It has ended by itself.
  }
}
