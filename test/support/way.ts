/** A TCP way to a port that can be cut, led elsewhere, or made to lose everything: a cable, between tests and service. */
import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';

export class Way {
  private readonly sockets = new Set<Socket>();
  private silent = false;
  private mute = false;
  /** How many connections were made over it. */
  made = 0;
  /** Called with every chunk that went towards the client. */
  onReceived: (bytes: number) => void = () => undefined;
  /** Called with every chunk that went towards the service. */
  onSent: (bytes: number) => void = () => undefined;

  private constructor(
    private readonly server: Server,
    /** Where new connections lead. */
    public target: number,
  ) {
    server.on('connection', (near: Socket) => this.lead(near));
  }

  static async to(target: number): Promise<Way> {
    const server = createServer();
    const way = new Way(server, target);
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    return way;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.server.address() as AddressInfo).port}`;
  }

  /** Resets what there is; new connections can be made. */
  cut(): void {
    for (const socket of this.sockets) socket.resetAndDestroy();
  }

  /** From now on bytes vanish, as on a cable that was pulled: nobody is told. */
  silence(): void {
    this.silent = true;
  }

  /** From now on only what the service says vanishes. */
  silenceService(): void {
    this.mute = true;
  }

  restore(): void {
    this.silent = this.mute = false;
  }

  async close(): Promise<void> {
    this.cut();
    this.server.close();
    await once(this.server, 'close');
  }

  private lead(near: Socket): void {
    this.made += 1;
    const far = connect(this.target, '127.0.0.1');
    this.carry(near, far, (bytes) => this.onSent(bytes));
    this.carry(
      far,
      near,
      (bytes) => this.onReceived(bytes),
      () => this.mute,
    );
  }

  private carry(
    from: Socket,
    to: Socket,
    seen: (bytes: number) => void,
    isMute = (): boolean => false,
  ): void {
    this.sockets.add(from);
    from.on('data', (chunk: Buffer) => {
      if (this.silent || isMute()) return;
      if (!to.write(chunk)) from.pause();
      seen(chunk.length);
    });
    to.on('drain', () => from.resume());
    from.on('end', () => to.end());
    from.on('error', () => undefined);
    from.on('close', () => {
      this.sockets.delete(from);
      to.destroy();
    });
  }
}
