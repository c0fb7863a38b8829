import { clientFrame, OPCODE } from './frames.js';

/* The client's side of `/v1/stream`: channels, frames with a header of 16 bytes, acks. */

const HEADER_BYTES = 16;
const STREAM_BYTES = 1;
/** The window a client would ask for that acks every 256 KiB: room for a few acks on their way. */
const WINDOW_BYTES = 1024 * 1024;
const ACK_EVERY_BYTES = 256 * 1024;

export function attachMessage(socketIds: readonly string[]): Buffer {
  const options = { mode: 'consume', from: 'committed', windowBytes: WINDOW_BYTES };
  const attachments = socketIds.map((socketId) => ({ socketId, ...options }));
  return message({ event: 'attach', data: { attachments }, ref: 1 });
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

/** What one channel has brought, and how much may be sent on it. */
export interface ChannelState {
  readonly number: number;
  received: number;
  acked: number;
  credit: number;
}

/** Takes the header off each frame and holds the server to it: no byte twice, none left out. */
export class ChannelDecoder {
  readonly channels = new Map<number, ChannelState>();
  private readonly header = Buffer.alloc(HEADER_BYTES);
  private have = 0;
  private state: ChannelState | null = null;

  add(number: number, offset: number): void {
    this.channels.set(number, { number, received: offset, acked: offset, credit: 0 });
  }

  /** Number of the channel whose frame is coming in. */
  get current(): number {
    return this.state?.number ?? 0;
  }

  /** Returns where payload begins in this piece of a frame. */
  skipHeader(chunk: Buffer, start: number, end: number): number {
    let at = start;
    if (this.have < HEADER_BYTES) {
      const stop = Math.min(end, start + HEADER_BYTES - this.have);
      const taken = chunk.copy(this.header, this.have, start, stop);
      this.have += taken;
      at += taken;
      if (this.have === HEADER_BYTES) this.state = this.stateOfHeader();
    }
    if (this.state) this.state.received += end - at;
    return at;
  }

  /** Returns what to acknowledge, when it is time for that. */
  endFrame(): ChannelState | null {
    const { state: current } = this;
    this.have = 0;
    this.state = null;
    if (!current || current.received - current.acked < ACK_EVERY_BYTES) return null;
    current.acked = current.received;
    return current;
  }

  private stateOfHeader(): ChannelState {
    const type = this.header.readUInt8(0);
    const number = this.header.readUInt32BE(4);
    const offset = Number(this.header.readBigUInt64BE(8));
    const state = this.channels.get(number);
    if (type !== STREAM_BYTES || !state) throw new Error(`a frame of type ${type} for channel ${number}`);
    if (offset !== state.received) throw new Error(`a frame at offset ${offset}, expected ${state.received}`);
    return state;
  }
}
