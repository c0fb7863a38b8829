import {
  LogReader,
  SocketError,
  type DataPiece,
  type DataSocket,
  type Encoding,
  type GapPiece,
  type LogView,
  type ReceiveLog,
  type Sent,
  type StartAt,
} from '../../../sockets/index.js';
import { closeReasonDto } from '../../common/socket.dto.js';
import type { ChannelCredit, CreditBudget } from './credit-budget.js';
import type { WebSocketWriter } from '../wire/websocket-writer.js';
import type { ServerData, ServerEvent } from '../messages/server-messages.js';
import type { TurnTaker } from './turns.js';

/** So much of one channel goes out in its turn, and at most so much in one frame. */
export const QUANTUM_BYTES = 64 * 1024;

/** What a piece costs at least in its turn: a frame of one byte is work, too. */
const LEAST_COST_BYTES = 64;

/** What a send takes at least while it waits: one of a byte is memory, too. */
const LEAST_WAITING_BYTES = 256;

export interface ChannelOptions {
  mode: 'consume' | 'observe';
  reader: string;
  from: StartAt;
  windowBytes: number;
  encoding: Encoding | null;
}

export type Failed = (error: SocketError) => void;

/** What a client has sent, until the kernel took it. */
export interface WaitingSend {
  bytes: number;
  readonly sent: Sent;
}

/** What a channel needs from the WebSocket it is on. */
export interface ChannelHost {
  readonly writer: WebSocketWriter;
  readonly credits: CreditBudget;
  message<Event extends ServerEvent>(event: Event, data: ServerData[Event]): void;
  /** The channel has, or may have, something to send. */
  wake(channel: Channel): void;
  takenOver(channel: Channel): void;
  /** Nothing of the channel is wanted any more. */
  drop(channel: Channel): void;
}

/** One socket on one WebSocket: reads its log as far as the client's window allows. */
export abstract class Channel<Data extends DataPiece = DataPiece> implements TurnTaker {
  protected readonly view: LogView<Data>;
  private acknowledged: number;
  private eofTold = false;
  private over = false;
  private readonly credit: ChannelCredit;
  /** Of what the client has sent and the kernel has not taken: its bytes, and how many sends it is. */
  private outstanding = 0;
  private waiting = 0;

  constructor(
    readonly number: number,
    readonly connection: DataSocket,
    protected readonly log: ReceiveLog<Data>,
    protected readonly options: ChannelOptions,
    protected readonly host: ChannelHost,
  ) {
    const { mode, reader, from } = options;
    const wake = (): void => host.wake(this);
    this.view =
      mode === 'consume'
        ? log.attach(reader, from, wake, () => host.takenOver(this))
        : log.observe(from, wake);
    this.acknowledged = this.view.position;
    this.credit = host.credits.open();
  }

  /** Offset of what goes out next. */
  get position(): number {
    return this.view.position;
  }

  /** More of the client's bytes wait for the kernel than it was allowed to send, or in as many sends of a few bytes. */
  get isOverCredit(): boolean {
    return Math.max(this.outstanding, this.waiting * LEAST_WAITING_BYTES) > this.credit.windowBytes;
  }

  /** Sends the next piece, or tells the end. */
  step(maxBytes: number): number {
    if (this.over || this.log.isDiscarded) return this.finish();
    const piece = this.next(Math.min(maxBytes, QUANTUM_BYTES));
    if (piece === null) return this.tellEnd();
    if (piece.kind !== 'gap') {
      const bytes = this.deliver(piece);
      return bytes === 0 ? 0 : Math.max(bytes, LEAST_COST_BYTES);
    }
    this.host.message('gap', { channel: this.number, from: piece.from, to: piece.to });
    return LEAST_COST_BYTES;
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
    this.passed(offset);
    this.host.wake(this);
  }

  /** What a frame of the client holds. `failed` is called for what the kernel does not take. */
  abstract send(payload: Buffer, failed: Failed, freed: () => void): void;

  offerCredit(): void {
    this.host.message('credit', { channel: this.number, bytes: this.credit.windowBytes });
  }

  /** The client has sent `bytes` that wait nowhere any more, taken or not. */
  returnCredit(bytes: number): void {
    const more = this.over ? 0 : this.credit.free(bytes);
    if (more > 0) this.host.message('credit', { channel: this.number, bytes: more });
  }

  detach(): void {
    this.over = true;
    this.view.detach();
    this.settleCredit();
  }

  /** The next piece, of at most `maxBytes` and as the client's window allows; a gap takes no room. */
  protected abstract next(maxBytes: number): Data | GapPiece | null;

  /** Sends it out. Answers how many bytes of it went; 0: more must come first. */
  protected abstract deliver(piece: Data): number;

  /** The client has dealt with everything before `offset`. */
  protected abstract passed(offset: number): void;

  /** `bytes` of a frame wait for the kernel until `sent` is called. */
  protected waitingFor(bytes: number, failed: Failed, freed: () => void): WaitingSend {
    this.outstanding += bytes;
    this.waiting += 1;
    const send: WaitingSend = {
      bytes,
      sent: (error, bytesSent) => {
        this.outstanding -= send.bytes;
        this.waiting -= 1;
        if (error !== null)
          failed(new SocketError(error.code, error.message, { ...error.details, bytesSent }));
        this.returnCredit(send.bytes);
        this.settleCredit();
        freed();
      },
    };
    return send;
  }

  /** `bytes` of another frame wait with `send`, as a part of it. */
  protected joined(send: WaitingSend, bytes: number): void {
    this.outstanding += bytes;
    send.bytes += bytes;
  }

  /** At the head: says that the stream is over, and how the socket ended, once all is out. */
  private tellEnd(): number {
    if (!this.view.atHead) return 0;
    const { eofOffset } = this.connection;
    if (eofOffset !== null && !this.eofTold) {
      this.eofTold = true;
      this.host.message('eof', { channel: this.number, offset: eofOffset });
    }
    return this.finish();
  }

  /** Once the socket is closed, and again for each `ack` after that, until the channel can go. */
  private finish(): number {
    // Of a closed socket something can still be on its way into the log.
    if (!this.connection.isClosed || !this.log.isEnded) return 0;
    if (!this.over) this.tellClosed();
    if (this.isSettled) this.host.drop(this);
    return 0;
  }

  private tellClosed(): void {
    this.over = true;
    const { closeReason } = this.connection;
    const reason = closeReason === null ? 'api' : closeReasonDto(closeReason);
    this.host.message('closed', { channel: this.number, offset: this.log.headOffset, reason });
  }

  /** The client has dealt with everything. */
  private get isSettled(): boolean {
    const { log, view } = this;
    return !(view instanceof LogReader) || this.acknowledged >= log.headOffset || log.isDiscarded;
  }

  /** What waits for the kernel outlives the channel, and so does its share of the budget. */
  private settleCredit(): void {
    if (this.over && this.outstanding === 0) this.credit.close();
  }
}
