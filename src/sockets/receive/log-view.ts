import { COPIED, PinnedBytes, type Memory } from './pinned-bytes.js';

/** What is not there any more: from offset `from` up to, not including, `to`. */
export interface Gap {
  from: number;
  to: number;
}

export type GapPiece = { kind: 'gap' } & Gap;

/** What a reader gets of a log, by the log's kind: data that lies together in memory. */
export type DataPiece = BytesPiece | DatagramsPiece;

/** Bytes of a stream. */
export interface BytesPiece {
  kind: 'bytes';
  offset: number;
  nextOffset: number;
  bytes: Buffer;
  memory: Memory;
}

/** Datagrams whose sequence numbers follow each other: `offset` is the first one's. */
export interface DatagramsPiece {
  kind: 'datagrams';
  offset: number;
  nextOffset: number;
  /** One record after the other; datagram-record.ts reads them. */
  records: Buffer;
  /** Sum of the payloads. */
  payloadBytes: number;
  memory: Memory;
}

/** What a view needs of the log it looks at. */
interface ViewedLog<Data extends DataPiece> {
  readonly headOffset: number;
  peek(offset: number, maxBytes: number): Data | GapPiece | null;
  detach(view: LogView<Data>): void;
  commitAs(reader: LogReader<Data>, offset: number): void;
  retire(reader: LogReader<Data>): void;
}

/** One look at the log: a position that moves on as it is read. It holds nobody back. */
export class LogView<Data extends DataPiece = DataPiece> {
  constructor(
    protected readonly log: ViewedLog<Data>,
    /** Offset that this view will get next. */
    public position: number,
    /** Called when there is something new: data, the end, or a change that its owner should see. */
    readonly wake: () => void,
  ) {}

  /** What comes next, of at most `maxBytes`, or the gap in front of it; null at the head. */
  read(maxBytes: number): Data | GapPiece | null {
    const piece = this.log.peek(this.position, maxBytes);
    if (piece !== null) this.position = piece.kind === 'gap' ? piece.to : piece.nextOffset;
    return piece;
  }

  get atHead(): boolean {
    return this.position >= this.log.headOffset;
  }

  detach(): void {
    this.log.detach(this);
  }
}

/** A consuming reader in use: what it has not committed stays in the log. */
export class LogReader<Data extends DataPiece = DataPiece> extends LogView<Data> {
  constructor(
    log: ViewedLog<Data>,
    position: number,
    wake: () => void,
    readonly name: string,
    readonly onTakenOver: () => void,
  ) {
    super(log, position, wake);
  }

  /** Everything before `offset` may go. An older offset than the last one changes nothing. */
  commit(offset: number): void {
    this.log.commitAs(this, offset);
  }

  /** The reader, and its claim on what it has not committed, are no more. */
  retire(): void {
    this.log.retire(this);
  }
}

/** As `view.read`, but whole: bytes that do not lie together in memory are copied into one piece. */
export function readWhole(view: LogView<BytesPiece>, maxBytes: number): BytesPiece | GapPiece | null {
  const first = view.read(maxBytes);
  if (first?.kind !== 'bytes') return first;
  const parts = [first];
  for (let size = first.bytes.length; size < maxBytes && !view.atHead;) {
    const next = view.read(maxBytes - size);
    if (next?.kind !== 'bytes') break;
    parts.push(next);
    size += next.bytes.length;
  }
  if (parts.length === 1) return first;
  const pinned = new PinnedBytes(parts);
  const bytes = pinned.joined();
  pinned.release();
  return { ...first, bytes, nextOffset: view.position, memory: COPIED };
}
