import type { WebSocket } from 'ws';
import type { Channel } from './channel.js';
import type { WebSocketWriter } from './websocket-writer.js';

/** What may wait of the `send`s of one client; they end by the timeout of their socket. */
const MAX_SENDING_BYTES = 16 * 1024 * 1024;

/** Whether one client is read from: not while it sends beyond its credit, or asks for more than was answered. */
export class Intake {
  /** Channels on which the client has sent more than it was allowed; nothing is read until they are relieved. */
  private readonly overCredit = new Set<Channel>();
  /** Bytes of `send`s that the kernel has not taken: they need no credit. */
  private sendingBytes = 0;

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

  /** `bytes` more (or, negative, fewer) of `send`s wait. */
  weighSends(bytes: number): void {
    this.sendingBytes += bytes;
    this.apply();
  }

  apply(): void {
    const tooMuch = this.overCredit.size > 0 || this.sendingBytes > MAX_SENDING_BYTES;
    const stop = tooMuch || this.writer.isOverfull || this.isBusy();
    if (stop && !this.webSocket.isPaused) this.webSocket.pause();
    else if (!stop && this.webSocket.isPaused) this.webSocket.resume();
  }
}
