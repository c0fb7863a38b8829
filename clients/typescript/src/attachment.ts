import {
  ClosedError,
  ConnectionLostError,
  ProblemError,
  SocketClosedError,
  TakenOverError,
  UnreachableError,
  type CloseReason,
  type SockeyeError,
} from './errors.js';
import { DATAGRAM_FRAME, STREAM_FRAME, type Frame } from './frame.js';
import { itemsOf, textItem } from './items.js';
import type { Link, Route } from './link.js';
import type { AttachedData, AttachOptions, ServerData, ServerMessage, SocketView } from './protocol.js';
import type { AnswerTo, Question } from './questions.js';
import { Receiver } from './receiver.js';
import { Sender, type Flow } from './sender.js';

export interface ChannelOptions extends AttachOptions {
  /** `auto` (the default): what was taken from the iterator counts as dealt with when the next one is asked for. */
  acknowledge?: 'auto' | 'manual';
  /** Acknowledges after so much, or after 50 ms; without it a quarter of the window, 256 KiB at most. */
  ackEveryBytes?: number;
  /**
   * Nobody else sends on the socket, you say. Then its counter says what arrived before a WebSocket broke, and what
   * did not is sent on the next one. Of a stream in mode `consume`.
   */
  isOnlySender?: boolean;
}

/** How a channel ended. */
export type ChannelEnd =
  | { kind: 'closed'; reason: CloseReason; offset: number }
  | { kind: 'detached' }
  | { kind: 'failed'; error: SockeyeError };

const DEFAULT_WINDOW_BYTES = 1024 * 1024;
const MAX_ACK_EVERY_BYTES = 256 * 1024;

/** One socket over any number of WebSockets: the channel that it has on the present one, and how it ends. */
export class Attachment implements Route {
  readonly ended: Promise<ChannelEnd>;
  /** Settled by the first attach. */
  readonly ready: Promise<void>;
  readonly receiver: Receiver;
  readonly sender: Sender;
  /** The socket as it was at the last attach. */
  socket: SocketView | null = null;
  eofOffset: number | null = null;
  /** Its listener is attached again on each WebSocket, and brings it along. */
  comesWithListener = false;
  /** A close that was asked for here is no error to who reads. */
  closesHere = false;
  end: ChannelEnd | null = null;
  private link: Link | null = null;
  private number = 0;
  private settleEnd!: (end: ChannelEnd) => void;
  private settleReady!: (error: SockeyeError | null) => void;

  constructor(
    private readonly idOrName: string,
    private readonly options: ChannelOptions,
    /** It is over: nothing is to be attached again. */
    private readonly left: (attachment: Attachment) => void,
  ) {
    const { windowBytes = DEFAULT_WINDOW_BYTES, acknowledge = 'auto' } = options;
    const { ackEveryBytes = Math.min(windowBytes / 4, MAX_ACK_EVERY_BYTES) } = options;
    this.sender = new Sender(options.isOnlySender === true && options.mode !== 'observe');
    this.receiver = new Receiver(acknowledge === 'auto', ackEveryBytes, (offset) => this.ack(offset));
    this.ended = new Promise((resolve) => (this.settleEnd = resolve));
    this.ready = new Promise((resolve, reject) => {
      this.settleReady = (error) => (error === null ? resolve() : reject(error));
    });
    this.ready.catch(() => {});
  }

  get flow(): Flow {
    switch (this.socket?.protocol) {
      case 'udp':
      case 'icmp':
      case 'unix-datagram':
        return 'datagram';
      case 'unix-seqpacket':
        return 'seqpacket';
      default:
        return 'stream';
    }
  }

  /** Of the text that comes, and of the text that goes where nothing else is said. */
  get encoding(): string | undefined {
    return this.options.encoding;
  }

  get isOver(): boolean {
    return this.end !== null;
  }

  isOn(link: Link): boolean {
    return this.link === link;
  }

  /** Attaches on a WebSocket. Never rejects: the outcome is in `ready` and `ended`. */
  async attach(link: Link): Promise<void> {
    const { mode, reader, windowBytes, encoding } = this.options;
    const socketId = this.socket?.id ?? this.idOrName;
    const data = { socketId, mode, reader, windowBytes, encoding, from: this.start() };
    try {
      await link.attach(data, (answer) => this.attached(link, answer));
    } catch (error) {
      this.refused(link, error as SockeyeError);
    }
  }

  /** The service goes on with this socket on a channel of that WebSocket. */
  attached(link: Link, { channel, offset, socket }: AttachedData): void {
    this.link = link;
    this.number = channel;
    this.socket = socket;
    link.routes.set(channel, this);
    this.receiver.resumed(offset);
    const { bytes, queuedBytes } = socket.sent;
    const type = this.flow === 'stream' ? STREAM_FRAME : DATAGRAM_FRAME;
    this.sender.resumed(this.flow, bytes + queuedBytes, (part) => link.frame(type, channel, part));
    this.settleReady(null);
  }

  /** The WebSocket broke. */
  lost(): void {
    this.link = null;
    this.sender.lost();
  }

  ask<Q extends Exclude<Question, 'attach'>>(event: Q, data: object): Promise<AnswerTo<Q>> {
    if (this.link === null) return Promise.reject(new ConnectionLostError(event));
    return this.link.ask(event, { channel: this.number, ...data });
  }

  /** Nothing more comes to who reads, after what waits there; `error` says why, null that this was to be. */
  finish(end: ChannelEnd, error: SockeyeError | null): void {
    if (this.end !== null) return;
    this.end = end;
    this.receiver.finish(error);
    this.sender.end(error ?? new ClosedError(`the channel is ${end.kind}`));
    this.settleReady(error);
    this.settleEnd(end);
  }

  fail(error: SockeyeError): void {
    this.finish({ kind: 'failed', error }, error);
    this.leave();
  }

  /** Gives the channel back, without a word to the service. */
  leave(): void {
    if (this.link?.routes.get(this.number) === this) this.link.routes.delete(this.number);
    this.link = null;
    this.left(this);
  }

  frame(frame: Frame): void {
    for (const item of itemsOf(frame, this.socket?.family === 'unix')) this.receiver.put(item);
  }

  message({ event, data }: ServerMessage): void {
    switch (event) {
      case 'data':
        return this.receiver.put(textItem(data));
      case 'gap':
        return this.receiver.put({ kind: 'gap', from: data.from, to: data.to });
      case 'credit':
        return this.sender.credited(data.bytes);
      case 'eof':
        this.eofOffset = data.offset;
        return this.receiver.finish(null);
      case 'closed':
        return this.closed(data);
      case 'error':
        return this.problem(new ProblemError(data));
      default:
    }
  }

  /** The first time where the user wants it; then where this reader was. */
  private start(): AttachOptions['from'] {
    const { mode, from, encoding } = this.options;
    const { position } = this.receiver;
    if (position === null) return from;
    if (encoding !== undefined) return this.receiver.rewind();
    return mode === 'observe' ? position : 'committed';
  }

  private refused(link: Link, error: SockeyeError): void {
    if (error instanceof ConnectionLostError) return;
    // Everything was read before the WebSocket broke, and the socket is gone since.
    if (this.end !== null) this.leave();
    else if (error instanceof UnreachableError && this.socket !== null) link.drop();
    else this.fail(error);
  }

  private closed({ reason, offset }: ServerData['closed']): void {
    const isExpected = this.closesHere || (this.flow === 'datagram' && typeof reason === 'string');
    this.finish({ kind: 'closed', reason, offset }, isExpected ? null : new SocketClosedError(reason));
    this.leaveIfSettled();
  }

  private problem(error: ProblemError): void {
    if (error.slug === 'taken-over') this.fail(new TakenOverError(error.message));
    else this.sender.failed(error);
  }

  private ack(offset: number): void {
    this.link?.say('ack', { channel: this.number, offset });
    this.leaveIfSettled();
  }

  /** The service gives up a channel that was told `closed`: an observer's at once, else when all is acknowledged. */
  private leaveIfSettled(): void {
    if (this.end?.kind !== 'closed') return;
    if (this.options.mode === 'observe' || this.receiver.acknowledged >= this.end.offset) this.leave();
  }
}
