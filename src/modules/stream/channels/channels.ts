import { atEndOfTurn, SocketError, type DataSocket } from '../../../sockets/index.js';
import { problem, ProblemError } from '../../problems/problem.js';
import { QUANTUM_BYTES, type Channel, type ChannelHost, type ChannelOptions } from './channel.js';
import type { CreditBudget } from './credit-budget.js';
import { openChannel } from './open-channel.js';
import type { Outbox } from '../messages/outbox.js';
import type { ServerData, ServerEvent } from '../messages/server-messages.js';
import { Turns } from './turns.js';
import type { WebSocketWriter } from '../wire/websocket-writer.js';

/** Channels on one WebSocket: each is a place in the turn and a view of a log. */
const MAX_CHANNELS = 10_000;

/** The channels of one WebSocket, by number, and their turns. */
export class Channels implements ChannelHost {
  private readonly byNumber = new Map<number, Channel>();
  private readonly turns = new Turns<Channel>(QUANTUM_BYTES);
  private lastNumber = 0;
  private pumping = false;
  private restIsDue = false;

  constructor(
    readonly writer: WebSocketWriter,
    private readonly outbox: Outbox,
    readonly credits: CreditBudget,
  ) {}

  /** A channel for what the socket received; it sends nothing before `start`. `others` count too. */
  open(socket: DataSocket, options: ChannelOptions, others: number): Channel {
    const channel = openChannel(this.nextNumber(others), socket, options, this);
    this.byNumber.set(channel.number, channel);
    return channel;
  }

  start(channel: Channel): void {
    channel.offerCredit();
    this.wake(channel);
  }

  /** A number that no channel of this WebSocket had before. QUOTA_EXCEEDED when there are too many now. */
  nextNumber(others: number): number {
    if (this.byNumber.size + others >= MAX_CHANNELS)
      throw new SocketError('QUOTA_EXCEEDED', `a WebSocket has at most ${String(MAX_CHANNELS)} channels`);
    this.lastNumber += 1;
    return this.lastNumber;
  }

  find(number: number): Channel | undefined {
    return this.byNumber.get(number);
  }

  get(number: number): Channel {
    const channel = this.byNumber.get(number);
    if (channel === undefined)
      throw new ProblemError('not-found', `no channel ${String(number)} on this WebSocket`);
    return channel;
  }

  /** It was there, and has gone. */
  isPast(number: number): boolean {
    return number > 0 && number <= this.lastNumber && !this.byNumber.has(number);
  }

  drop(channel: Channel): void {
    channel.detach();
    this.turns.remove(channel);
    this.byNumber.delete(channel.number);
  }

  clear(): void {
    for (const channel of this.byNumber.values()) channel.detach();
    this.byNumber.clear();
    this.turns.clear();
  }

  message<Event extends ServerEvent>(event: Event, data: ServerData[Event]): void {
    this.outbox.message(event, data);
  }

  takenOver(channel: Channel): void {
    this.drop(channel);
    const detail = 'the name was taken over by another reader, or removed';
    this.message('error', { ...problem('taken-over', detail), channel: channel.number });
  }

  wake(channel: Channel): void {
    this.turns.wake(channel);
    this.pump();
  }

  /**
   * At most a quantum at once. The rest goes out at the end of this turn of the event loop: by then all
   * sockets that received something in it have been read, and a short message is not behind a long one.
   */
  pump(): void {
    if (this.restIsDue || this.pumping || this.turns.isEmpty || !this.takesMore) return;
    // Before anything is written: what is, leaves together with the rest.
    this.restIsDue = true;
    atEndOfTurn(() => {
      this.restIsDue = false;
      this.run(Infinity);
    });
    this.run(QUANTUM_BYTES);
  }

  private get takesMore(): boolean {
    return !this.writer.isSaturated && this.writer.isOpen;
  }

  /** Turn after turn, while the WebSocket takes more. */
  private run(maxBytes: number): void {
    this.pumping = true;
    try {
      for (let left = maxBytes; left > 0 && !this.turns.isEmpty && this.takesMore;) left -= this.turns.step();
    } finally {
      this.pumping = false;
    }
  }
}
