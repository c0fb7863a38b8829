import type net from 'node:net';
import type { Endpoint } from '../endpoint.js';
import { SocketError } from '../errors.js';
import { adopt, reset } from '../stream/kernel-handle.js';
import { close, getsockname } from '../native/syscalls.js';
import { ManagedSocket, type CloseReason, type SocketContext } from '../socket.js';
import type { ReceiveSettings, SocketLabels } from '../socket-settings.js';
import { SocketList } from '../socket-list.js';
import type { OptionSetting } from '../options/setting.js';
import type { ResponderSpec } from '../responders/responder-spec.js';
import { SeqpacketConnection } from '../seqpacket/seqpacket-connection.js';
import { SeqpacketServer } from '../seqpacket/seqpacket-server.js';
import { StreamConnection } from '../stream/stream-connection.js';
import { StreamServer, type ServerSettings } from './stream-server.js';
import type { ServerTls } from '../tls/tls-context.js';
import type { TlsSession } from '../tls/tls-handshake.js';
import { ListenerHandshakes } from '../tls/tls-listener.js';
import type { UnixFiles } from '../unix/unix-files.js';

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
  /** Every connection begins with a handshake; null: plain TCP. */
  tls: ServerTls | null;
  /** Of a Unix socket: SOCK_SEQPACKET; otherwise SOCK_STREAM. */
  type?: 'seqpacket';
  /** Answers for it; without one, callers do. */
  responder?: ResponderSpec;
}

/** The way into the engine's set of sockets. */
export interface Admission {
  /** A place for one more socket, and its name, or an error when there is none; see Registry.reserve. */
  reserve(name: string | null, inPlaceOf?: ManagedSocket): () => void;
  admit(socket: ManagedSocket): void;
  readonly files: UnixFiles;
}

/** What a listener remembers of its settings: nothing that has keys in it. */
type KeptSettings = Omit<ListenerSettings, 'tls' | 'responder'>;

/** A TCP or Unix socket that listens, with TLS or without: each connection it accepts is a socket of its own. */
export class StreamListener extends ManagedSocket {
  /** Connections in the order of their coming, recently closed ones included. */
  readonly connections = new SocketList();
  private acceptedCount = 0;
  private rejectedCount = 0;
  private openConnections = 0;
  /** Null once it is closed: its record, which stays for a while, holds nothing of Node's. */
  private server: StreamServer | SeqpacketServer | null = null;

  /**
   * Binds and listens on a numeric address that the policy has allowed.
   * Fails with EADDRINUSE, EADDRNOTAVAIL, EACCES and the like.
   */
  static async listen(
    at: Endpoint,
    settings: ListenerSettings,
    context: SocketContext,
    admission: Admission,
  ): Promise<StreamListener> {
    // Before anything is bound: what is wrong with a certificate shows here.
    const { tls, responder: _, ...kept } = settings;
    const { handshakeMs } = context.limits;
    const handshakes = tls === null ? null : new ListenerHandshakes(tls, handshakeMs, context.now);
    const server = await openServer(at, kept, admission.files);
    return new StreamListener(server, at, kept, handshakes, context, admission);
  }

  private constructor(
    server: StreamServer | SeqpacketServer,
    at: Endpoint,
    readonly settings: KeptSettings,
    /** Of a TLS listener. */
    readonly handshakes: ListenerHandshakes | null,
    context: SocketContext,
    private readonly admission: Admission,
  ) {
    const local = at.family === 'unix' ? at : getsockname(server.fileno ?? -1);
    const unix = settings.type === 'seqpacket' ? 'unix-seqpacket' : 'unix';
    const protocol = at.family === 'unix' ? unix : 'tcp';
    super('listener', handshakes === null ? protocol : 'tls', 'listening', local, settings, context);
    this.attend(server);
  }

  get fileno(): number | null {
    return this.server?.fileno ?? null;
  }

  get accepted(): number {
    return this.acceptedCount;
  }

  /** Connections that never became a socket: a limit was reached, or their handshake failed. */
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

  /**
   * Stops listening; the port is free at once. What was accepted goes on: the engine decides about it.
   * Handshakes go on as well where another has taken its place, unless it is closed once more.
   */
  override close(_mode: 'graceful' | 'reset', reason: CloseReason): Promise<void> {
    if (reason !== 'replaced') this.handshakes?.abort();
    if (!this.isClosed) {
      this.stopListening();
      this.end(reason);
    }
    return Promise.resolve();
  }

  /** Frees the port or the file for the one that `open` makes, and takes it again if that fails. */
  async makeWay<T>(open: () => Promise<T>): Promise<T> {
    this.stopListening();
    try {
      return await open();
    } catch (error) {
      await this.listenAgain();
      throw error;
    }
  }

  /** Where it did before; if somebody else was faster, it has failed. */
  private async listenAgain(): Promise<void> {
    if (this.isClosed) return;
    try {
      this.attend(await openServer(this.localAddress, this.settings, this.admission.files));
    } catch (error) {
      this.end(SocketError.fromSystem(error));
      return;
    }
    // It may have been closed in the meantime.
    if (this.closedAt !== null) this.stopListening();
  }

  private stopListening(): void {
    this.server?.close();
    this.server = null;
  }

  connectionClosed(): void {
    this.openConnections -= 1;
  }

  private end(reason: CloseReason): void {
    if (this.isClosed) return;
    this.handshakes?.close();
    this.settleClosed(reason);
    this.context.released(this);
  }

  private attend(server: StreamServer | SeqpacketServer): void {
    this.server = server;
    server.attend({
      accepted: (connection) => this.accept(connection),
      failed: () => (this.rejectedCount += 1),
    });
  }

  private accept(accepted: net.Socket | number): void {
    // Its fate is decided below; a reset meanwhile changes nothing.
    if (typeof accepted !== 'number') accepted.on('error', () => undefined);
    let release: () => void;
    try {
      if (this.openConnections >= this.settings.maxConnections || this.handshakes?.isFull === true)
        throw new SocketError('QUOTA_EXCEEDED', 'connections');
      release = this.admission.reserve(null);
    } catch {
      this.rejectedCount += 1;
      refuse(accepted);
      return;
    }
    const { handshakes } = this;
    if (handshakes === null || typeof accepted === 'number') {
      this.admit(accepted, null, release);
      return;
    }
    const raw = adopt(accepted, null);
    if (raw !== null) {
      void this.secure(raw, handshakes, release);
      return;
    }
    release();
    this.aborted(accepted);
  }

  /** The place is kept during the handshake: without one there would be nothing to shake hands for. */
  private async secure(raw: net.Socket, handshakes: ListenerHandshakes, release: () => void): Promise<void> {
    const session = await handshakes.run(raw);
    const isOver = this.isUnwanted || this.openConnections >= this.settings.maxConnections;
    if (session !== null && !isOver) {
      this.admit(raw, session, release);
      return;
    }
    release();
    this.rejectedCount += 1;
    if (session !== null) reset(raw);
  }

  /** Nobody takes what it accepts. A listener that was replaced still hands on what it has begun. */
  private get isUnwanted(): boolean {
    return this.isClosed && this.closeReason !== 'replaced';
  }

  private admit(accepted: net.Socket | number, session: TlsSession | null, release: () => void): void {
    const settings = { ...this.settings, name: null, leaseMs: null };
    const rest = ['connection', settings, this.context, this.id] as const;
    const connection =
      typeof accepted === 'number'
        ? SeqpacketConnection.over(accepted, ...rest)
        : StreamConnection.over(accepted, session, ...rest);
    release();
    if (connection === null) {
      this.aborted(accepted);
      return;
    }
    this.acceptedCount += 1;
    connection.place = this.acceptedCount;
    this.openConnections += 1;
    this.connections.add(connection);
    this.admission.admit(connection);
    if (this.acceptedCount === this.settings.acceptCount) void this.close('graceful', 'accept-count');
  }

  /** Its peer has reset it before it was accepted, ECONNABORTED in accept(2) of POSIX: nothing is known of it. */
  private aborted(accepted: net.Socket | number): void {
    this.rejectedCount += 1;
    if (typeof accepted !== 'number') accepted.destroy();
  }
}

function refuse(accepted: net.Socket | number): void {
  if (typeof accepted === 'number') close(accepted);
  else reset(accepted);
}

function openServer(
  at: Endpoint,
  settings: ServerSettings,
  files: UnixFiles,
): Promise<StreamServer> | SeqpacketServer {
  if (settings.type === 'seqpacket' && at.family === 'unix') return SeqpacketServer.open(settings, at, files);
  return StreamServer.open(at, settings, files);
}
