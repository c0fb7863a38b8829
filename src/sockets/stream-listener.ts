import net from 'node:net';
import { errorFields, type Endpoint, type InternetEndpoint } from './endpoint.js';
import { SocketError } from './errors.js';
import { filenoOf } from './kernel-handle.js';
import { getsockname } from './native/syscalls.js';
import { ManagedSocket, type CloseReason, type SocketContext } from './socket.js';
import type { ReceiveSettings, SocketLabels } from './socket-settings.js';
import { SocketList } from './socket-list.js';
import type { OptionSetting } from './options/setting.js';
import { StreamConnection } from './stream-connection.js';
import { openStream } from './stream-descriptor.js';

export interface ListenerSettings extends SocketLabels {
  backlog: number;
  ipv6Only: boolean;
  /** Set before it is bound; what it accepts inherits them from it, tcp(7). */
  options: readonly OptionSetting[];
  /** Connections open at once; one more is reset. */
  maxConnections: number;
  /** Accepts so many, then closes; null: no end. */
  acceptCount: number | null;
  idleTimeoutMs: number;
  receive: ReceiveSettings;
}

/** What the listener asks of the engine for each connection. */
export interface Admission {
  /** A place for one more socket, or an error when there is none. */
  reserve(): () => void;
  admit(connection: StreamConnection): void;
}

/** A TCP socket that listens: each connection it accepts is a socket of its own. */
export class StreamListener extends ManagedSocket {
  /** Connections in the order of their coming, recently closed ones included. */
  readonly connections = new SocketList();
  private acceptedCount = 0;
  private rejectedCount = 0;
  private openConnections = 0;

  /**
   * Binds and listens on a numeric address that the policy has allowed.
   * Fails with EADDRINUSE, EADDRNOTAVAIL, EACCES and the like.
   */
  static async listen(
    at: InternetEndpoint,
    settings: ListenerSettings,
    context: SocketContext,
    admission: Admission,
  ): Promise<StreamListener> {
    const server = net.createServer({ pauseOnConnect: true, allowHalfOpen: true });
    const { backlog, ipv6Only, options } = settings;
    const fd = openStream({ family: at.family, local: at, ipv6Only, options });
    await new Promise<void>((resolve, reject) => {
      server.once('error', (error) =>
        reject(SocketError.fromSystem(error, { syscall: 'listen', ...errorFields(at) })),
      );
      server.listen({ fd }, backlog, resolve);
    });
    return new StreamListener(server, getsockname(fd), settings, context, admission);
  }

  private constructor(
    private readonly server: net.Server,
    local: Endpoint,
    readonly settings: ListenerSettings,
    context: SocketContext,
    private readonly admission: Admission,
  ) {
    super('listener', 'tcp', 'listening', local, settings, context);
    server.removeAllListeners('error');
    // An error of accept(2) concerns one connection that never came to be; the listener goes on.
    server.on('error', () => (this.rejectedCount += 1));
    server.on('connection', (accepted) => this.accept(accepted));
  }

  get fileno(): number | null {
    return filenoOf(this.server);
  }

  get accepted(): number {
    return this.acceptedCount;
  }

  /** Connections that were reset because a limit was reached. */
  get rejected(): number {
    return this.rejectedCount;
  }

  get open(): number {
    return this.openConnections;
  }

  /** Where its connections came from can be asked for as long as one of them is open. */
  override isSpent(): boolean {
    return this.openConnections === 0;
  }

  override sweep(): void {
    // A listener waits for as long as it is wanted.
  }

  /** Stops listening; the port is free at once. What was accepted goes on: the engine decides about it. */
  override close(_mode: 'graceful' | 'reset', reason: CloseReason): Promise<void> {
    if (!this.isClosed) {
      this.server.close();
      this.settleClosed(reason);
      this.context.released(this);
    }
    return Promise.resolve();
  }

  connectionClosed(): void {
    this.openConnections -= 1;
  }

  private accept(accepted: net.Socket): void {
    accepted.on('error', () => undefined); // its fate is decided below; a reset meanwhile changes nothing
    let release: () => void;
    try {
      if (this.openConnections >= this.settings.maxConnections)
        throw new SocketError('QUOTA_EXCEEDED', 'connections');
      release = this.admission.reserve();
    } catch {
      this.rejectedCount += 1;
      accepted.resetAndDestroy();
      return;
    }
    const settings = { ...this.settings, name: null, leaseMs: null };
    const connection = StreamConnection.over(accepted, 'connection', settings, this.context, this.id);
    release();
    if (connection === null) {
      accepted.destroy();
      return;
    }
    this.acceptedCount += 1;
    this.openConnections += 1;
    this.connections.add(connection);
    this.admission.admit(connection);
    if (this.acceptedCount === this.settings.acceptCount) void this.close('graceful', 'accept-count');
  }
}
