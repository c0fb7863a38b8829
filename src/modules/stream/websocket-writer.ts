import type { Socket } from 'node:net';
import { WebSocket } from 'ws';
import { FRAME_HEADER_BYTES, writeFrameHeader, type FrameType } from './frame.js';

/** More than this on its way to the kernel, and the reading from the log waits. */
const SATURATED_BYTES = 1024 * 1024;

/** Bytes of sockets stop well before this; only answers can get there. */
const OVERFULL_BYTES = 4 * SATURATED_BYTES;

/** A client that lets so much pile up has stopped reading for good: it is cut off. Its readers' places stay. */
const HOPELESS_BYTES = 32 * SATURATED_BYTES;

/** FIN and opcode 2, binary (RFC 6455, 5.2). */
const FINAL_BINARY = 0x82;

/**
 * Writes messages of one WebSocket. Bytes go to the kernel from where they were received: the header
 * of the frame is written in front of them, nothing is copied. All messages of one turn of the event
 * loop leave in one system call. Compression is off, so `ws` itself writes in order with this.
 */
export class WebSocketWriter {
  private corked = false;

  constructor(
    private readonly webSocket: WebSocket,
    private readonly socket: Socket,
    /** Called when there is room again after there was none. */
    private readonly onRoom: () => void,
  ) {}

  get isOpen(): boolean {
    return this.webSocket.readyState === WebSocket.OPEN;
  }

  get isSaturated(): boolean {
    return this.socket.writableLength >= SATURATED_BYTES;
  }

  /** Answers have piled up for a client that does not read them. */
  get isOverfull(): boolean {
    return this.socket.writableLength >= OVERFULL_BYTES;
  }

  text(message: object): void {
    if (!this.isOpen) return;
    this.cork();
    this.webSocket.send(JSON.stringify(message), { binary: false }, this.written);
    if (this.socket.writableLength > HOPELESS_BYTES) this.webSocket.terminate();
  }

  /** Bytes of a socket with the header of the stream protocol; `done` says whether the kernel took them. */
  channelBytes(
    type: FrameType,
    channel: number,
    offset: number,
    bytes: Buffer,
    done: (taken: boolean) => void,
  ): void {
    const header = messageHeader(FRAME_HEADER_BYTES, bytes.length);
    writeFrameHeader(header, header.length - FRAME_HEADER_BYTES, type, channel, offset);
    this.binary(header, bytes, done);
  }

  /** Bytes and nothing else; `done` says whether the kernel took them. */
  bareBytes(bytes: Buffer, done: (taken: boolean) => void): void {
    this.binary(messageHeader(0, bytes.length), bytes, done);
  }

  private binary(header: Buffer, bytes: Buffer, done: (taken: boolean) => void): void {
    if (!this.isOpen) return;
    this.cork();
    this.socket.write(header);
    this.socket.write(bytes, (error) => {
      // Writes that a destroy has cut short come back without an error.
      done(!error && !this.socket.destroyed);
      this.written();
    });
  }

  private readonly written = (): void => {
    if (!this.isSaturated) this.onRoom();
  };

  private cork(): void {
    if (this.corked) return;
    this.corked = true;
    this.socket.cork();
    setImmediate(() => {
      this.corked = false;
      this.socket.uncork();
    });
  }
}

/** Header of an unmasked, final, binary WebSocket frame, with room behind it for `extra` bytes of the payload. */
function messageHeader(extra: number, bodyBytes: number): Buffer {
  const length = extra + bodyBytes;
  const lengthBytes = length < 126 ? 0 : length < 65_536 ? 2 : 8;
  const header = Buffer.allocUnsafe(2 + lengthBytes + extra);
  header[0] = FINAL_BINARY;
  if (lengthBytes === 0) {
    header[1] = length;
  } else if (lengthBytes === 2) {
    header[1] = 126;
    header.writeUInt16BE(length, 2);
  } else {
    header[1] = 127;
    header.writeUInt32BE(0, 2);
    header.writeUInt32BE(length, 6);
  }
  return header;
}
