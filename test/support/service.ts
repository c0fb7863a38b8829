/** The built service in a process of its own, on a free port, and the HTTP calls of the tests. */
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Exit, type Program, startProgram, until } from './peers.js';

const MAIN = join(process.cwd(), 'dist', 'main.js');
const LISTENS = /Sockeye listens on (http:\/\/127\.0\.0\.1:(\d+)) - Swagger UI at (http:\/\/\S+\/docs)/;

export interface Answer<T> {
  status: number;
  headers: Headers;
  body: T;
}

export interface Problem {
  type: string;
  title: string;
  status: number;
  detail?: string;
  errors?: { pointer: string; detail: string }[];
}

/** What the tests read of a socket as every answer shows it. */
export interface SocketView {
  id: string;
  kind: string;
  state: string;
  localAddress: { address: string; port: number };
  remoteAddress: { address: string; port: number } | null;
  closeReason: string | { code: string; errno: number; message: string } | null;
  received: {
    bytes: number;
    earliestOffset: number;
    committedOffset: number;
    headOffset: number;
    droppedBytes: number;
    paused: boolean;
  };
  sent: { bytes: number; queuedBytes: number };
  readers: { name: string; committedOffset: number; attached: boolean }[];
  observers: number;
}

export interface List<T> {
  items: T[];
  nextCursor: string | null;
}

export class Service {
  constructor(
    readonly url: string,
    readonly port: number,
    private readonly program: Program,
    private readonly key: string | null,
  ) {}

  get pid(): number {
    return this.program.pid;
  }

  get stderr(): string {
    return this.program.stderr;
  }

  get stdout(): string {
    return this.program.stdout.toString();
  }

  /** Resident memory in bytes. */
  rss(): number {
    const status = readFileSync(`/proc/${this.pid}/status`, 'latin1');
    return Number(/^VmRSS:\s+(\d+) kB$/m.exec(status)?.[1]) * 1024;
  }

  get<T>(path: string): Promise<Answer<T>> {
    return this.call<T>(path, { method: 'GET' });
  }

  del<T = null>(path: string): Promise<Answer<T>> {
    return this.call<T>(path, { method: 'DELETE' });
  }

  post<T>(path: string, body: unknown): Promise<Answer<T>> {
    return this.say<T>('POST', path, body);
  }

  put<T>(path: string, body: unknown): Promise<Answer<T>> {
    return this.say<T>('PUT', path, body);
  }

  /** Bytes go as octet-stream, everything else as JSON. */
  private say<T>(method: string, path: string, body: unknown): Promise<Answer<T>> {
    const bytes = Buffer.isBuffer(body);
    return this.call<T>(path, {
      method,
      headers: { 'content-type': bytes ? 'application/octet-stream' : 'application/json' },
      body: bytes ? new Uint8Array(body) : JSON.stringify(body),
    });
  }

  async call<T>(path: string, init: RequestInit): Promise<Answer<T>> {
    const headers = new Headers(init.headers);
    if (this.key) headers.set('authorization', `Bearer ${this.key}`);
    const answer = await fetch(`${this.url}${path}`, { ...init, headers });
    const text = await answer.text();
    const json = /\bjson\b/.test(answer.headers.get('content-type') ?? '');
    return { status: answer.status, headers: answer.headers, body: (json ? JSON.parse(text) : text) as T };
  }

  /** The status of a request with headers that fetch would not send, as Host. */
  status(path: string, headers: Record<string, string>): Promise<number> {
    return new Promise((resolve, reject) => {
      const asked = request(`${this.url}${path}`, { headers, agent: false }, (answer) => {
        answer.resume();
        resolve(answer.statusCode ?? 0);
      });
      asked.once('error', reject).end();
    });
  }

  /** Received bytes from an offset on, without consuming them. */
  async bytes(socketId: string, offset = 0): Promise<Buffer> {
    const query = `offset=${offset}&maxBytes=1048576&encoding=hex`;
    const answer = await this.get<{ data: string }>(`/v1/sockets/${socketId}/data?${query}`);
    if (answer.status !== 200) throw new Error(`GET data: ${JSON.stringify(answer.body)}`);
    return Buffer.from(answer.body.data, 'hex');
  }

  async listen(spec: Record<string, unknown> = {}): Promise<SocketView & { port: number }> {
    const body = { protocol: 'tcp', host: '127.0.0.1', port: 0, ...spec };
    const answer = await this.post<SocketView>('/v1/listeners', body);
    if (answer.status !== 201) throw new Error(`POST listeners: ${JSON.stringify(answer.body)}`);
    return { ...answer.body, port: answer.body.localAddress.port };
  }

  async socket(id: string): Promise<SocketView> {
    return (await this.get<SocketView>(`/v1/sockets/${id}`)).body;
  }

  /** The connection of a listener whose peer has that port, once it was accepted. */
  async connection(listenerId: string, peerPort: number): Promise<SocketView> {
    let found: SocketView | undefined;
    await until(`a connection from port ${peerPort}`, async () => {
      const path = `/v1/listeners/${listenerId}/connections?limit=1000`;
      const { body } = await this.get<List<SocketView>>(path);
      found = body.items.find((socket) => socket.remoteAddress?.port === peerPort);
      return found !== undefined;
    });
    return found!;
  }

  signal(name: NodeJS.Signals): void {
    this.program.signal(name);
  }

  exit(deadlineMs?: number): Promise<Exit> {
    return this.program.exit(deadlineMs);
  }

  /** SIGTERM; the exit code. */
  async stop(): Promise<number | null> {
    this.signal('SIGTERM');
    return (await this.exit(12_000)).code;
  }
}

/**
 * Starts `node dist/main.js` without waiting for it: for starts that are refused. `prefix` puts another
 * program in front of it, one that ends in exec.
 */
export function spawnService(env: Record<string, string> = {}, prefix: string[] = []): Program {
  if (!existsSync(MAIN)) throw new Error(`${MAIN} is missing: run 'npm run build' first`);
  const data = mkdtempSync(join(tmpdir(), 'sockeye-test-'));
  const inherited = Object.entries(process.env).filter(([name]) => !name.startsWith('SOCKEYE_'));
  const [command, ...rest] = [...prefix, process.execPath, MAIN];
  const program = startProgram(command, rest, {
    ...Object.fromEntries(inherited),
    SOCKEYE_HOST: '127.0.0.1',
    SOCKEYE_PORT: '0',
    SOCKEYE_DATA_DIR: data,
    SOCKEYE_LOG_LEVEL: 'warn',
    ...env,
  });
  void program.exited.finally(() => rmSync(data, { recursive: true, force: true }));
  return program;
}

/** A service that listens; `key` goes with every call. */
export async function startService(
  env: Record<string, string> = {},
  key: string | null = null,
  prefix: string[] = [],
): Promise<Service> {
  const program = spawnService(env, prefix);
  const found = await program.output(
    'the line that says where it listens',
    () => LISTENS.exec(program.stdout.toString()),
    60_000,
  );
  return new Service(found[1]!, Number(found[2]), program, key);
}
