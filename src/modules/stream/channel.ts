import {
  decodeWithin,
  LogReader,
  readWhole,
  SocketError,
  type Encoding,
  type LogView,
  type BytesPiece,
  type GapPiece,
  type StartAt,
  type DataSocket,
} from '../../sockets/index.js';
import { closeReasonDto } from '../common/socket.dto.js';
import type { WebSocketWriter } from './websocket-writer.js';
import type { ServerData, ServerEvent } from './server-messages.js';

/** At most this much of one channel goes out before the next one has its turn. */
const QUANTUM_BYTES = 64 * 1024;

/** How much a client may send ahead on one channel; what the kernel took is given back in parts of it. */
export const CREDIT_BYTES = 1024 * 1024;
const CREDIT_STEP_BYTES = CREDIT_BYTES / 4;

export interface ChannelOptions {
  mode: 'consume' | 'observe';
  reader: string;
  from: StartAt;
  windowBytes: number;
  encoding: Encoding | null;
}

/** What a channel needs from the WebSocket it is on. */
export interface ChannelHost {
  readonly writer: WebSocketWriter;
  message<Event extends ServerEvent>(event: Event, data: ServerData[Event]): void;
  /** The channel has, or may have, something to send. */
  wake(channel: Channel): void;
  takenOver(channel: Channel): void;
}

/** One socket on one WebSocket: reads the log as far as the client's window allows. */
export class Channel {
  private readonly view: LogView<BytesPiece>;
  private limit: number;
  private acknowledged: number;
  private eofTold = false;
  private over = false;
  private unreturnedCredit = 0;
  private outstanding = 0;

  constructor(
    readonly number: number,
    readonly connection: DataSocket,
    private readonly options: ChannelOptions,
    private readonly host: ChannelHost,
  ) {
    const { mode, reader, from, windowBytes } = options;
    const wake = (): void => host.wake(this);
    this.view =
      mode === 'consume'
        ? connection.log.attach(reader, from, wake, () => host.takenOver(this))
        : connection.log.observe(from, wake);
    this.acknowledged = this.view.position;
    this.limit = this.acknowledged + windowBytes;
  }

  /** Offset of the next byte that goes out. */
  get position(): number {
    return this.view.position;
  }

  /** `closed` was sent, and the client has dealt with everything: the channel can go. */
  get isSettled(): boolean {
    if (!this.over) return false;
    const { log } = this.connection;
    return !(this.view instanceof LogReader) || this.acknowledged >= log.headOffset || log.isDiscarded;
  }

  /** Bytes the client has sent here that the kernel has not taken. */
  get outstandingBytes(): number {
    return this.outstanding;
  }

  /** Sends at most one quantum. True while there is more that could go out now. */
  step(): boolean {
    if (this.over) return false;
    if (this.connection.log.isDiscarded) return this.finish();
    const piece = this.next();
    if (piece === null) return this.tellEnd();
    if (piece.kind === 'gap') {
      this.host.message('gap', { channel: this.number, from: piece.from, to: piece.to });
      this.limit = Math.max(this.limit, piece.to + this.options.windowBytes);
      return true;
    }
    return this.deliver(piece);
  }

  /** Everything before `offset` is dealt with by the client. */
  ack(offset: number): void {
    if (offset > this.view.position) {
      throw new SocketError('OFFSET_OUT_OF_RANGE', `offset ${String(offset)} was not sent yet`, {
        field: 'offset',
      });
    }
    if (this.view instanceof LogReader) this.view.commit(offset);
    this.acknowledged = Math.max(this.acknowledged, offset);
    this.limit = Math.max(this.limit, offset + this.options.windowBytes);
    this.host.wake(this);
  }

  /** Bytes from the client; `failed` is called if the kernel does not take them all. */
  send(payload: Buffer, failed: (error: SocketError, bytesSent: number) => void, freed: () => void): void {
    this.outstanding += payload.length;
    this.connection.send(payload, (error, bytesSent) => {
      this.outstanding -= payload.length;
      if (error !== null) failed(error, bytesSent);
      else this.returnCredit(payload.length);
      freed();
    });
  }

  offerCredit(): void {
    this.host.message('credit', { channel: this.number, bytes: CREDIT_BYTES });
  }

  detach(): void {
    this.over = true;
    this.view.detach();
  }

  /** The next piece that the client's window allows; a gap takes no room. */
  private next(): BytesPiece | GapPiece | null {
    const { position, atHead } = this.view;
    if (atHead) return null;
    const maxBytes = Math.min(QUANTUM_BYTES, this.limit - position);
    if (maxBytes <= 0) return position < this.connection.log.earliestOffset ? this.view.read(1) : null;
    return this.options.encoding === null ? this.view.read(maxBytes) : readWhole(this.view, maxBytes);
  }

  private deliver({ offset, bytes, memory }: BytesPiece): boolean {
    const { encoding } = this.options;
    if (encoding === null) {
      this.host.writer.channelBytes(this.number, offset, bytes, () => memory.release());
      return true;
    }
    const { log } = this.connection;
    const ends = log.isEnded && this.view.atHead;
    const maxBytes = Math.min(this.options.windowBytes, log.windowBytes);
    const text = decodeWithin(maxBytes, bytes, encoding, ends);
    memory.release();
    this.view.position = offset + text.bytes;
    if (text.bytes === 0) return false; // the rest of a character is still to come
    const { data, lossy } = text;
    this.host.message('data', { channel: this.number, offset, bytes: text.bytes, data, encoding, lossy });
    return true;
  }

  /** At the head: says that the stream is over, and how the socket ended, once all bytes are out. */
  private tellEnd(): boolean {
    if (!this.view.atHead) return false;
    const { eofOffset, isClosed } = this.connection;
    if (eofOffset !== null && !this.eofTold) {
      this.eofTold = true;
      this.host.message('eof', { channel: this.number, offset: eofOffset });
    }
    return isClosed ? this.finish() : false;
  }

  private finish(): boolean {
    if (!this.connection.isClosed) return false;
    this.over = true;
    const { closeReason, log } = this.connection;
    const reason = closeReason === null ? 'api' : closeReasonDto(closeReason);
    this.host.message('closed', { channel: this.number, offset: log.headOffset, reason });
    return false;
  }

  private returnCredit(bytes: number): void {
    this.unreturnedCredit += bytes;
    if (this.unreturnedCredit < CREDIT_STEP_BYTES || this.over) return;
    this.host.message('credit', { channel: this.number, bytes: this.unreturnedCredit });
    this.unreturnedCredit = 0;
  }
}
