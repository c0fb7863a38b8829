import type { DatagramLog, ReceivedDatagram } from '../datagram/datagram-log.js';
import type { Endpoint } from '../endpoint.js';
import { frameScanner, type FrameScanner } from '../framing/frame-scanner.js';
import { largestFrame, payloadOf } from '../framing/framing.js';
import { readWhole, type BytesPiece, type DatagramsPiece, type LogView } from '../receive/log-view.js';
import { gone } from '../receive/read.js';
import { decodeWithin } from '../text/payload.js';
import type { Script } from './script.js';

/** What is looked at in one go. */
const PIECE_BYTES = 64 * 1024;

/** No character is longer, in any charset. */
const CHARACTER_BYTES = 8;

/** One message as it came. */
export interface Incoming {
  payload: Buffer;
  /** Where it stands in the log: with its delimiter or length, or its number. */
  offset: number;
  nextOffset: number;
  /** Of a datagram: its sender. */
  from: Endpoint | null;
}

/** Messages out of the bytes of a stream. They stay in the log until they are whole; only where each begins is kept. */
export class StreamInbox {
  private scan: FrameScanner;
  private start: number;
  private lastByteAt: number;

  constructor(
    private readonly view: LogView<BytesPiece>,
    private readonly script: Script,
    private readonly now: () => number,
  ) {
    this.scan = frameScanner(script.framing);
    this.start = view.position;
    this.lastByteAt = now();
  }

  /** Null: none is whole. EMSGSIZE, EBADMSG as the scanner; OFFSET_GONE when a part of it is gone. */
  next(): Incoming | null {
    for (;;) {
      const piece = this.view.read(PIECE_BYTES);
      if (piece === null) return null;
      if (piece.kind === 'gap') throw gone(piece);
      this.lastByteAt = this.now();
      const used = this.scan(piece.bytes);
      const message = used === null ? null : this.take(piece.offset + used, piece);
      if (message !== null) return message;
    }
  }

  /** How long until silence ends the message; undefined: it does not. */
  get patienceMs(): number | undefined {
    const { framing } = this.script;
    if (framing.type !== 'idle' || this.view.position === this.start) return undefined;
    return Math.max(0, this.lastByteAt + framing.idleMs - this.now());
  }

  /** What is there of a message that nothing more comes of: a last line. Null where the end belongs to a message. */
  rest(): Incoming | null {
    const { framing } = this.script;
    this.scan = frameScanner(framing);
    const end = this.view.position;
    if (end === this.start || framing.type === 'length-prefix' || framing.type === 'fixed') return null;
    return this.message(this.between(this.start, end), end);
  }

  /** The message that ends at `end`, in `piece`; with characters that are not whole, without them. */
  private take(end: number, piece: BytesPiece): Incoming | null {
    const isInPiece = this.start >= piece.offset;
    const frame = isInPiece
      ? piece.bytes.subarray(this.start - piece.offset, end - piece.offset)
      : this.between(this.start, end);
    this.view.position = end;
    if (!this.script.wholeCharacters) return this.message(frame, end);
    const most = largestFrame(this.script.framing);
    const cut = frame.subarray(0, most);
    const { bytes } = decodeWithin(Math.min(CHARACTER_BYTES, most), cut, this.script.encoding, false);
    if (bytes === 0) return null;
    this.view.position = this.start + bytes;
    return this.message(frame.subarray(0, bytes), this.view.position);
  }

  private message(frame: Buffer, nextOffset: number): Incoming {
    const offset = this.start;
    this.start = nextOffset;
    return { payload: payloadOf(this.script.framing, frame), offset, nextOffset, from: null };
  }

  private between(from: number, to: number): Buffer {
    this.view.position = from;
    const piece = readWhole(this.view, to - from);
    if (piece?.kind === 'gap') throw gone(piece);
    return piece?.bytes ?? Buffer.alloc(0);
  }
}

/** Messages that have bounds of their own. What was dropped before it could be answered is passed over. */
export class DatagramInbox {
  private current: Iterator<ReceivedDatagram> | null = null;
  readonly patienceMs = undefined;

  constructor(
    private readonly view: LogView<DatagramsPiece>,
    private readonly log: DatagramLog,
  ) {}

  next(): Incoming | null {
    for (;;) {
      const result = this.current?.next();
      if (result !== undefined && result.done !== true) {
        const { payload, sequence, from } = result.value;
        return { payload, offset: sequence, nextOffset: sequence + 1, from };
      }
      const piece = this.view.read(PIECE_BYTES);
      if (piece === null) return null;
      this.current = piece.kind === 'gap' ? null : this.log.datagramsOf(piece);
    }
  }

  /** A message that was cut short does not come at all. */
  rest(): null {
    return null;
  }
}
