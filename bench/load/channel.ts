import { clientFrame, OPCODE } from './frames.js';

/* The client's side of `/v1/stream`: one channel, frames with a header of 16 bytes, acks. */

const HEADER_BYTES = 16;
const STREAM_BYTES = 1;
/** The window a client would ask for that acks every 256 KiB: room for a few acks on their way. */
const WINDOW_BYTES = 1024 * 1024;
const ACK_EVERY_BYTES = 256 * 1024;

export function attachMessage(socketId: string): Buffer {
  const data = { socketId, mode: 'consume', from: 'committed', windowBytes: WINDOW_BYTES };
  return message({ event: 'attach', data, ref: 1 });
}

export function ackMessage(channel: number, offset: number): Buffer {
  return message({ event: 'ack', data: { channel, offset } });
}

export function channelFrame(channel: number, payload: Buffer): Buffer {
  const header = Buffer.alloc(HEADER_BYTES);
  header.writeUInt8(STREAM_BYTES, 0);
  header.writeUInt32BE(channel, 4);
  return Buffer.concat([header, payload]);
}

function message(content: object): Buffer {
  return clientFrame(OPCODE.text, Buffer.from(JSON.stringify(content)));
}

/** Takes the header off each frame and holds the server to it: no byte twice, none left out. */
export class ChannelDecoder {
  private readonly header = Buffer.alloc(HEADER_BYTES);
  private have = 0;
  private acked: number;

  constructor(
    readonly channel: number,
    private offset: number,
  ) {
    this.acked = offset;
  }

  /** Returns where payload begins in this piece of a frame. */
  skipHeader(chunk: Buffer, start: number, end: number): number {
    let at = start;
    if (this.have < HEADER_BYTES) {
      const taken = chunk.copy(
        this.header,
        this.have,
        start,
        Math.min(end, start + HEADER_BYTES - this.have),
      );
      this.have += taken;
      at += taken;
      if (this.have === HEADER_BYTES) this.checkHeader();
    }
    this.offset += end - at;
    return at;
  }

  /** Returns the offset to acknowledge, when it is time for that. */
  endFrame(): number | null {
    this.have = 0;
    if (this.offset - this.acked < ACK_EVERY_BYTES) return null;
    this.acked = this.offset;
    return this.offset;
  }

  private checkHeader(): void {
    const channel = this.header.readUInt32BE(4);
    const offset = Number(this.header.readBigUInt64BE(8));
    if (this.header.readUInt8(0) !== STREAM_BYTES || channel !== this.channel) {
      throw new Error(`a frame of type ${this.header.readUInt8(0)} for channel ${channel}`);
    }
    if (offset !== this.offset) throw new Error(`a frame at offset ${offset}, expected ${this.offset}`);
  }
}
