import { Attachment, type ChannelOptions } from './attachment.js';
import { Channel } from './channel.js';
import { ClosedError, ConnectionLostError, ProblemError, SockeyeError, UnreachableError } from './errors.js';
import { SocketCalls, type DialSpec, type ListenSpec } from './http.js';
import { Link, openWebSocket, type LinkOwner, type WebSocketConstructor } from './link.js';
import { Listener } from './listener.js';
import type { EventFilter, ServerMessage } from './protocol.js';
import { reopen, type ReconnectOptions } from './reconnect.js';
import { Watch } from './watch.js';

export type ConnectionState = 'connected' | 'reconnecting' | 'closed';

export interface ConnectOptions {
  /** An API key, `id.secret`. It goes as a subprotocol, which a browser can send as well. */
  token?: string;
  /** Where there is no global one (Node 20): that of the `ws` package. */
  WebSocket?: WebSocketConstructor;
  /** `false`: what breaks is over. */
  reconnect?: ReconnectOptions | false;
  /** A service that says nothing for this long, although it was asked, is given up; 15,000 without it. */
  heartbeatMs?: number;
  onState?: (state: ConnectionState) => void;
}

const OPEN_MS = 10_000;
const HEARTBEAT_MS = 15_000;
const SUBPROTOCOL = 'sockeye.v1';
const BEARER = 'sockeye.bearer.';

/** One client of a service, over as many WebSockets as it takes. */
export class Connection implements LinkOwner {
  /** Sockets over HTTP: to make them, look at them, close them. */
  readonly sockets: SocketCalls;
  /** The end of it: null after `close`, or what made it give up. Never rejects. */
  readonly closed: Promise<SockeyeError | null>;
  private readonly channels = new Set<Attachment>();
  private readonly listeners = new Set<Listener>();
  private currentWatch: Watch | null = null;
  private link: Link | null = null;
  private over: SockeyeError | null = null;
  private readonly stop = new AbortController();
  private settleClosed!: (error: SockeyeError | null) => void;

  constructor(
    private readonly url: string,
    private readonly options: ConnectOptions,
  ) {
    this.sockets = new SocketCalls(url.replace(/^ws/, 'http'), options.token);
    this.closed = new Promise((resolve) => (this.settleClosed = resolve));
  }

  /** For `connect`: the first WebSocket. */
  async open(): Promise<void> {
    this.connected(await this.openLink());
  }

  /** A channel of a socket, or the connections of a listener. ProblemError when there is none. */
  attach(options: ChannelOptions & { socketId: string }): Promise<Channel>;
  attach(options: ChannelOptions & { listenerId: string }): Promise<Listener>;
  attach(
    options: ChannelOptions & ({ socketId: string } | { listenerId: string }),
  ): Promise<Channel | Listener> {
    return 'listenerId' in options
      ? this.attachListener(options.listenerId, options)
      : this.attachSocket(options.socketId, options);
  }

  /** Connects from the host of the service, and attaches. */
  async dial(spec: DialSpec, options: ChannelOptions = {}): Promise<Channel> {
    return this.orClose((await this.sockets.dial(spec)).id, (id) => this.attachSocket(id, options));
  }

  /** Binds a datagram socket on the host of the service, and attaches. */
  async bind(spec: ListenSpec, options: ChannelOptions = {}): Promise<Channel> {
    return this.orClose((await this.sockets.listen(spec)).id, (id) => this.attachSocket(id, options));
  }

  /** Listens on the host of the service, and attaches. */
  async listen(spec: ListenSpec, options: ChannelOptions = {}): Promise<Listener> {
    return this.orClose((await this.sockets.listen(spec)).id, (id) => this.attachListener(id, options));
  }

  /** What happens to sockets that one of the filters wants. One watch at a time; more filters instead of more. */
  async watch(filter: EventFilter | EventFilter[] = {}, lastEventId?: number): Promise<Watch> {
    this.requireOpen();
    if (this.currentWatch !== null) throw new SockeyeError('there is a watch: give it more filters');
    const filters = Array.isArray(filter) ? filter : [filter];
    const watch = new Watch(filters, lastEventId, () => (this.currentWatch = null));
    this.currentWatch = watch;
    if (this.link !== null) void watch.attach(this.link);
    await watch.ready;
    return watch;
  }

  /** The round trip to the service, in milliseconds. */
  async ping(): Promise<number> {
    if (this.link === null) throw new ConnectionLostError('ping');
    const start = performance.now();
    await this.link.ask('ping', null);
    return performance.now() - start;
  }

  /** Sockets stay open, and readers stay where they acknowledged. */
  close(): void {
    for (const channel of this.channels) channel.receiver.flush();
    this.finish(null);
  }

  /** What the service says about no channel. */
  message({ event, data }: ServerMessage): void {
    if (event === 'event') this.currentWatch?.event(data);
    else if (event === 'missed') this.currentWatch?.missed(data);
  }

  /** The WebSocket broke. */
  lost(link: Link): void {
    if (link !== this.link) return;
    this.link = null;
    for (const one of [...this.channels, ...this.listeners]) one.lost();
    this.currentWatch?.lost();
    if (this.over !== null) return;
    const { reconnect = {} } = this.options;
    if (reconnect === false) return this.finish(new UnreachableError('the WebSocket broke'));
    this.options.onState?.('reconnecting');
    reopen(() => this.openLink(), reconnect, this.stop.signal).then(
      (next) => this.connected(next),
      (error: unknown) => this.finish(error as SockeyeError),
    );
  }

  private async openLink(): Promise<Link> {
    const { token, WebSocket = globalWebSocket(), heartbeatMs = HEARTBEAT_MS } = this.options;
    const url = `${this.url.replace(/^http/, 'ws')}/v1/stream`;
    const protocols = token === undefined ? [SUBPROTOCOL] : [SUBPROTOCOL, BEARER + token];
    try {
      return new Link(await openWebSocket(WebSocket, url, protocols, OPEN_MS), this, heartbeatMs);
    } catch (error) {
      await this.sockets.admission().catch((refusal: unknown) => {
        if (refusal instanceof ProblemError && isRefusal(refusal)) throw refusal;
      });
      throw error;
    }
  }

  private connected(link: Link): void {
    this.link = link;
    if (this.over !== null) return link.drop();
    if (!link.isOpen) return this.lost(link);
    this.options.onState?.('connected');
    void this.attachAll(link);
  }

  /** A connection that its listener does not bring along any more is asked for by itself. */
  private async attachAll(link: Link): Promise<void> {
    const alone = [...this.channels].filter((channel) => !channel.comesWithListener);
    const brought = [...this.channels].filter((channel) => channel.comesWithListener);
    const first = [...this.listeners, ...alone, ...(this.currentWatch === null ? [] : [this.currentWatch])];
    await Promise.all(first.map((one) => one.attach(link)));
    const left = brought.filter((channel) => this.channels.has(channel) && !channel.isOn(link));
    await Promise.all(left.map((channel) => channel.attach(link)));
  }

  private async attachSocket(id: string, options: ChannelOptions): Promise<Channel> {
    this.requireOpen();
    const attachment = this.makeAttachment(id, options);
    if (this.link !== null) void attachment.attach(this.link);
    await attachment.ready;
    return new Channel(attachment);
  }

  private async attachListener(id: string, options: ChannelOptions): Promise<Listener> {
    this.requireOpen();
    const listener = new Listener(
      id,
      options,
      (connection, left) => this.makeAttachment(connection, options, left),
      () => this.listeners.delete(listener),
    );
    this.listeners.add(listener);
    if (this.link !== null) void listener.attach(this.link);
    await listener.ready;
    return listener;
  }

  private makeAttachment(
    id: string,
    options: ChannelOptions,
    left: (attachment: Attachment) => void = () => {},
  ): Attachment {
    const attachment = new Attachment(id, options, (gone) => {
      this.channels.delete(gone);
      left(gone);
    });
    this.channels.add(attachment);
    return attachment;
  }

  /** A socket that was made for this and can't be attached would be nobody's. */
  private async orClose<T>(id: string, attach: (id: string) => Promise<T>): Promise<T> {
    try {
      return await attach(id);
    } catch (error) {
      await this.sockets.close(id).catch(() => {});
      throw error;
    }
  }

  private requireOpen(): void {
    if (this.over !== null) throw this.over;
  }

  private finish(error: SockeyeError | null): void {
    if (this.over !== null) return;
    this.over = error ?? new ClosedError('the connection was closed');
    this.stop.abort();
    this.link?.drop();
    for (const one of [...this.listeners, ...this.channels]) one.fail(this.over);
    this.currentWatch?.fail(this.over);
    this.options.onState?.('closed');
    this.settleClosed(error);
  }
}

function globalWebSocket(): WebSocketConstructor {
  const { WebSocket } = globalThis as { WebSocket?: WebSocketConstructor };
  if (WebSocket === undefined) throw new SockeyeError('there is no global WebSocket: pass the one of `ws`');
  return WebSocket;
}

function isRefusal({ status }: ProblemError): boolean {
  return status === 401 || status === 403;
}

/**
 * Connects to a service, `http://127.0.0.1:3000`. ProblemError (401, 403) when it does not let us in, UnreachableError
 * when it is not there: only a connection that was there once is made again by itself.
 */
export async function connect(url: string, options: ConnectOptions = {}): Promise<Connection> {
  const connection = new Connection(url.replace(/\/+$/, ''), options);
  await connection.open();
  return connection;
}
