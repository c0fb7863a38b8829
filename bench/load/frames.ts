import { randomBytes } from 'node:crypto';

/*
 * The little of RFC 6455 that a load client needs. A library would copy, unmask and allocate: the load
 * would then be what is measured.
 */

export const OPCODE = { continuation: 0, text: 1, binary: 2, close: 8, ping: 9, pong: 10 } as const;

export interface FrameHandler {
  begin(opcode: number): void;
  /** Payload, in as many pieces as it came in; valid only during the call. */
  bytes(chunk: Buffer, start: number, end: number): void;
  end(): void;
}

/** Walks over a server's frames. It holds at most a header; payload is handed on where it lies. */
export class FrameReader {
  private readonly head = Buffer.allocUnsafe(10);
  private have = 0;
  private left = 0;

  constructor(private readonly handler: FrameHandler) {}

  push(chunk: Buffer, start: number, end: number): void {
    let at = start;
    while (at < end) {
      if (this.left === 0) {
        this.head[this.have++] = chunk.readUInt8(at++);
        if (this.have >= 2 && this.have === headLength(this.head)) this.beginFrame();
        continue;
      }
      const stop = Math.min(end, at + this.left);
      this.handler.bytes(chunk, at, stop);
      this.left -= stop - at;
      at = stop;
      if (this.left === 0) this.handler.end();
    }
  }

  private beginFrame(): void {
    const second = this.head.readUInt8(1);
    if (second & 0x80) throw new Error('a server must not mask its frames');
    if (second < 126) this.left = second;
    else this.left = second === 126 ? this.head.readUInt16BE(2) : Number(this.head.readBigUInt64BE(2));
    this.have = 0;
    this.handler.begin(this.head.readUInt8(0) & 0x0f);
    if (this.left === 0) this.handler.end();
  }
}

function headLength(head: Buffer): number {
  const short = head.readUInt8(1) & 0x7f;
  if (short < 126) return 2;
  return short === 126 ? 4 : 10;
}

/** A client's frame. The mask is a real one: servers skip the work for a mask of zeros. */
export function clientFrame(opcode: number, payload: Buffer): Buffer {
  const mask = Buffer.from(randomBytes(4).map((byte) => byte | 1));
  const masked = payload.map((byte, index) => byte ^ mask.readUInt8(index % 4));
  return Buffer.concat([frameHead(opcode, payload.length), mask, masked]);
}

function frameHead(opcode: number, length: number): Buffer {
  if (length < 126) return Buffer.from([0x80 | opcode, 0x80 | length]);
  const long = length > 0xffff;
  const head = Buffer.alloc(long ? 10 : 4);
  head.writeUInt8(0x80 | opcode, 0);
  head.writeUInt8(0x80 | (long ? 127 : 126), 1);
  if (long) head.writeBigUInt64BE(BigInt(length), 2);
  else head.writeUInt16BE(length, 2);
  return head;
}
