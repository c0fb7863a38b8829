import type { Socket } from 'node:net';
import type { WebSocket } from 'ws';
import {
  encode,
  sendTo,
  SocketError,
  type Engine,
  type DataSocket,
  type StreamListener,
} from '../../sockets/index.js';
import { destinationOf } from '../common/datagram.dto.js';
import { listenerDto } from '../common/listener.dto.js';
import { closeReasonDto, socketDto } from '../common/socket.dto.js';
import { validate } from '../common/validation.js';
import type { EventFeed } from '../engine/event-feed.js';
import { invalid, problem, ProblemError, problemOf } from '../problems/problem.js';
import type { Channel, ChannelHost, ChannelOptions } from './channel.js';
import { channelOf, readEnvelope } from './envelope.js';
import { openChannel, refuseOtherType } from './open-channel.js';
import { readClientFrame } from './frame.js';
import { Intake } from './intake.js';
import { ListenerAttachments, type ListenerFollower } from './listener-attachments.js';
import {
  CLIENT_EVENTS,
  isClientEvent,
  isWellFormedAck,
  type AckData,
  type AttachData,
  type ClientEvent,
  type CloseData,
  type DetachData,
  type SendData,
  type ShutdownData,
  type UnwatchData,
  type WatchData,
} from './messages.js';
import type { ServerData, ServerEvent } from './server-messages.js';
import { Watches } from './watches.js';
import { WebSocketWriter } from './websocket-writer.js';

/** Channels on one WebSocket: each is a place in the turn and a view of a log. */
const MAX_CHANNELS = 10_000;

/** What an answer needs to know of its question. */
interface Question {
  ref?: unknown;
}

/** One client on `/v1/stream`: its channels, their turns, and the messages both ways. */
export class StreamSession implements ChannelHost, ListenerFollower {
  readonly writer: WebSocketWriter;
  private readonly channels = new Map<number, Channel>();
  private readonly listeners: ListenerAttachments;
  private readonly watches: Watches;
  private readonly intake: Intake;
  /** Channels that may have something to send, in the order of their turns. */
  private readonly ready = new Set<Channel>();
  private lastChannel = 0;
  private pumping = false;

  constructor(
    webSocket: WebSocket,
    socket: Socket,
    private readonly engine: Engine,
    feed: EventFeed,
  ) {
    this.listeners = new ListenerAttachments(engine, this);
    this.writer = new WebSocketWriter(webSocket, socket, () => {
      this.watches.pump();
      this.pump();
      this.intake.apply();
    });
    this.watches = new Watches(feed, this);
    this.intake = new Intake(webSocket, this.writer);
    webSocket.on('message', (data: Buffer, isBinary) => (isBinary ? this.frame(data) : this.text(data)));
    webSocket.once('close', () => this.end());
  }

  message<Event extends ServerEvent>(event: Event, data: ServerData[Event], { ref }: Question = {}): void {
    this.writer.text(ref === undefined ? { event, data } : { event, data, ref });
  }

  wake(channel: Channel): void {
    this.ready.add(channel);
    this.pump();
  }

  takenOver(channel: Channel): void {
    this.drop(channel);
    const detail = 'the name was taken over by another reader, or removed';
    this.message('error', { ...problem('taken-over', detail), channel: channel.number });
  }

  /** One quantum a turn, channel after channel, for as long as the WebSocket takes more. */
  private pump(): void {
    if (this.pumping) return;
    this.pumping = true;
    try {
      for (const channel of this.ready) {
        if (this.writer.isSaturated || !this.writer.isOpen) break;
        this.ready.delete(channel);
        if (channel.step())
          this.ready.add(channel); // behind all others: a Set keeps the order of adding
        else if (channel.isSettled) this.drop(channel);
      }
    } finally {
      this.pumping = false;
    }
  }

  private text(data: Buffer): void {
    const question: Question = {};
    let channel: number | undefined;
    try {
      const envelope = readEnvelope(data.toString());
      if ('ref' in envelope) question.ref = envelope.ref;
      channel = channelOf(envelope.data);
      if (!isClientEvent(envelope.event)) {
        throw invalid([
          { pointer: '/event', detail: `must be one of ${Object.keys(CLIENT_EVENTS).join(', ')}` },
        ]);
      }
      this.handle(envelope.event, envelope.data, question);
    } catch (error) {
      this.fail(error, question, channel);
    }
    this.intake.apply();
  }

  private handle(event: ClientEvent, data: unknown, question: Question): void {
    if (event === 'ping') return this.message('pong', data, question);
    if (event === 'ack' && isWellFormedAck(data)) return this.ack(data);
    const checked = validate<object>(CLIENT_EVENTS[event], data);
    switch (event) {
      case 'attach':
        return this.attach(checked as AttachData, question);
      case 'ack':
        return this.ack(checked as AckData);
      case 'send':
        return this.send(checked as SendData, question);
      case 'shutdown':
        return this.shutdown(checked as ShutdownData, question);
      case 'close':
        return this.close(checked as CloseData, question);
      case 'detach':
        return this.detach(checked as DetachData, question);
      case 'watch':
        this.message('watching', this.watches.add(checked as WatchData), question);
        return this.watches.pump();
      case 'unwatch':
        return this.message('watching', this.watches.remove(checked as UnwatchData), question);
    }
  }

  private attach(data: AttachData, question: Question): void {
    const { socketId, listenerId, mode, reader, from, windowBytes, encoding = null } = data;
    const options = { mode, reader, from, windowBytes, encoding };
    if ((socketId === undefined) === (listenerId === undefined)) {
      throw invalid([{ pointer: '/socketId', detail: 'either socketId or listenerId must be given' }]);
    }
    if (listenerId !== undefined) return this.attachListener(listenerId, options, question);
    const connection = this.engine.dataSocket(socketId as string);
    const channel = this.open(connection, options);
    const { earliestOffset, headOffset } = connection.log;
    this.message(
      'attached',
      {
        channel: channel.number,
        socketId: connection.id,
        offset: channel.position,
        earliestOffset,
        headOffset,
        socket: socketDto(connection),
      },
      question,
    );
    this.start(channel);
  }

  private attachListener(idOrName: string, options: ChannelOptions, question: Question): void {
    const listener = this.engine.listener(idOrName);
    this.refuseTooMany();
    const number = this.nextNumber();
    this.listeners.add(number, listener, options);
    this.message(
      'attached',
      { channel: number, listenerId: listener.id, socket: listenerDto(listener) },
      question,
    );
    this.listeners.passOnPresent(number);
  }

  accepted(listenerChannel: number, connection: DataSocket, options: ChannelOptions): void {
    try {
      const channel = this.open(connection, options);
      const { number, position: offset } = channel;
      this.message('accepted', { channel: number, listenerChannel, offset, socket: socketDto(connection) });
      this.start(channel);
    } catch (error) {
      this.fail(error, {}, listenerChannel);
    }
  }

  listenerClosed(channel: number, listener: StreamListener): void {
    this.message('closed', { channel, offset: 0, reason: closeReasonDto(listener.closeReason ?? 'api') });
  }

  private ack({ channel, offset }: AckData): void {
    // What was in flight when the channel ended may still be acknowledged.
    if (!this.channels.has(channel) && channel > 0 && channel <= this.lastChannel) return;
    this.channel(channel).ack(offset);
  }

  private send({ channel, data, encoding, to }: SendData, question: Question): void {
    const target = this.channel(channel);
    const payload = encode(data, encoding);
    const where = to === undefined ? null : destinationOf(to);
    sendTo(target.connection, payload, { to: where, mode: 'all' }).then(
      (bytesSent) => this.message('sent', { channel, bytesSent }, question),
      (error: unknown) => this.fail(error, question, channel),
    );
  }

  private shutdown({ channel, how }: ShutdownData, question: Question): void {
    this.channel(channel).connection.shutdown(how);
    this.message('done', { channel }, question);
  }

  private close({ channel, mode }: CloseData, question: Question): void {
    const listener = this.listeners.listenerOf(channel);
    const closing =
      listener === undefined
        ? this.channel(channel).connection.close(mode, 'api')
        : this.engine.remove(listener, mode);
    closing.then(
      () => this.message('done', { channel }, question),
      (error: unknown) => this.fail(error, question, channel),
    );
  }

  private detach({ channel }: DetachData, question: Question): void {
    if (!this.listeners.remove(channel)) this.drop(this.channel(channel));
    this.message('done', { channel }, question);
  }

  /** Bytes for a socket. A client that sends beyond its credit is not read from until there is room. */
  private frame(data: Buffer): void {
    const frame = readClientFrame(data);
    if (typeof frame === 'string') return this.fail(new ProblemError('bad-request', frame), {});
    const channel = this.channels.get(frame.channel);
    if (channel === undefined) return this.fail(noChannel(frame.channel), {}, frame.channel);
    try {
      refuseOtherType(frame, channel);
      channel.send(
        frame.payload,
        (error) => this.fail(error, {}, frame.channel),
        () => this.intake.weigh(channel),
      );
    } catch (error) {
      this.fail(error, {}, frame.channel);
    }
    this.intake.weigh(channel);
  }

  private open(connection: DataSocket, options: ChannelOptions): Channel {
    this.refuseTooMany();
    const channel = openChannel(this.nextNumber(), connection, options, this);
    this.channels.set(channel.number, channel);
    return channel;
  }

  private start(channel: Channel): void {
    channel.offerCredit();
    this.wake(channel);
  }

  private nextNumber(): number {
    this.lastChannel += 1;
    return this.lastChannel;
  }

  private refuseTooMany(): void {
    if (this.channels.size + this.listeners.size < MAX_CHANNELS) return;
    throw new SocketError('QUOTA_EXCEEDED', `a WebSocket has at most ${String(MAX_CHANNELS)} channels`);
  }

  private channel(number: number): Channel {
    const channel = this.channels.get(number);
    if (channel === undefined) throw noChannel(number);
    return channel;
  }

  private drop(channel: Channel): void {
    channel.detach();
    this.ready.delete(channel);
    this.channels.delete(channel.number);
  }

  private fail(error: unknown, question: Question, channel?: number): void {
    this.message('error', { ...problemOf(error), ...(channel === undefined ? {} : { channel }) }, question);
  }

  private end(): void {
    for (const channel of this.channels.values()) channel.detach();
    this.channels.clear();
    this.listeners.clear();
    this.watches.clear();
    this.ready.clear();
  }
}

function noChannel(number: number): ProblemError {
  return new ProblemError('not-found', `no channel ${String(number)} on this WebSocket`);
}
