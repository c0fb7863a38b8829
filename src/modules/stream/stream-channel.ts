import {
  decodeWithin,
  readWhole,
  type BytesPiece,
  type ByteLog,
  type DataSocket,
  type GapPiece,
} from '../../sockets/index.js';
import { Channel, type ChannelHost, type ChannelOptions, type Failed } from './channel.js';
import { FRAME_TYPE_STREAM } from './frame.js';

/** The bytes of one stream: the client's window is counted in their offsets. */
export class StreamChannel extends Channel<BytesPiece> {
  private limit: number;

  constructor(
    number: number,
    connection: DataSocket,
    log: ByteLog,
    options: ChannelOptions,
    host: ChannelHost,
  ) {
    super(number, connection, log, options, host);
    this.limit = this.view.position + options.windowBytes;
  }

  override send(payload: Buffer, failed: Failed, freed: () => void): void {
    this.connection.send(payload, this.waitingFor(payload.length, failed, freed));
  }

  protected override next(most: number): BytesPiece | GapPiece | null {
    const { position, atHead } = this.view;
    if (atHead) return null;
    const maxBytes = Math.min(most, this.limit - position);
    if (maxBytes <= 0) return position < this.log.earliestOffset ? this.view.read(1) : null;
    return this.options.encoding === null ? this.view.read(maxBytes) : readWhole(this.view, maxBytes);
  }

  protected override deliver({ offset, bytes, memory }: BytesPiece): number {
    const { encoding } = this.options;
    const { number: channel } = this;
    if (encoding === null) {
      this.host.writer.channelBytes(FRAME_TYPE_STREAM, channel, offset, bytes, () => memory.release());
      return bytes.length;
    }
    const ends = this.log.isEnded && this.view.atHead;
    const maxBytes = Math.min(this.options.windowBytes, this.log.windowBytes);
    const text = decodeWithin(maxBytes, bytes, encoding, ends);
    memory.release();
    this.view.position = offset + text.bytes;
    if (text.bytes === 0) return 0; // the rest of a character is still to come
    const { data, lossy } = text;
    const nextOffset = this.view.position;
    this.host.message('data', { channel, offset, nextOffset, bytes: text.bytes, data, encoding, lossy });
    return text.bytes;
  }

  protected override passed(offset: number): void {
    this.limit = Math.max(this.limit, offset + this.options.windowBytes);
  }
}
