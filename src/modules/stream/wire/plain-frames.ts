import type { Socket } from 'node:net';
import { WebSocket } from 'ws';
import { getUint32 } from '../../../sockets/index.js';
import type { ClientReads, Slab } from './client-reads.js';
import { FRAME_HEADER_BYTES } from './frame.js';
import { FrameHead } from './frame-head.js';
import { unmask } from './unmask.js';

/** Payloads up to this are put together with what is before them; longer ones stay where they are. */
const JOINED_BYTES = 1024;

/** Type 1 (bytes of a stream), flags and reserved 0: how the header of frame.ts begins. */
const STREAM_BYTES = 0x01000000;

export interface PlainFramesOptions {
  /** On `/v1/stream` each message begins with the header of frame.ts; on the pipe there is none. */
  hasHeader: boolean;
  maxMessageBytes: number;
  /** The bytes are a stream's: it does not matter where one message ends and the next begins. */
  isStream: () => boolean;
  /** Bytes for a channel (0 without headers), which stay as they are until `done` is called: once. */
  take: (bytes: Buffer, channel: number, done: () => void) => void;
}

/**
 * Takes the bytes of plain binary messages out of what the kernel has read, where they lie: no message
 * is put together from its pieces, and short ones of a channel that come together are one piece. `ws`
 * costs more for a short message than all the rest of its way. Every other message goes to `ws`, in its
 * order. At the first frame that is no whole message, or ends the conversation, this steps aside, and
 * `ws` goes on alone from that very frame: what RFC 6455 says of it is known in one place.
 */
export class PlainFrames {
  private readonly ofWs: (this: Socket, chunk: Buffer) => void;
  private readonly head = new FrameHead();
  private isAside = false;
  /** The beginning of a frame, of which too little has come to tell what it is. */
  private held: Buffer | null = null;
  /** Bytes to come of a frame for `ws`. */
  private foreign = 0;
  /** Bytes to come of a message whose beginning was taken. */
  private rest = 0;
  /** Its mask, as it applies to the next of its bytes. */
  private readonly mask = Buffer.alloc(4);
  private channel = 0;
  /** What was taken for `channel` in the chunk at hand, and not handed on yet. */
  private start = 0;
  private end = 0;
  /** Where the chunk at hand lies, if it is to be given back. */
  private slab: Slab | null = null;
  private readonly socket: Socket;

  /** In the tick of the connection: `ws` listens to its socket by then, and nothing was read. */
  constructor(
    private readonly webSocket: WebSocket,
    private readonly reads: ClientReads,
    private readonly options: PlainFramesOptions,
  ) {
    const { socket } = reads;
    this.socket = socket;
    const [listener] = socket.listeners('data') as ((this: Socket, chunk: Buffer) => void)[];
    if (listener === undefined) throw new TypeError('ws does not listen to its socket');
    this.ofWs = listener;
    socket.off('data', listener);
    socket.on('data', this.onData);
    reads.giveTo(this.onRead);
    // `ws` itself reads what is left once the connection is closed: it must not begin in a message's middle.
    socket.prependListener('close', this.onClose);
    // It wants nothing more after an error, and answers with a close.
    webSocket.once('error', () => this.leave());
  }

  private readonly onData = (arrived: Buffer): void => {
    const chunk = this.held === null ? arrived : Buffer.concat([this.held, arrived]);
    this.held = null;
    this.start = this.end = 0;
    for (let at = 0; at < chunk.length;) at = this.advance(chunk, at);
    this.handOn(chunk);
  };

  private readonly onRead = (bytes: Buffer, slab: Slab | null): void => {
    this.slab = slab;
    this.onData(bytes);
    this.slab = null;
  };

  private readonly onClose = (): void => {
    while (!this.isAside) {
      const chunk = this.socket.read() as Buffer | null;
      if (chunk === null) return;
      this.onData(chunk);
    }
  };

  /** Deals with what begins at `at`, and answers where that ends. */
  private advance(chunk: Buffer, at: number): number {
    const available = chunk.length - at;
    if (this.isAside) return this.pass(chunk, at, available);
    if (this.foreign > 0) {
      const bytes = Math.min(this.foreign, available);
      this.foreign -= bytes;
      return this.pass(chunk, at, bytes);
    }
    return this.rest > 0 ? this.payload(chunk, at) : this.frame(chunk, at);
  }

  private frame(chunk: Buffer, at: number): number {
    const { head } = this;
    if (!head.read(chunk, at)) return this.hold(chunk, at);
    const tooLong = head.payloadBytes > this.options.maxMessageBytes;
    if (tooLong || !head.isWhole || this.webSocket.readyState !== WebSocket.OPEN) return this.stepAside(at);
    const own = head.isPlainBinary && head.payloadBytes > this.headerBytes && this.options.isStream();
    if (own && at + head.bytes + this.headerBytes > chunk.length) return this.hold(chunk, at);
    if (own && this.readHeader(chunk, at + head.bytes)) return this.begin(chunk, at + head.bytes);
    this.foreign = head.bytes + head.payloadBytes;
    return at;
  }

  private get headerBytes(): number {
    return this.options.hasHeader ? FRAME_HEADER_BYTES : 0;
  }

  /** Whether it is bytes for a stream; `ws` gets what is not, and it is refused where all of its kind are. */
  private readHeader(chunk: Buffer, at: number): boolean {
    if (!this.options.hasHeader) return true;
    const mask = getUint32(chunk, at - 4);
    if ((getUint32(chunk, at) ^ mask) !== STREAM_BYTES) return false;
    return getUint32(chunk, at + 8) === mask && getUint32(chunk, at + 12) === mask;
  }

  /** A message of ours, whose payload begins at `at`. */
  private begin(chunk: Buffer, at: number): number {
    const { head, headerBytes, mask } = this;
    for (let i = 0; i < 4; i += 1) mask[i] = chunk[at - 4 + i] as number;
    const channel = headerBytes === 0 ? 0 : (getUint32(chunk, at + 4) ^ getUint32(mask, 0)) >>> 0;
    const from = at + headerBytes;
    this.rest = head.payloadBytes - headerBytes;
    if (
      channel !== this.channel ||
      this.end === this.start ||
      Math.min(this.rest, chunk.length - from) > JOINED_BYTES
    ) {
      this.handOn(chunk);
      this.channel = channel;
      this.start = this.end = from;
    }
    return this.payload(chunk, from);
  }

  /** As much of the message as is there. */
  private payload(chunk: Buffer, at: number): number {
    const bytes = Math.min(this.rest, chunk.length - at);
    if (this.end === this.start) this.start = this.end = at;
    unmask(chunk, at, this.end, bytes, this.mask);
    this.end += bytes;
    this.rest -= bytes;
    if (this.rest > 0) this.turnMask(bytes & 3);
    return at + bytes;
  }

  private turnMask(by: number): void {
    const { mask } = this;
    mask.set([...mask.subarray(by), ...mask.subarray(0, by)]);
  }

  private hold(chunk: Buffer, at: number): number {
    this.held = Buffer.from(chunk.subarray(at));
    return chunk.length;
  }

  private pass(chunk: Buffer, at: number, bytes: number): number {
    this.handOn(chunk);
    const part = chunk.subarray(at, at + bytes);
    this.ofWs.call(this.socket, this.slab === null ? part : Buffer.from(part));
    return at + bytes;
  }

  private handOn(chunk: Buffer): void {
    const { start, end, channel, slab } = this;
    this.start = this.end = 0;
    if (end === start) return;
    slab?.hold();
    this.options.take(chunk.subarray(start, end), channel, slab === null ? nothing : () => slab.release());
  }

  private stepAside(at: number): number {
    this.isAside = true;
    this.leave();
    this.socket.on('data', this.ofWs);
    return at;
  }

  private leave(): void {
    this.reads.giveTo(null);
    this.socket.off('data', this.onData).off('close', this.onClose);
  }
}

const nothing = (): void => undefined;
