import {
  readRecord,
  SocketError,
  type DatagramRecord,
  type DatagramSocket,
  type DatagramsPiece,
  type Encoding,
  type GapPiece,
  type SeqpacketConnection,
} from '../../../sockets/index.js';
import { datagramDto } from '../../common/datagram.dto.js';
import { Channel, type ChannelHost, type ChannelOptions, type Failed } from './channel.js';
import { FRAME_TYPE_DATAGRAMS } from '../wire/frame.js';

/** Datagrams, which have sequence numbers for offsets: the client's window counts the bytes of their records. */
export class DatagramChannel extends Channel<DatagramsPiece> {
  /** Frames that the client has not acknowledged to their end, oldest first. */
  private readonly sent: { nextOffset: number; bytes: number }[] = [];
  private sentBytes = 0;

  constructor(
    number: number,
    private readonly socket: DatagramSocket | SeqpacketConnection,
    options: ChannelOptions,
    host: ChannelHost,
  ) {
    super(number, socket, socket.log, options, host);
  }

  /** One record for each datagram, in the form of the frames that the server sends. */
  override send(payload: Buffer, failed: Failed, freed: () => void): void {
    for (const record of recordsOf(payload)) {
      this.socket.sendRecord(record, this.waitingFor(record.size, failed, freed).sent);
    }
  }

  protected override next(maxBytes: number): DatagramsPiece | GapPiece | null {
    const { view } = this;
    const room = this.options.windowBytes - this.sentBytes;
    const piece = this.log.peek(view.position, Math.min(maxBytes, Math.max(room, 1)));
    // What is alone on its way always fits, however narrow the window.
    if (piece?.kind === 'datagrams' && this.sentBytes > 0 && piece.records.length > room) {
      piece.memory.release();
      return null;
    }
    if (piece !== null) view.position = piece.kind === 'gap' ? piece.to : piece.nextOffset;
    return piece;
  }

  protected override deliver(piece: DatagramsPiece): number {
    const { offset, nextOffset, records, memory } = piece;
    this.sent.push({ nextOffset, bytes: records.length });
    this.sentBytes += records.length;
    const { encoding } = this.options;
    if (encoding === null) {
      const release = (): void => memory.release();
      this.host.writer.channelBytes(FRAME_TYPE_DATAGRAMS, this.number, offset, records, release);
    } else {
      this.deliverText(piece, encoding);
    }
    return records.length;
  }

  protected override passed(offset: number): void {
    for (let first = this.sent[0]; first !== undefined && first.nextOffset <= offset; first = this.sent[0]) {
      this.sent.shift();
      this.sentBytes -= first.bytes;
    }
  }

  private deliverText(piece: DatagramsPiece, encoding: Encoding): void {
    for (const datagram of this.socket.log.datagramsOf(piece)) {
      const { sequence: offset, ...shown } = datagramDto(datagram, encoding);
      const place = { channel: this.number, offset, nextOffset: offset + 1 };
      this.host.message('data', { ...place, ...shown, encoding });
    }
    piece.memory.release();
  }
}

/** All of them, or none: a frame that is cut short was built wrongly. */
function recordsOf(payload: Buffer): DatagramRecord[] {
  const records: DatagramRecord[] = [];
  for (let at = 0; at < payload.length;) {
    const record = readRecord(payload, at);
    if (record === null) {
      throw new SocketError('PAYLOAD_INVALID', `the record at byte ${String(at)} is cut short`, {
        field: '',
      });
    }
    records.push(record);
    at += record.size;
  }
  return records;
}
