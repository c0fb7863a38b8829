import type { WebSocket } from 'ws';
import type { DataSocket, SocketError } from '../../../sockets/index.js';
import { readWhile } from '../wire/reading.js';
import type { WebSocketWriter } from '../wire/websocket-writer.js';

/** More than this waiting for the socket, and the WebSocket is not read further. */
const MAX_WAITING_BYTES = 1024 * 1024;

/** What a message costs beside its bytes, so that empty ones are bounded, too. */
const MESSAGE_BYTES = 256;

/** What the client of a pipe has sent and the socket has not taken; before there is a socket, too. */
export class PipeIntake {
  private socket: DataSocket | null = null;
  private readonly early: [Buffer, () => void][] = [];
  private waitingBytes = 0;

  constructor(
    private readonly webSocket: WebSocket,
    private readonly writer: WebSocketWriter,
    private readonly failed: (error: SocketError) => void,
  ) {}

  /** `done`: nobody looks at it any more. */
  take(message: Buffer, done: () => void): void {
    this.waitingBytes += message.length + MESSAGE_BYTES;
    this.apply();
    if (this.socket === null) this.early.push([message, done]);
    else this.send(this.socket, message, done);
  }

  /** From now on there is a socket for it. */
  feed(socket: DataSocket): void {
    this.socket = socket;
    for (const [message, done] of this.early.splice(0)) this.send(socket, message, done);
  }

  /** Reads on, or not. */
  apply(): void {
    readWhile(this.waitingBytes <= MAX_WAITING_BYTES, this.webSocket, this.writer);
  }

  private send(socket: DataSocket, message: Buffer, done: () => void): void {
    socket.send(message, (error) => {
      done();
      this.waitingBytes -= message.length + MESSAGE_BYTES;
      if (error !== null) this.failed(error);
      else this.apply();
    });
  }
}
