import type { WebSocket } from 'ws';
import { CREDIT_BYTES, type Channel } from './channel.js';
import type { WebSocketWriter } from './websocket-writer.js';

/** Whether one client is read from: not while it sends beyond its credit, or asks for more than was answered. */
export class Intake {
  /** Channels on which the client has sent more than it was allowed; nothing is read until they are relieved. */
  private readonly overCredit = new Set<Channel>();

  constructor(
    private readonly webSocket: WebSocket,
    private readonly writer: WebSocketWriter,
    /** What it asked for last takes more than one turn. */
    private readonly isBusy: () => boolean,
  ) {}

  /** What waits on that channel has changed. */
  weigh(channel: Channel): void {
    if (channel.outstandingBytes > CREDIT_BYTES) this.overCredit.add(channel);
    else this.overCredit.delete(channel);
    this.apply();
  }

  apply(): void {
    const stop = this.overCredit.size > 0 || this.writer.isOverfull || this.isBusy();
    if (stop && !this.webSocket.isPaused) this.webSocket.pause();
    else if (!stop && this.webSocket.isPaused) this.webSocket.resume();
  }
}
