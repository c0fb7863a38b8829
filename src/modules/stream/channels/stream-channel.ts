import {
  decodeWithin,
  readWhole,
  type BytesPiece,
  type GapPiece,
  type StreamConnection,
} from '../../../sockets/index.js';
import { Channel, type ChannelHost, type ChannelOptions, type Failed, type WaitingSend } from './channel.js';
import { FRAME_TYPE_STREAM } from '../wire/frame.js';

/** The bytes of one stream: what the client has not acknowledged of them fits into its window. */
export class StreamChannel extends Channel<BytesPiece> {
  /** Runs of offsets that were sent and not acknowledged, oldest first: between two of them is a gap. */
  private readonly sent: { from: number; to: number }[] = [];
  private sentBytes = 0;
  /** The client's last send; short ones that wait with it are joined to it, and told of as one. */
  private last: WaitingSend | null = null;

  constructor(
    number: number,
    override readonly connection: StreamConnection,
    options: ChannelOptions,
    host: ChannelHost,
  ) {
    super(number, connection, connection.log, options, host);
  }

  override send(payload: Buffer, failed: Failed, freed: () => void): void {
    const { connection, last } = this;
    if (last !== null && connection.extend(payload, last.sent)) {
      this.joined(last, payload.length);
      return freed();
    }
    this.last = this.waitingFor(payload.length, failed, freed);
    connection.send(payload, this.last.sent);
  }

  protected override next(most: number): BytesPiece | GapPiece | null {
    const { position, atHead } = this.view;
    if (atHead) return null;
    const maxBytes = Math.min(most, this.options.windowBytes - this.sentBytes);
    if (maxBytes <= 0) return position < this.log.earliestOffset ? this.view.read(1) : null;
    return this.options.encoding === null ? this.view.read(maxBytes) : readWhole(this.view, maxBytes);
  }

  protected override deliver({ offset, bytes, memory }: BytesPiece): number {
    const { encoding } = this.options;
    const { number: channel } = this;
    if (encoding === null) {
      this.went(offset, bytes.length);
      this.host.writer.channelBytes(FRAME_TYPE_STREAM, channel, offset, bytes, () => memory.release());
      return bytes.length;
    }
    const ends = this.log.isEnded && this.view.atHead;
    const maxBytes = Math.min(this.options.windowBytes, this.log.windowBytes);
    const text = decodeWithin(maxBytes, bytes, encoding, ends);
    memory.release();
    this.view.position = offset + text.bytes;
    if (text.bytes === 0) return 0; // the rest of a character is still to come
    this.went(offset, text.bytes);
    const { data, lossy } = text;
    const nextOffset = this.view.position;
    this.host.message('data', { channel, offset, nextOffset, bytes: text.bytes, data, encoding, lossy });
    return text.bytes;
  }

  protected override passed(offset: number): void {
    for (let first = this.sent[0]; first !== undefined && first.from < offset; first = this.sent[0]) {
      const to = Math.min(first.to, offset);
      this.sentBytes -= to - first.from;
      if (to === first.to) this.sent.shift();
      else first.from = to;
      if (to === offset) return;
    }
  }

  private went(offset: number, bytes: number): void {
    this.sentBytes += bytes;
    const last = this.sent.at(-1);
    if (last?.to === offset) last.to += bytes;
    else this.sent.push({ from: offset, to: offset + bytes });
  }
}
