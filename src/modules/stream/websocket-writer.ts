import type { Socket } from 'node:net';
import { WebSocket } from 'ws';
import { atEndOfTurn, putUint16, putUint32 } from '../../sockets/index.js';
import { FRAME_HEADER_BYTES, writeFrameHeader, type FrameType } from './frame.js';

/** More than this on its way to the kernel, and the reading from the log waits. */
const SATURATED_BYTES = 1024 * 1024;

/** Bytes of sockets stop well before this; only answers can get there. */
const OVERFULL_BYTES = 4 * SATURATED_BYTES;

/** A client that lets so much pile up has stopped reading for good: it is cut off. Its readers' places stay. */
const HOPELESS_BYTES = 32 * SATURATED_BYTES;

/** Up to here a message is copied behind its header: cheaper than two pieces of memory in one system call. */
const COPIED_BYTES = 1024;

/** FIN and opcode 2, binary (RFC 6455, 5.2). */
const FINAL_BINARY = 0x82;

/**
 * Writes messages of one WebSocket. Bytes go to the kernel from where they were received: the header
 * of the frame is written in front of them, and only a little is copied. The first message of a turn
 * of the event loop leaves at once, for somebody may wait for it; the others leave together at its end, and so
 * does the first when there were several the turn before. Compression is off, so `ws` itself writes
 * in order with this.
 */
export class WebSocketWriter {
  private corked = false;
  private messagesThisTurn = 0;
  private hadSeveral = false;

  constructor(
    private readonly webSocket: WebSocket,
    private readonly socket: Socket,
    /** Called when there is room again after there was none. */
    private readonly onRoom: () => void,
  ) {
    // Of what `ws` writes by itself, the answers to pings, nobody is told that it has gone.
    socket.on('drain', this.written);
  }

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
    this.gather();
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
    const frame = beginMessage(FRAME_HEADER_BYTES, bytes);
    writeFrameHeader(frame.memory, frame.bodyAt - FRAME_HEADER_BYTES, type, channel, offset);
    this.binary(frame, bytes, done);
  }

  /** Bytes and nothing else; `done` says whether the kernel took them. */
  bareBytes(bytes: Buffer, done: (taken: boolean) => void): void {
    this.binary(beginMessage(0, bytes), bytes, done);
  }

  private binary({ memory, bodyAt }: Message, bytes: Buffer, done: (taken: boolean) => void): void {
    if (!this.isOpen) return;
    this.gather();
    const sent = (error?: Error | null): void => {
      // Writes that a destroy has cut short come back without an error.
      done(!error && !this.socket.destroyed);
      this.written();
    };
    if (memory.length > bodyAt) {
      this.socket.write(memory, sent);
      return;
    }
    this.socket.cork();
    this.socket.write(memory);
    this.socket.write(bytes, sent);
    this.socket.uncork();
  }

  private readonly written = (): void => {
    if (!this.isSaturated) this.onRoom();
  };

  /** Before each message. */
  private gather(): void {
    this.messagesThisTurn += 1;
    const isFirst = this.messagesThisTurn === 1;
    if (isFirst) atEndOfTurn(this.endTurn);
    if (this.corked || (isFirst && !this.hadSeveral)) return;
    this.corked = true;
    this.socket.cork();
  }

  private readonly endTurn = (): void => {
    this.hadSeveral = this.messagesThisTurn > 1;
    this.messagesThisTurn = 0;
    if (!this.corked) return;
    this.corked = false;
    this.socket.uncork();
  };
}

interface Message {
  /** The header, and behind it the body where that is copied. */
  memory: Buffer;
  bodyAt: number;
}

/** An unmasked, final, binary WebSocket frame; `extra` bytes of its payload, in front of `body`, are left to the caller. */
function beginMessage(extra: number, body: Buffer): Message {
  const length = extra + body.length;
  const lengthBytes = length < 126 ? 0 : length < 65_536 ? 2 : 8;
  const bodyAt = 2 + lengthBytes + extra;
  const isCopied = body.length <= COPIED_BYTES;
  const memory = Buffer.allocUnsafe(isCopied ? bodyAt + body.length : bodyAt);
  if (isCopied) body.copy(memory, bodyAt);
  memory[0] = FINAL_BINARY;
  if (lengthBytes === 0) {
    memory[1] = length;
  } else if (lengthBytes === 2) {
    memory[1] = 126;
    putUint16(memory, 2, length);
  } else {
    memory[1] = 127;
    putUint32(memory, 2, 0);
    putUint32(memory, 6, length);
  }
  return { memory, bodyAt };
}
