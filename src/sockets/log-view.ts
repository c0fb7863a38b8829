/** Bytes that are not there any more: from `from` up to, not including, `to`. */
export interface Gap {
  from: number;
  to: number;
}

/** What a reader gets next: bytes that lie together in memory, or a hole with its exact bounds. */
export type Piece = BytesPiece | ({ kind: 'gap' } & Gap);

export interface BytesPiece {
  kind: 'bytes';
  offset: number;
  bytes: Buffer;
  /**
   * Call `release` once when `bytes` will not be looked at again, so that their memory can be used
   * again. Without the call they stay what they are, for as long as somebody holds them.
   */
  memory: { release(): void };
}

/** Of bytes that were copied out of the window. */
const COPIED = { release: (): void => undefined };

/** What a view needs of the log it looks at. */
interface ViewedLog {
  readonly headOffset: number;
  peek(offset: number, maxBytes: number): Piece | null;
  detach(view: LogView): void;
  commitAs(reader: LogReader, offset: number): void;
}

/** One look at the log: a position that moves on as it is read. It holds nobody back. */
export class LogView {
  constructor(
    protected readonly log: ViewedLog,
    /** Offset of the next byte this view will get. */
    public position: number,
    /** Called when there is something new: bytes, the end, or a change that its owner should see. */
    readonly wake: () => void,
  ) {}

  /** The next bytes, at most `maxBytes`, or the gap in front of them; null at the head. */
  read(maxBytes: number): Piece | null {
    const piece = this.log.peek(this.position, maxBytes);
    if (piece !== null) this.position = piece.kind === 'gap' ? piece.to : piece.offset + piece.bytes.length;
    return piece;
  }

  /** As `read`, but whole: bytes that do not lie together in memory are copied into one piece. */
  readWhole(maxBytes: number): Piece | null {
    const first = this.read(maxBytes);
    if (first?.kind !== 'bytes') return first;
    const parts = [first];
    for (let size = first.bytes.length; size < maxBytes && !this.atHead;) {
      const next = this.read(maxBytes - size);
      if (next?.kind !== 'bytes') break;
      parts.push(next);
      size += next.bytes.length;
    }
    if (parts.length === 1) return first;
    const bytes = Buffer.concat(parts.map((part) => part.bytes));
    for (const { memory } of parts) memory.release();
    return { ...first, bytes, memory: COPIED };
  }

  get atHead(): boolean {
    return this.position >= this.log.headOffset;
  }

  detach(): void {
    this.log.detach(this);
  }
}

/** A consuming reader in use: what it has not committed stays in the log. */
export class LogReader extends LogView {
  constructor(
    log: ViewedLog,
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
}
