/** The other end of a connection: a plain socket that does what the test says, and remembers what came. */
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';

const DEADLINE_MS = 30_000;
const opened = new Set<{ destroy: () => void }>();

/** For `afterEach`: nothing that a test opened stays. */
export function closePeers(): void {
  for (const peer of opened) peer.destroy();
  opened.clear();
}

export function within<T>(what: string, promise: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`not within ${DEADLINE_MS} ms: ${what}`)), DEADLINE_MS);
  });
  return Promise.race([promise, late]).finally(() => clearTimeout(timer));
}

export class Peer {
  /** How it ended: `end` (EOF), or the code of the error. */
  readonly ended: Promise<string>;
  private readonly parts: Buffer[] = [];
  private size = 0;
  private changed = (): void => undefined;

  constructor(
    private readonly socket: Socket,
    /** A stalled peer reads nothing until it is told to. */
    stalled: boolean,
  ) {
    opened.add(socket);
    const ended = new Promise<string>((resolve) => {
      socket.once('end', () => resolve('end'));
      socket.once('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? error.message));
    });
    this.ended = ended;
    if (!stalled) this.read();
  }

  static async connect(port: number, { stalled = false } = {}): Promise<Peer> {
    const socket = connect({ host: '127.0.0.1', port, allowHalfOpen: true });
    if (stalled) socket.pause();
    await within(
      'connect',
      new Promise<void>((resolve, reject) => {
        socket.once('connect', resolve);
        socket.once('error', reject);
      }),
    );
    return new Peer(socket, stalled);
  }

  get port(): number {
    return this.socket.localPort ?? 0;
  }

  /** Starts to read. */
  read(): void {
    this.socket.on('data', (chunk: Buffer) => {
      this.parts.push(chunk);
      this.size += chunk.length;
      this.changed();
    });
    void this.ended.then(() => this.changed());
    this.socket.resume();
  }

  send(data: string | Buffer): void {
    this.socket.write(data);
  }

  /** FIN: what was said is said. */
  finish(data = ''): void {
    this.socket.end(data);
  }

  reset(): void {
    this.socket.resetAndDestroy();
  }

  /** What it has received, once that is `count` bytes or more. */
  received(count: number): Promise<Buffer> {
    const enough = new Promise<void>((resolve) => {
      this.changed = () => {
        if (this.size >= count) resolve();
      };
      this.changed();
    });
    return within(
      `${count} bytes at the peer`,
      enough.then(() => Buffer.concat(this.parts)),
    );
  }

  /** Everything it has received up to the end, and how that came. */
  async rest(): Promise<{ bytes: Buffer; ended: string }> {
    const ended = await within('the end at the peer', this.ended);
    return { bytes: Buffer.concat(this.parts), ended };
  }
}

/** A server of peers, for the clients that the service dials with. */
export class PeerServer {
  private readonly waiting: ((peer: Peer) => void)[] = [];
  private readonly accepted: Peer[] = [];

  private constructor(
    private readonly server: Server,
    stalled: boolean,
  ) {
    opened.add({ destroy: () => server.close() });
    server.on('connection', (socket) => {
      const peer = new Peer(socket, stalled);
      const next = this.waiting.shift();
      if (next === undefined) this.accepted.push(peer);
      else next(peer);
    });
  }

  static async open({ stalled = false } = {}): Promise<PeerServer> {
    const server = createServer({ allowHalfOpen: true, pauseOnConnect: stalled });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    return new PeerServer(server, stalled);
  }

  get port(): number {
    return (this.server.address() as AddressInfo).port;
  }

  next(): Promise<Peer> {
    const peer = this.accepted.shift();
    if (peer !== undefined) return Promise.resolve(peer);
    return within('a connection at the peer', new Promise((resolve) => this.waiting.push(resolve)));
  }

  close(): Promise<void> {
    return new Promise((resolve) => this.server.close(() => resolve()));
  }
}

/** A port on which nobody listens. */
export async function freePort(): Promise<number> {
  const server = await PeerServer.open();
  const { port } = server;
  await server.close();
  return port;
}
