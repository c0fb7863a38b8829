import type { WebSocket } from 'ws';
import type { Channel } from '../channels/channel.js';
import { readWhile } from '../wire/reading.js';
import type { WebSocketWriter } from '../wire/websocket-writer.js';

/** What may wait of the `send`s and `close`s of one client; they end by the timeouts of their socket. */
const MAX_WAITING_BYTES = 16 * 1024 * 1024;

/** Whether one client is read from: not while it sends beyond its credit, or asks for more than was answered. */
export class Intake {
  /** Channels on which the client has sent more than it was allowed; nothing is read until they are relieved. */
  private readonly overCredit = new Set<Channel>();
  /** Of `send`s that the kernel has not taken, which need no credit, and of `close`s. */
  private waitingBytes = 0;

  constructor(
    private readonly webSocket: WebSocket,
    private readonly writer: WebSocketWriter,
    /** What it asked for last takes more than one turn. */
    private readonly isBusy: () => boolean,
  ) {}

  /** What waits on that channel has changed. */
  weigh(channel: Channel): void {
    if (channel.isOverCredit) this.overCredit.add(channel);
    else this.overCredit.delete(channel);
    this.apply();
  }

  /** `bytes` more (or, negative, fewer) of `send`s and `close`s wait. */
  weighWaiting(bytes: number): void {
    this.waitingBytes += bytes;
    this.apply();
  }

  apply(): void {
    const tooMuch = this.overCredit.size > 0 || this.waitingBytes > MAX_WAITING_BYTES;
    readWhile(!tooMuch && !this.isBusy(), this.webSocket, this.writer);
  }
}
