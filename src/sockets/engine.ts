import { EventEmitter, setMaxListeners } from 'node:events';
import { DataSocket } from './data-socket.js';
import { openDatagramSocket, type DatagramRequest } from './datagram/datagram-open.js';
import { DatagramSocket } from './datagram/datagram-socket.js';
import { Clients, type ConnectRequest, type UnixConnectRequest } from './connect/clients.js';
import { ConnectingClient } from './connect/connecting-client.js';
import { closeConnections } from './listen/drain.js';
import { SocketError } from './errors.js';
import { Servers } from './connect/servers.js';
import { Exchanges } from './exchange/exchanges.js';
import { DEFAULT_LIMITS, SWEEP_MS, type Limits } from './limits.js';
import { tcpDefaults } from './options/setting.js';
import {
  isListener,
  Listeners,
  type Declared,
  type Listener,
  type ListenerSpec,
  type ListenRequest,
} from './listen/listeners.js';
import { Policy, type PolicySettings } from './policy.js';
import { ReceiveBudget } from './receive/receive-budget.js';
import { Registry } from './registry.js';
import { Removals } from './removal.js';
import { Scans } from './scan/scans.js';
import type { Dropped } from './receive/flow-events.js';
import type { ResponderSpec } from './responders/responder-spec.js';
import type { ManagedSocket, SocketContext, SocketEvent, SocketEventName } from './socket.js';
import type { Page } from './socket-list.js';
import type { ProcessSettings } from './socket-settings.js';
import { ReadTurns } from './stream/read-turns.js';
import { StreamConnection } from './stream/stream-connection.js';
import { StreamListener, type Admission } from './listen/stream-listener.js';
import { UnixFiles, type UnixSettings } from './unix/unix-files.js';

export interface EngineOptions {
  limits?: Partial<Limits>;
  policy: PolicySettings;
  /** Without it there are no Unix sockets. */
  unix?: UnixSettings;
}

/**
 * The socket API as an object: listen, connect, get, list, close. Owns every socket, the byte budget
 * and the one timer that looks at deadlines.
 */
export class Engine {
  readonly limits: Limits;
  readonly policy: Policy;
  readonly settings: ProcessSettings = { defaultTimeoutMs: null };
  /** Where Unix sockets may be, and whose their files are. */
  readonly unix: UnixFiles;
  readonly scans: Scans;
  /** Ways to servers that questions go to; policy and bounds are those of sockets. */
  readonly servers: Servers;
  readonly exchanges: Exchanges;
  private readonly registry: Registry;
  private readonly listeners: Listeners;
  private readonly clients: Clients;
  private readonly budget: ReceiveBudget;
  private readonly context: SocketContext;
  private readonly events = new EventEmitter();
  private readonly sweeper: NodeJS.Timeout;
  private readonly removals: Removals;
  private readonly stopping = new AbortController();

  constructor(options: EngineOptions) {
    this.limits = { ...DEFAULT_LIMITS, ...options.limits };
    this.policy = new Policy(options.policy);
    this.unix = new UnixFiles(options.unix ?? { directory: '', records: '' });
    this.registry = new Registry(this.limits, (socket) => {
      if (!(socket instanceof DataSocket)) return;
      this.parentOf(socket)?.connections.remove(socket);
      socket.forgotten();
    });
    this.removals = new Removals(this.registry, this.onEvent.bind(this));
    this.budget = new ReceiveBudget(this.limits.maxBufferedBytes);
    // As many as there are calls that wait: Node's warning of a leak does not fit.
    setMaxListeners(0, this.events, this.stopping.signal);
    this.context = {
      limits: this.limits,
      settings: this.settings,
      budget: this.budget,
      turns: new ReadTurns(),
      now: Date.now,
      emit: (name, socket, gap = null) => this.noticed(name, socket, gap),
      released: () => this.registry.notePlaceFree(),
    };
    const admission: Admission = {
      files: this.unix,
      reserve: (name, inPlaceOf) => this.reserve(name, inPlaceOf),
      admit: (socket) => this.admit(socket, socket.kind === 'connection' ? 'accepted' : 'created'),
    };
    const around = [this.registry, this.policy, this.context, admission] as const;
    const defaults = tcpDefaults(this.limits.keepAliveMs);
    this.listeners = new Listeners(...around, defaults);
    this.clients = new Clients(...around, defaults);
    this.servers = new Servers(this.policy, () => this.reserve(null));
    this.exchanges = new Exchanges(this, this.removals);
    this.scans = new Scans(this.policy, this.limits, (count) => this.registry.keepPlaces(count));
    this.sweeper = setInterval(() => this.sweep(), SWEEP_MS).unref();
  }

  get openCount(): number {
    return this.registry.openCount;
  }

  get bufferedBytes(): number {
    return this.budget.usedBytes;
  }

  /** bind(2) and, of a stream, listen(2). Errors: ADDRESS_BLOCKED, NAME_TAKEN, QUOTA_EXCEEDED, the kernel's, the resolver's. */
  listen(request: ListenRequest): Promise<StreamListener>;
  listen(request: ListenerSpec): Promise<Listener>;
  listen(request: ListenerSpec): Promise<Listener> {
    return this.listeners.listen(request);
  }

  /**
   * As `listen`, idempotent by name. Another spec replaces the listener: all of it is checked before,
   * and where the new one cannot be bound the old one goes on. Errors as `listen`.
   */
  declare(request: ListenerSpec & { name: string }): Promise<Declared> {
    return this.listeners.declare(request);
  }

  /**
   * connect(2), and the handshake of TLS, within the deadline. Errors as `listen`, those of the peer or
   * the way to it, and ECANCELED when the client is closed meanwhile, or `gone` is aborted.
   */
  connect(request: ConnectRequest, gone?: AbortSignal): Promise<StreamConnection> {
    return this.clients.connect(request, gone);
  }

  /** As `connect`, of a Unix socket. */
  connectUnix(request: UnixConnectRequest, gone?: AbortSignal): Promise<DataSocket> {
    return this.clients.connectUnix(request, gone);
  }

  /** A datagram socket that is connected. Errors as `listen`; whether a peer is there, nobody knows yet. */
  async openDatagram(request: DatagramRequest): Promise<DatagramSocket> {
    const release = this.reserve(request.name);
    try {
      return this.admit(await openDatagramSocket(request, this, this.context), 'connected');
    } finally {
      release();
    }
  }

  /** Throws SOCKET_NOT_FOUND, or SOCKET_GONE when there was one. */
  get(idOrName: string): ManagedSocket {
    const socket = this.registry.get(idOrName);
    if (socket.removal === 'removed')
      throw new SocketError('SOCKET_GONE', `socket ${idOrName} is closed and gone`);
    return socket;
  }

  listener(idOrName: string): StreamListener {
    const socket = this.get(idOrName);
    if (socket instanceof StreamListener) return socket;
    throw new SocketError('SOCKET_NOT_FOUND', `${idOrName} is not a listener`);
  }

  /** What is bound: a listener of streams, or a datagram socket that was bound and not connected. */
  bound(idOrName: string): Listener {
    const socket = this.get(idOrName);
    if (isListener(socket)) return socket;
    throw new SocketError('SOCKET_NOT_FOUND', `${idOrName} is not a listener`);
  }

  /** Changes who answers for a listener, from the next message on; null: nobody. RESPONDER_INVALID, SOCKET_GONE. */
  setResponder(listener: Listener, spec: ResponderSpec | null): void {
    this.listeners.setResponder(listener, spec, '');
  }

  /** EOPNOTSUPP for a socket that carries a stream. */
  datagramSocket(idOrName: string): DatagramSocket {
    const socket = this.dataSocket(idOrName);
    if (socket instanceof DatagramSocket) return socket;
    throw new SocketError('EOPNOTSUPP', `${idOrName} is not a datagram socket`);
  }

  /** A socket that carries data: any but a listener of streams. */
  dataSocket(idOrName: string): DataSocket {
    const socket = this.get(idOrName);
    if (socket instanceof DataSocket) return socket;
    if (socket instanceof ConnectingClient) {
      socket.requireOpen();
      throw new SocketError('ENOTCONN', `ENOTCONN: ${idOrName} is ${socket.state}`);
    }
    throw new SocketError('SOCKET_NOT_FOUND', `${idOrName} is a listener: it carries no bytes`);
  }

  /** A stream between two ends. Of a socket of another kind: EOPNOTSUPP. */
  streamConnection(idOrName: string): StreamConnection {
    const socket = this.dataSocket(idOrName);
    if (socket instanceof StreamConnection) return socket;
    throw new SocketError('EOPNOTSUPP', `${idOrName} is not a stream: ${socket.protocol}`);
  }

  /** A client, connected or not yet. */
  client(idOrName: string): ManagedSocket {
    const socket = this.get(idOrName);
    if (socket.kind === 'client') return socket;
    throw new SocketError('SOCKET_NOT_FOUND', `${idOrName} is not a client`);
  }

  list(after: number, limit: number, matches: (socket: ManagedSocket) => boolean): Page<ManagedSocket> {
    return this.registry.all.page(after, limit, matches);
  }

  /**
   * Closes a socket and throws away what nobody has read. A listener takes its connections with it,
   * after giving them `drainMs` to end by themselves, and can be looked at until they are closed. A second
   * call fails with SOCKET_GONE.
   */
  remove(socket: ManagedSocket, mode: 'graceful' | 'reset', drainMs = 0): Promise<void> {
    return this.removals.remove(socket, mode, drainMs);
  }

  /** Closes all open sockets that match; a listener takes its connections with it. Answers what it closed. */
  removeAll(
    mode: 'graceful' | 'reset',
    matches: (socket: ManagedSocket) => boolean,
  ): Promise<ManagedSocket[]> {
    return this.removals.removeAll(mode, matches);
  }

  onEvent(listener: (event: SocketEvent) => void): () => void {
    this.events.on('socket', listener);
    return () => this.events.off('socket', listener);
  }

  /** Aborted when the engine stops: who waits for bytes need not wait any longer. */
  get stopSignal(): AbortSignal {
    return this.stopping.signal;
  }

  /** No new socket; listeners close, connections go on. */
  stopAccepting(): void {
    this.stopping.abort();
    this.scans.stop();
    for (const socket of this.registry.all) {
      if (socket instanceof StreamListener) void socket.close('graceful', 'shutdown');
    }
  }

  /** Ends everything: what is queued is sent, for a moment, then FIN. */
  async close(): Promise<void> {
    this.stopAccepting();
    clearInterval(this.sweeper);
    await Promise.all([...this.registry.all].map((socket) => socket.close('graceful', 'shutdown')));
  }

  /** Of a connect, names included. */
  dialTimeoutMs(timeoutMs: number | null): number {
    return timeoutMs ?? this.settings.defaultTimeoutMs ?? this.limits.connectTimeoutMs;
  }

  private reserve(name: string | null, inPlaceOf?: ManagedSocket): () => void {
    if (this.stopping.signal.aborted) throw new SocketError('STOPPING', 'the service is stopping');
    return this.registry.reserve(name, inPlaceOf);
  }

  private admit<Made extends ManagedSocket>(socket: Made, as: 'created' | 'accepted' | 'connected'): Made {
    this.registry.add(socket);
    this.noticed(as, socket, null);
    this.listeners.responders.admitted(socket, this.parentOf(socket));
    return socket;
  }

  private noticed(name: SocketEventName, socket: ManagedSocket, gap: Dropped | null): void {
    const parent = this.parentOf(socket);
    const listener = socket instanceof StreamListener ? socket : parent;
    const isEnd = name === 'closed' || name === 'failed';
    if (isEnd) {
      this.registry.noteClosed(socket);
      parent?.connectionClosed();
    }
    // A gap can come after the end; the end itself has one time, here and in the socket.
    const time = (isEnd ? socket.closedAt : null) ?? this.context.now();
    this.events.emit('socket', { name, time, socket, listener, gap } satisfies SocketEvent);
  }

  private parentOf(connection: ManagedSocket): StreamListener | null {
    if (!(connection instanceof DataSocket) || connection.listenerId === null) return null;
    try {
      const parent = this.registry.get(connection.listenerId);
      return parent instanceof StreamListener ? parent : null;
    } catch {
      return null; // the listener was closed long ago and is forgotten
    }
  }

  private sweep(): void {
    const now = this.context.now();
    for (const socket of this.registry.all) {
      socket.sweep(now);
      if (!socket.isClosed && socket.lease?.runsOut(now) === true) {
        void socket.close('graceful', 'lease');
        void closeConnections(socket, 'graceful', 0, this.onEvent.bind(this));
      }
    }
    this.scans.sweep();
    this.registry.forgetClosedBefore(now - this.limits.closedRetentionMs);
  }
}
