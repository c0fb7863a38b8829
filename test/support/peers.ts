/**
 * Processes beside the test: the service itself, python peers, programs that are not ours.
 * Everything here waits for an event with a deadline; `until` polls only what announces nothing (memory, counters).
 */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { setTimeout as pause } from 'node:timers/promises';

const DEADLINE_MS = 30_000;

interface Waiter<T> {
  wants: (item: T) => boolean;
  take: (item: T) => void;
  fail: (reason: Error) => void;
}

/** Items in order of arrival, for one reader that looks for the first of a kind and leaves the others in place. */
export class Inbox<T> {
  private items: T[] = [];
  private ended: Error | null = null;
  private readonly waiting = new Set<Waiter<T>>();

  get size(): number {
    return this.items.length;
  }

  put(item: T): void {
    for (const waiter of this.waiting) {
      if (!waiter.wants(item)) continue;
      this.waiting.delete(waiter);
      waiter.take(item);
      return;
    }
    this.items.push(item);
  }

  /** Nothing comes any more: every wait ends with `reason`, those to come as well. */
  end(reason: Error): void {
    this.ended ??= reason;
    for (const waiter of this.waiting) waiter.fail(this.ended);
    this.waiting.clear();
  }

  /** What is there now and wanted, taken out. */
  takeAll(wants: (item: T) => boolean): T[] {
    const taken = this.items.filter(wants);
    this.items = this.items.filter((item) => !wants(item));
    return taken;
  }

  async take(what: string, wants: (item: T) => boolean, deadlineMs = DEADLINE_MS): Promise<T> {
    const index = this.items.findIndex(wants);
    if (index >= 0) return this.items.splice(index, 1)[0] as T;
    if (this.ended) throw this.ended;
    return this.wait(what, wants, deadlineMs);
  }

  private wait(what: string, wants: (item: T) => boolean, deadlineMs: number): Promise<T> {
    let waiter: Waiter<T> | undefined;
    const next = new Promise<T>((take, fail) => {
      waiter = { wants, take, fail };
      this.waiting.add(waiter);
    });
    const late = (): string => `there are: ${this.preview()}`;
    return within(what, deadlineMs, next, late).finally(() => waiter && this.waiting.delete(waiter));
  }

  private preview(): string {
    return this.items
      .slice(-5)
      .map((item) => JSON.stringify(item).slice(0, 400))
      .join(' ');
  }
}

/** The outcome of `promise`, or an error that says what did not come in time. */
export async function within<T>(
  what: string,
  deadlineMs: number,
  promise: Promise<T>,
  details: () => string = () => '',
): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => {
      reject(new Error(`${what}: not within ${deadlineMs} ms ${details()}`));
    }, deadlineMs);
  });
  return Promise.race([promise, late]).finally(() => clearTimeout(timer));
}

/** Polls what announces nothing until it is so. */
export async function until(
  what: string,
  condition: () => boolean | Promise<boolean>,
  deadlineMs = DEADLINE_MS,
): Promise<void> {
  const end = Date.now() + deadlineMs;
  while (!(await condition())) {
    if (Date.now() > end) throw new Error(`not within ${deadlineMs} ms: ${what}`);
    await pause(20);
  }
}

export interface Exit {
  code: number | null;
  signal: NodeJS.Signals | null;
}

const running = new Set<Program>();

/** Ends what the test file started; for its `afterAll`. */
export async function stopPrograms(): Promise<void> {
  await Promise.all([...running].map((program) => program.kill()));
}

/** A child process whose output can be waited for. */
export class Program {
  readonly exited: Promise<Exit>;
  private readonly out: Buffer[] = [];
  private readonly err: Buffer[] = [];
  private readonly changed = new Set<() => void>();

  constructor(
    readonly name: string,
    protected readonly child: ChildProcess,
  ) {
    running.add(this);
    child.stdout?.on('data', (chunk: Buffer) => this.take(this.out, chunk));
    child.stderr?.on('data', (chunk: Buffer) => this.take(this.err, chunk));
    // A program may end before it has read all its input; that is its right.
    child.stdin?.on('error', () => undefined);
    this.exited = new Promise<Exit>((resolve, reject) => {
      child.once('error', reject);
      child.once('close', (code, signal) => resolve({ code, signal }));
    }).finally(() => {
      running.delete(this);
      this.notify();
    });
    this.exited.catch(() => undefined);
  }

  get pid(): number {
    if (this.child.pid === undefined) throw new Error(`${this.name} did not start`);
    return this.child.pid;
  }

  get stdout(): Buffer {
    return Buffer.concat(this.out);
  }

  get stderr(): string {
    return Buffer.concat(this.err).toString();
  }

  write(data: string | Buffer): void {
    this.child.stdin?.write(data);
  }

  endInput(): void {
    this.child.stdin?.end();
  }

  /** Waits until `found` says something else than null about the output so far. */
  async output<T>(what: string, found: () => T | null, deadlineMs = DEADLINE_MS): Promise<T> {
    const search = new Promise<T>((resolve, reject) => {
      const look = (): void => {
        const result = found();
        if (result === null && running.has(this)) return;
        this.changed.delete(look);
        if (result === null) reject(new Error(`${this.name} ended without ${what}: ${this.tail()}`));
        else resolve(result);
      };
      this.changed.add(look);
      look();
    });
    return within(`${what} from ${this.name}`, deadlineMs, search);
  }

  exit(deadlineMs = DEADLINE_MS): Promise<Exit> {
    return within(`the exit of ${this.name}`, deadlineMs, this.exited);
  }

  signal(name: NodeJS.Signals): void {
    this.child.kill(name);
  }

  async kill(): Promise<void> {
    this.signal('SIGKILL');
    await this.exit().catch(() => undefined);
  }

  tail(): string {
    return `${this.stdout.toString().slice(-2000)}\n${this.stderr.slice(-2000)}`;
  }

  private take(kept: Buffer[], chunk: Buffer): void {
    kept.push(chunk);
    this.notify();
  }

  private notify(): void {
    for (const look of [...this.changed]) look();
  }
}

export function startProgram(command: string, args: string[], env?: NodeJS.ProcessEnv): Program {
  const child = spawn(command, args, { env: env ?? process.env, stdio: ['pipe', 'pipe', 'pipe'] });
  return new Program(`${command} ${args.join(' ')}`, child);
}

/** What a python peer says: one JSON object a line. */
export interface PeerEvent {
  event: string;
  sent?: number;
  bytes?: number;
  port?: number;
  ports?: number[];
  localPort?: number;
  remotePort?: number;
  sha256?: string;
  hex?: string;
  version?: string;
  alpn?: string | null;
  text?: string;
  errno?: number;
  /** Of an event of the service: its id, and its data. */
  id?: number;
  said?: { name: string; socketId: string };
  ttl?: number;
  tos?: number;
  /** Of a WebSocket: the answer to the upgrade, a frame, what an exchange came to. */
  status?: number;
  subprotocol?: string | null;
  fin?: boolean;
  opcode?: number;
  sentSha256?: string;
  pings?: number;
  pongs?: number;
}

export type PeerCommand =
  | { do: 'send' | 'send-urgent'; hex: string }
  | { do: 'send-text'; text: string; charset: string; from: number; to?: number }
  | { do: 'receive-text'; bytes: number; charset: string }
  | { do: 'send-random' | 'exchange'; bytes: number; seed: number }
  | { do: 'frames'; frames: [fin: boolean, opcode: number, hex: string][] }
  | { do: 'receive'; bytes: number }
  | { do: 'start-tls'; role: 'server'; certificate: string; key: string; ca?: string; alpn?: string[] }
  | { do: 'start-tls'; role: 'client'; servername: string; ca: string; certificate?: string; key?: string }
  | {
      do:
        'drain' | 'message' | 'next' | 'flush' | 'notify' | 'shutdown' | 'close' | 'reset' | 'receive-urgent';
    };

/** A script of `peers/`, run by python: says events, obeys commands, ends with its stdin. */
export class Peer extends Program {
  private readonly events = new Inbox<PeerEvent>();
  private rest = '';
  /** Of its connection, once it has said `connected`. */
  localPort = 0;

  constructor(name: string, child: ChildProcess) {
    super(name, child);
    child.stdout?.on('data', (chunk: Buffer) => this.read(chunk.toString()));
    void this.exited.finally(() => this.events.end(new Error(`${name} has ended: ${this.tail()}`)));
  }

  /** The next event of that name; earlier ones of other names stay. */
  event(name: string, deadlineMs?: number): Promise<PeerEvent> {
    return this.events.take(`'${name}' from ${this.name}`, (said) => said.event === name, deadlineMs);
  }

  /** The last event of that name, for those that repeat; older ones are forgotten. */
  async latest(name: string, deadlineMs?: number): Promise<PeerEvent> {
    const said = this.events.takeAll((event) => event.event === name);
    return said.at(-1) ?? this.event(name, deadlineMs);
  }

  /** The port that a listening peer took. */
  ready(): Promise<number> {
    return this.output('READY', () => {
      const match = /^READY (\d+)$/m.exec(this.stdout.toString());
      return match ? Number(match[1]) : null;
    });
  }

  tell(command: PeerCommand): void {
    this.write(`${JSON.stringify(command)}\n`);
  }

  /** Tells, and waits for the outcome of that name. */
  ask(command: PeerCommand, outcome: string, deadlineMs?: number): Promise<PeerEvent> {
    this.tell(command);
    return this.event(outcome, deadlineMs);
  }

  send(bytes: Buffer | string): Promise<PeerEvent> {
    return this.ask({ do: 'send', hex: Buffer.from(bytes).toString('hex') }, 'sent');
  }

  async receive(bytes: number): Promise<Buffer> {
    const { hex } = await this.ask({ do: 'receive', bytes }, 'received');
    return Buffer.from(hex ?? '', 'hex');
  }

  private read(text: string): void {
    const lines = (this.rest + text).split('\n');
    this.rest = lines.pop() ?? '';
    for (const line of lines) {
      if (line.startsWith('{')) this.events.put(JSON.parse(line) as PeerEvent);
    }
  }
}

/** `prefix` puts another program in front of python, `ip netns exec NAME` for one. */
export function startPeer(
  script: 'peer.py' | 'flood.py' | 'headers.py' | 'events.py' | 'websocket.py',
  args: string[],
  prefix: string[] = [],
): Peer {
  const [command = 'python3', ...rest] = [...prefix, 'python3', `${__dirname}/peers/${script}`, ...args];
  const child = spawn(command, rest, { stdio: ['pipe', 'pipe', 'pipe'] });
  return new Peer(`${script} ${args.join(' ')}`, child);
}

/** A python peer that has connected. */
export async function dial(port: number, host = '127.0.0.1', prefix: string[] = []): Promise<Peer> {
  const peer = startPeer('peer.py', ['--connect', `${host}:${port}`], prefix);
  peer.localPort = (await peer.event('connected')).localPort!;
  return peer;
}

/** Those of the programs that are not here. */
export function missingOf(...programs: string[]): string[] {
  return programs.filter((name) => spawnSync('sh', ['-c', `command -v ${name}`]).status !== 0);
}

/** `it`, or a test that counts as skipped, with the reason in its title, where a program is missing. */
export function itWith(
  ...programs: string[]
): (title: string, test: () => Promise<void>, timeoutMs?: number) => void {
  const missing = missingOf(...programs);
  if (missing.length === 0) return (title, test, timeoutMs) => it(title, test, timeoutMs);
  console.warn(`interop tests skipped: ${missing.join(', ')} not installed`);
  return (title, test) => it.skip(`${title} (skipped: ${missing.join(', ')} not installed)`, test);
}
