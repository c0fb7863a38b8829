import type { WebSocket } from 'ws';
import { encode, sendTo, type Engine } from '../../sockets/index.js';
import { destinationOf } from '../common/datagram.dto.js';
import { validate } from '../common/validation.js';
import type { EventFeed } from '../engine/event-feed.js';
import { invalid, ProblemError } from '../problems/problem.js';
import { Attaching } from './channels/attaching.js';
import type { Channel, Failed } from './channels/channel.js';
import { Channels } from './channels/channels.js';
import type { ClientReads } from './wire/client-reads.js';
import type { CreditBudget } from './channels/credit-budget.js';
import { channelOf, readEnvelope } from './wire/envelope.js';
import { FRAME_TYPE_STREAM, readClientFrame, type ClientFrame } from './wire/frame.js';
import { Intake } from './messages/intake.js';
import {
  AckData,
  CLIENT_EVENTS,
  isClientEvent,
  isWellFormedAck,
  type ClientEvent,
  type CloseData,
  type DetachData,
  type SendData,
  type ShutdownData,
  type UnwatchData,
  type WatchData,
} from './messages/messages.js';
import { PlainFrames } from './wire/plain-frames.js';
import { refuseOtherType } from './channels/open-channel.js';
import { Outbox, type Question } from './messages/outbox.js';
import { Watches } from './messages/watches.js';
import { WebSocketWriter } from './wire/websocket-writer.js';

/** What a `send` or `close` that waits costs beside its bytes, so that they are bounded in number, too. */
const WAITING_BYTES = 1024;

/** One client on `/v1/stream`: the messages it sends, and the end of it. */
export class StreamSession {
  private readonly outbox: Outbox;
  private readonly channels: Channels;
  private readonly attaching: Attaching;
  private readonly watches: Watches;
  private readonly intake: Intake;

  constructor(
    webSocket: WebSocket,
    reads: ClientReads,
    private readonly engine: Engine,
    feed: EventFeed,
    credits: CreditBudget,
    maxMessageBytes: number,
  ) {
    const writer = new WebSocketWriter(webSocket, reads.socket, () => {
      this.watches.pump();
      this.channels.pump();
      this.intake.apply();
    });
    this.outbox = new Outbox(writer);
    this.channels = new Channels(writer, this.outbox, credits);
    this.attaching = new Attaching(engine, this.channels, this.outbox, () => this.intake.apply());
    this.watches = new Watches(feed, this.channels);
    this.intake = new Intake(webSocket, writer, () => this.attaching.isBusy);
    webSocket.on('message', (data: Buffer, isBinary) => (isBinary ? this.frame(data) : this.text(data)));
    const take = (payload: Buffer, channel: number, done: () => void): void =>
      this.sendFrame({ type: FRAME_TYPE_STREAM, channel, payload }, done);
    new PlainFrames(webSocket, reads, { hasHeader: true, maxMessageBytes, isStream: () => true, take });
    webSocket.on('ping', () => this.intake.apply());
    webSocket.once('close', () => this.end());
  }

  private text(data: Buffer): void {
    const question: Question = {};
    let place = {};
    try {
      const envelope = readEnvelope(data.toString());
      if ('ref' in envelope) question.ref = envelope.ref;
      place = channelOf(envelope.data);
      if (!isClientEvent(envelope.event)) {
        throw invalid([
          { pointer: '/event', detail: `must be one of ${Object.keys(CLIENT_EVENTS).join(', ')}` },
        ]);
      }
      this.handle(envelope.event, envelope.data, question);
    } catch (error) {
      this.outbox.fail(error, question, place);
    }
    this.intake.apply();
  }

  private handle(event: ClientEvent, data: unknown, question: Question): void {
    if (event === 'ping') return this.outbox.message('pong', data, question);
    if (event === 'attach') return this.attaching.attach(data, question);
    if (event === 'ack') return this.ack(isWellFormedAck(data) ? data : validate(AckData, data));
    const checked = validate<object>(CLIENT_EVENTS[event][0], data === undefined ? {} : data);
    switch (event) {
      case 'send':
        return this.send(checked as SendData, question);
      case 'shutdown':
        return this.shutdown(checked as ShutdownData, question);
      case 'close':
        return this.close(checked as CloseData, question);
      case 'detach':
        return this.detach(checked as DetachData, question);
      case 'watch':
        this.outbox.message('watching', this.watches.add(checked as WatchData), question);
        return this.watches.pump();
      case 'unwatch':
        return this.outbox.message('watching', this.watches.remove(checked as UnwatchData), question);
    }
  }

  private ack({ channel, offset }: AckData): void {
    // What was in flight when the channel ended may still be acknowledged.
    if (!this.channels.isPast(channel)) this.channels.get(channel).ack(offset);
  }

  private send({ channel, data, encoding, to }: SendData, question: Question): void {
    const target = this.channels.get(channel);
    const payload = encode(data, encoding);
    const where = to === undefined ? null : destinationOf(to);
    const weight = payload.length + WAITING_BYTES;
    this.intake.weighWaiting(weight);
    sendTo(target.connection, payload, { to: where, mode: 'all' })
      .then(
        (bytesSent) => this.outbox.message('sent', { channel, bytesSent }, question),
        (error: unknown) => this.outbox.fail(error, question, { channel }),
      )
      .finally(() => this.intake.weighWaiting(-weight));
  }

  private shutdown({ channel, how }: ShutdownData, question: Question): void {
    this.channels.get(channel).connection.shutdown(how);
    this.outbox.message('done', { channel }, question);
  }

  private close({ channel, mode }: CloseData, question: Question): void {
    const listener = this.attaching.listeners.listenerOf(channel);
    const closing =
      listener === undefined
        ? this.channels.get(channel).connection.close(mode, 'api')
        : this.engine.remove(listener, mode);
    this.intake.weighWaiting(WAITING_BYTES);
    closing
      .then(
        () => this.outbox.message('done', { channel }, question),
        (error: unknown) => this.outbox.fail(error, question, { channel }),
      )
      .finally(() => this.intake.weighWaiting(-WAITING_BYTES));
  }

  private detach({ channel }: DetachData, question: Question): void {
    if (!this.attaching.listeners.detach(channel)) this.channels.drop(this.channels.get(channel));
    this.outbox.message('done', { channel }, question);
  }

  /** Bytes for a socket. A client that sends beyond its credit is not read from until there is room. */
  private frame(data: Buffer): void {
    const frame = readClientFrame(data);
    if (typeof frame === 'string') this.outbox.fail(new ProblemError('bad-request', frame), {});
    else this.sendFrame(frame, () => undefined);
  }

  /** `done`: nobody looks at the payload any more. */
  private sendFrame(frame: ClientFrame, done: () => void): void {
    const failed = (error: unknown): void => this.outbox.fail(error, {}, { channel: frame.channel });
    try {
      this.sendOn(this.channels.get(frame.channel), frame, failed, done);
    } catch (error) {
      done();
      failed(error);
    }
  }

  private sendOn(channel: Channel, frame: ClientFrame, failed: Failed, done: () => void): void {
    try {
      refuseOtherType(frame, channel);
      channel.send(frame.payload, failed, () => {
        done();
        this.intake.weigh(channel);
      });
    } catch (error) {
      channel.returnCredit(frame.payload.length);
      throw error;
    } finally {
      this.intake.weigh(channel);
    }
  }

  private end(): void {
    this.channels.clear();
    this.attaching.end();
    this.watches.clear();
  }
}
