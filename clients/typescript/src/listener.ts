import type { Attachment, ChannelEnd, ChannelOptions } from './attachment.js';
import { Channel } from './channel.js';
import { ClosedError, ConnectionLostError, ProblemError, SockeyeError } from './errors.js';
import type { Link, Route } from './link.js';
import { iterate, Mailbox } from './mailbox.js';
import type { AcceptedData, AttachOptions, ServerMessage, SocketView } from './protocol.js';

/** Connections that were given back are remembered, so that the listener does not bring them again. */
const MAX_GIVEN_BACK = 10_000;

/** A connection that could not be handed over comes as the error that says why. */
type Accepted = Channel | SockeyeError;

/** A listener: an async iterator of the channels of its connections, those that are there and those to come. */
export class Listener implements Route, AsyncIterable<Channel> {
  /** How it ended; never rejects. */
  readonly ended: Promise<ChannelEnd>;
  /** Settled by the first attach. */
  readonly ready: Promise<void>;
  private readonly accepted = new Mailbox<Accepted>();
  private readonly connections = new Map<string, Attachment>();
  private readonly givenBack = new Set<string>();
  private view: SocketView | null = null;
  private end: ChannelEnd | null = null;
  private link: Link | null = null;
  private number = 0;
  private settleEnd!: (end: ChannelEnd) => void;
  private settleReady!: (error: SockeyeError | null) => void;

  constructor(
    private readonly idOrName: string,
    private readonly options: ChannelOptions,
    /** Makes the place of a connection of ours. */
    private readonly makeAttachment: (id: string, left: (attachment: Attachment) => void) => Attachment,
    /** It is over: nothing is to be attached again. */
    private readonly left: (listener: Listener) => void,
  ) {
    this.ended = new Promise((resolve) => (this.settleEnd = resolve));
    this.ready = new Promise((resolve, reject) => {
      this.settleReady = (error) => (error === null ? resolve() : reject(error));
    });
    this.ready.catch(() => {});
  }

  /** The listener as it was at the last attach. */
  get socket(): SocketView {
    if (this.view === null) throw new SockeyeError('not attached yet');
    return this.view;
  }

  /** Leaving the loop detaches: no more connections come, and the channels that were taken stay. */
  [Symbol.asyncIterator](): AsyncIterableIterator<Channel> {
    return iterate(
      () => this.accepted.next(),
      (accepted) => {
        if (accepted instanceof SockeyeError) throw accepted;
        return accepted;
      },
      () => this.detach(),
    );
  }

  /** Closes the listener, and its connections. */
  async close(): Promise<void> {
    if (this.end !== null) return;
    if (this.link === null) throw new ConnectionLostError('close');
    await this.link.ask('close', { channel: this.number });
  }

  async detach(): Promise<void> {
    const { link, number } = this;
    if (this.end !== null) return;
    this.finish({ kind: 'detached' }, null);
    const untaken = this.accepted.clear().filter((accepted) => accepted instanceof Channel);
    await link?.ask('detach', { channel: number }).catch(() => {});
    await Promise.all(untaken.map((channel) => channel.detach()));
  }

  /** Attaches on a WebSocket. Done when every connection that the service holds for it has come. */
  async attach(link: Link): Promise<void> {
    const { mode, reader, windowBytes, encoding } = this.options;
    const data = { listenerId: this.idOrName, mode, reader, windowBytes, encoding, from: this.start() };
    try {
      await link.attach(data, ({ channel, socket }) => {
        this.link = link;
        this.number = channel;
        this.view = socket;
        link.routes.set(channel, this);
      });
      await link.ask('ping', null);
      this.settleReady(null);
    } catch (error) {
      if (!(error instanceof ConnectionLostError)) this.fail(error as SockeyeError);
    }
  }

  /** The WebSocket broke. */
  lost(): void {
    this.link = null;
  }

  fail(error: SockeyeError): void {
    this.finish({ kind: 'failed', error }, error);
  }

  message({ event, data }: ServerMessage): void {
    if (event === 'accepted') this.take(data);
    else if (event === 'error') this.accepted.put(new ProblemError(data));
    else if (event === 'closed') this.finish({ kind: 'closed', reason: data.reason, offset: 0 }, null);
  }

  /** Text has to go on at the very offset that its channel asks for, and attaches by itself. */
  private take(data: AcceptedData): void {
    const { link } = this;
    const { socket, channel } = data;
    if (link === null) return;
    const known = this.connections.get(socket.id);
    const comesByItself = known !== undefined && this.options.encoding !== undefined;
    if (comesByItself || this.givenBack.has(socket.id)) link.ask('detach', { channel }).catch(() => {});
    else if (known !== undefined) known.attached(link, data);
    else this.takeNew(link, data);
  }

  private takeNew(link: Link, data: AcceptedData): void {
    const { id } = data.socket;
    const attachment = this.makeAttachment(id, (gone) => this.gone(id, gone));
    attachment.comesWithListener = true;
    attachment.attached(link, data);
    this.connections.set(id, attachment);
    this.accepted.put(new Channel(attachment));
  }

  /** Once attached, connections go on where they were: what comes twice is told by its offset. */
  private start(): AttachOptions['from'] {
    if (this.view === null) return this.options.from;
    return this.options.mode === 'observe' ? 'earliest' : 'committed';
  }

  private gone(id: string, { end }: Attachment): void {
    this.connections.delete(id);
    if (end?.kind !== 'detached') return;
    this.givenBack.add(id);
    const [oldest] = this.givenBack;
    if (this.givenBack.size > MAX_GIVEN_BACK && oldest !== undefined) this.givenBack.delete(oldest);
  }

  /** Its connections go on without it. */
  private finish(end: ChannelEnd, error: SockeyeError | null): void {
    if (this.end !== null) return;
    this.end = end;
    for (const connection of this.connections.values()) connection.comesWithListener = false;
    this.link?.routes.delete(this.number);
    this.link = null;
    this.accepted.finish(error);
    this.settleReady(error ?? new ClosedError(`the listener is ${end.kind}`));
    this.settleEnd(end);
    this.left(this);
  }
}
