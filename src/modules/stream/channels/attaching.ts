import {
  longestCharacter,
  SocketError,
  type DataSocket,
  type Engine,
  type StreamListener,
} from '../../../sockets/index.js';
import { listenerDto } from '../../common/listener.dto.js';
import { closeReasonDto, socketDto } from '../../common/socket.dto.js';
import { validate } from '../../common/validation.js';
import { invalid } from '../../problems/problem.js';
import type { Channel, ChannelOptions } from './channel.js';
import type { Channels } from './channels.js';
import { ListenerAttachments, type ListenerFollower } from './listener-attachments.js';
import { AttachData, AttachListData, isAttachList } from '../messages/messages.js';
import type { Outbox, Question } from '../messages/outbox.js';

/** An attachment takes 100 microseconds and more: after so many others have their turn. */
const ATTACHMENTS_A_TURN = 16;

/** One of a list, by its place; of an attach of its own there is none to tell. */
interface Item extends Question {
  index?: number;
}

type ListItem = Question & { index: number };

/** How channels come to be: `attach`, to a socket, a listener or a list of them, and what a listener accepts. */
export class Attaching implements ListenerFollower {
  readonly listeners: ListenerAttachments;
  /** Of lists, and of the connections of listeners: what is still to be attached, and told after that. */
  private readonly waiting: (() => void)[] = [];
  private working = false;

  constructor(
    private readonly engine: Engine,
    private readonly channels: Channels,
    private readonly outbox: Outbox,
    /** Nothing waits to be attached any more. */
    private readonly onIdle: () => void,
  ) {
    this.listeners = new ListenerAttachments(engine, this);
  }

  attach(data: unknown, question: Question): void {
    if (!isAttachList(data)) return this.attachOne(validate(AttachData, data), question, '');
    const { attachments } = validate(AttachListData, data);
    const attach = (attachment: unknown, index: number) => (): void =>
      this.attachItem(attachment, { ...question, index });
    this.enqueue(attachments.map(attach));
  }

  /** Something waits to be attached: the client is not read from, so that there is never much. */
  get isBusy(): boolean {
    return this.working;
  }

  end(): void {
    this.waiting.length = 0;
    this.listeners.clear();
  }

  private enqueue(tasks: readonly (() => void)[]): void {
    for (const task of tasks) this.waiting.push(task);
    if (!this.working) this.work();
  }

  private work(): void {
    this.working = true;
    for (const task of this.waiting.splice(0, ATTACHMENTS_A_TURN)) task();
    if (this.waiting.length > 0) {
      setImmediate(() => this.work());
      return;
    }
    this.working = false;
    this.onIdle();
  }

  /** What is wrong with one of a list is told of that one; the others are attached. */
  private attachItem(attachment: unknown, item: ListItem): void {
    const pointer = `/attachments/${String(item.index)}`;
    try {
      this.attachOne(validate(AttachData, attachment, pointer), item, pointer);
    } catch (error) {
      this.outbox.fail(error, item, { index: item.index });
    }
  }

  private attachOne(data: AttachData, item: Item, at: string): void {
    const { socketId, listenerId, mode, reader, from, windowBytes, encoding = null } = data;
    const options = { mode, reader, from, windowBytes, encoding };
    const least = encoding === null ? 1 : longestCharacter(encoding);
    if (windowBytes < least)
      throw invalid([
        { pointer: `${at}/windowBytes`, detail: `${String(encoding)} needs ${String(least)} at least` },
      ]);
    if (socketId !== undefined && listenerId === undefined) this.attachSocket(socketId, options, item, at);
    else if (listenerId !== undefined && socketId === undefined)
      this.attachListener(listenerId, options, item);
    else
      throw invalid([{ pointer: `${at}/socketId`, detail: 'either socketId or listenerId must be given' }]);
  }

  private attachSocket(idOrName: string, options: ChannelOptions, item: Item, at: string): void {
    const socket = this.engine.dataSocket(idOrName);
    const channel = this.open(socket, options, at);
    const { earliestOffset, headOffset } = socket.log;
    const { number, position: offset } = channel;
    const place = { channel: number, socketId: socket.id, offset, earliestOffset, headOffset };
    this.outbox.message('attached', { ...indexOf(item), ...place, socket: socketDto(socket) }, item);
    this.channels.start(channel);
  }

  private attachListener(idOrName: string, options: ChannelOptions, item: Item): void {
    const listener = this.engine.listener(idOrName);
    // What waits has its place already: else each of a list could let all connections of its listener wait.
    const channel = this.channels.nextNumber(this.listeners.size + this.waiting.length);
    this.listeners.add(channel, listener, options);
    const place = { ...indexOf(item), channel, listenerId: listener.id };
    this.outbox.message('attached', { ...place, socket: listenerDto(listener) }, item);
    this.enqueue(this.listeners.passOnPresent(channel));
  }

  accepted(listenerChannel: number, socket: DataSocket, options: ChannelOptions): void {
    try {
      const channel = this.open(socket, options, '');
      const place = { channel: channel.number, listenerChannel, offset: channel.position };
      this.outbox.message('accepted', { ...place, socket: socketDto(socket) });
      this.channels.start(channel);
    } catch (error) {
      this.outbox.fail(error, {}, { channel: listenerChannel });
    }
  }

  /** An offset that the log does not have is one of the `from` at `at`. */
  private open(socket: DataSocket, options: ChannelOptions, at: string): Channel {
    try {
      return this.channels.open(socket, options, this.listeners.size);
    } catch (error) {
      if (!(error instanceof SocketError) || error.code !== 'OFFSET_OUT_OF_RANGE') throw error;
      throw new SocketError(error.code, error.message, { field: `${at}/from`.slice(1) });
    }
  }

  /** Told after the connections it had, which may be waiting still. */
  listenerClosed(channel: number, listener: StreamListener): void {
    const reason = closeReasonDto(listener.closeReason ?? 'api');
    this.enqueue([() => this.outbox.message('closed', { channel, offset: 0, reason })]);
  }
}

function indexOf({ index }: Item): { index?: number } {
  return index === undefined ? {} : { index };
}
