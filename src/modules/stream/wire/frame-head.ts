import { getUint16, getUint32 } from '../../../sockets/index.js';

const FINAL_TEXT = 0x81;
const FINAL_BINARY = 0x82;
const FINAL_PING = 0x89;
const FINAL_PONG = 0x8a;
const MASKED = 0x80;
const MASK_BYTES = 4;
const MAX_CONTROL_BYTES = 125;

/** The head of a WebSocket frame from a client (RFC 6455, 5.2): read into the same object again and again. */
export class FrameHead {
  /** Of the head, the mask included. */
  bytes = 0;
  payloadBytes = 0;
  private first = 0;
  private isMasked = false;

  /** False: it is not there whole. */
  read(chunk: Buffer, at: number): boolean {
    const available = chunk.length - at;
    if (available < 2) return false;
    this.first = chunk[at] as number;
    const second = chunk[at + 1] as number;
    const short = second & ~MASKED;
    this.isMasked = second !== short;
    const lengthBytes = short < 126 ? 0 : short === 126 ? 2 : 8;
    this.bytes = 2 + lengthBytes + (this.isMasked ? MASK_BYTES : 0);
    if (available < this.bytes) return false;
    if (lengthBytes === 0) this.payloadBytes = short;
    else if (lengthBytes === 2) this.payloadBytes = getUint16(chunk, at + 2);
    else this.payloadBytes = getUint32(chunk, at + 2) * 2 ** 32 + getUint32(chunk, at + 6);
    return true;
  }

  /** A message of one frame, binary, as a client sends it. */
  get isPlainBinary(): boolean {
    return this.first === FINAL_BINARY && this.isMasked;
  }

  /** A frame that stands by itself, and after which nothing is different: no fragment, no close, no fault. */
  get isWhole(): boolean {
    if (!this.isMasked) return false;
    if (this.first === FINAL_PING || this.first === FINAL_PONG) return this.payloadBytes <= MAX_CONTROL_BYTES;
    return this.first === FINAL_TEXT || this.first === FINAL_BINARY;
  }
}
