import type { Socket } from 'node:net';
import { WebSocket } from 'ws';
import { atEndOfTurn, putUint16, putUint32 } from '../../../sockets/index.js';
import { FRAME_HEADER_BYTES, writeFrameHeader, type FrameType } from './frame.js';

/** More than this on its way to the kernel, and the reading from the log waits. */
const SATURATED_BYTES = 1024 * 1024;

/** Bytes of sockets stop well before this; only answers can get there. */
const OVERFULL_BYTES = 4 * SATURATED_BYTES;

/** A client that lets so much pile up has stopped reading for good: it is cut off. Its readers' places stay. */
const HOPELESS_BYTES = 32 * SATURATED_BYTES;

/** Up to here a message is copied behind its head: cheaper than two pieces of memory in one system call. */
const COPIED_BYTES = 1024;

/** What is copied in one turn lies together, in pieces of at most this. */
const MAX_GATHERED_BYTES = 16 * 1024;

/** FIN and opcode 2, binary (RFC 6455, 5.2), and the longest head of a frame. */
const FINAL_BINARY = 0x82;
const MAX_HEAD_BYTES = 10;

type Done = (taken: boolean) => void;

const NOTHING = Buffer.alloc(0);

/**
 * Writes messages of one WebSocket. Bytes go to the kernel from where they were received: the head
 * of the frame is written in front of them, and short ones are copied behind theirs, one after the other.
 * The first message of a turn of the event loop leaves at once, for somebody may wait for it; the others leave
 * together at its end, and so does the first when there were several the turn before. Compression is off, so
 * `ws` itself writes in order with this.
 */
export class WebSocketWriter {
  private corked = false;
  private messagesThisTurn = 0;
  private hadSeveral = false;
  /** Heads and short messages: from `start` to `end` what the socket was not given yet, and who waits for that. */
  private gathered = NOTHING;
  private start = 0;
  private end = 0;
  private waiting: Done[] = [];
  private gatheredThisTurn = 0;
  private gatheredLastTurn = 0;

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
    return this.socket.writableLength + this.end - this.start >= SATURATED_BYTES;
  }

  /** Answers have piled up for a client that does not read them. */
  get isOverfull(): boolean {
    return this.socket.writableLength >= OVERFULL_BYTES;
  }

  text(message: object): void {
    if (!this.isOpen) return;
    this.count();
    this.handOver();
    this.webSocket.send(JSON.stringify(message), { binary: false }, this.written);
    if (this.socket.writableLength > HOPELESS_BYTES) this.webSocket.terminate();
  }

  /** After everything that was written before. */
  close(code: number, reason: string): void {
    this.handOver();
    this.webSocket.close(code, reason);
  }

  /** Bytes of a socket with the header of the stream protocol; `done` says whether the kernel took them. */
  channelBytes(type: FrameType, channel: number, offset: number, bytes: Buffer, done: Done): void {
    if (!this.isOpen) return;
    this.beginMessage(FRAME_HEADER_BYTES + bytes.length);
    writeFrameHeader(this.gathered, this.end, type, channel, offset);
    this.end += FRAME_HEADER_BYTES;
    this.endMessage(bytes, done);
  }

  /** Bytes and nothing else; `done` says whether the kernel took them. */
  bareBytes(bytes: Buffer, done: Done): void {
    if (!this.isOpen) return;
    this.beginMessage(bytes.length);
    this.endMessage(bytes, done);
  }

  /** The head of an unmasked, final, binary frame. There is room behind it for what is copied. */
  private beginMessage(payloadBytes: number): void {
    this.count();
    const isShort = payloadBytes <= FRAME_HEADER_BYTES + COPIED_BYTES;
    this.makeRoom(MAX_HEAD_BYTES + (isShort ? payloadBytes : FRAME_HEADER_BYTES));
    const { gathered, end } = this;
    gathered[end] = FINAL_BINARY;
    if (payloadBytes < 126) {
      gathered[end + 1] = payloadBytes;
      this.end += 2;
    } else if (payloadBytes < 65_536) {
      gathered[end + 1] = 126;
      putUint16(gathered, end + 2, payloadBytes);
      this.end += 4;
    } else {
      gathered[end + 1] = 127;
      putUint32(gathered, end + 2, 0);
      putUint32(gathered, end + 6, payloadBytes);
      this.end += MAX_HEAD_BYTES;
    }
  }

  private endMessage(bytes: Buffer, done: Done): void {
    if (bytes.length <= COPIED_BYTES) {
      bytes.copy(this.gathered, this.end);
      this.end += bytes.length;
      this.waiting.push(done);
      if (!this.corked) this.handOver();
      return;
    }
    this.socket.cork();
    this.handOver();
    this.write(bytes, [done]);
    this.socket.uncork();
  }

  /** Memory for `bytes` that lie together; this turn may bring as much as the last one did. */
  private makeRoom(bytes: number): void {
    if (this.gathered.length - this.end >= bytes) return;
    this.handOver();
    const expected = Math.min(this.gatheredLastTurn, MAX_GATHERED_BYTES);
    this.gathered = Buffer.allocUnsafe(Math.max(bytes, expected));
    this.start = this.end = 0;
  }

  /** What was gathered is the socket's from now on. */
  private handOver(): void {
    const { gathered, start, end, waiting } = this;
    if (start === end) return;
    this.start = end;
    this.waiting = [];
    this.gatheredThisTurn += end - start;
    if (this.isOpen) this.write(gathered.subarray(start, end), waiting);
    else for (const done of waiting) done(false);
  }

  private write(bytes: Buffer, waiting: Done[]): void {
    this.socket.write(bytes, (error) => {
      // Writes that a destroy has cut short come back without an error.
      const taken = !error && !this.socket.destroyed;
      for (const done of waiting) done(taken);
      this.written();
    });
  }

  private readonly written = (): void => {
    if (!this.isSaturated) this.onRoom();
  };

  /** Before each message. */
  private count(): void {
    this.messagesThisTurn += 1;
    const isFirst = this.messagesThisTurn === 1;
    if (isFirst) atEndOfTurn(this.endTurn);
    if (this.corked || (isFirst && !this.hadSeveral)) return;
    this.corked = true;
    this.socket.cork();
  }

  private readonly endTurn = (): void => {
    this.handOver();
    this.gathered = NOTHING;
    this.start = this.end = 0;
    this.gatheredLastTurn = this.gatheredThisTurn;
    this.gatheredThisTurn = 0;
    this.hadSeveral = this.messagesThisTurn > 1;
    this.messagesThisTurn = 0;
    if (!this.corked) return;
    this.corked = false;
    this.socket.uncork();
  };
}
