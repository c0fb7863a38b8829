import { ByteWindow } from '../receive/byte-window.js';
import { DatagramIndex, INDEX_ENTRY_BYTES } from './datagram-index.js';
import {
  readRecord,
  RECORD_HEADER_BYTES,
  recordSize,
  writeRecord,
  type Arrival,
  type DatagramRecord,
} from './datagram-record.js';
import type { Endpoint } from '../endpoint.js';
import { BUDGET_RESERVE_BYTES } from '../limits.js';
import type { DatagramsPiece, GapPiece } from '../receive/log-view.js';
import type { EchoReply, IcmpEcho } from './icmp-echo.js';
import { addressText } from '../native/sockaddr.js';
import type { ReceiveBudget } from '../receive/receive-budget.js';
import { ReceiveLog, type ReceiveLogOptions } from '../receive/receive-log.js';

/** What goes when the window is full: a sender of datagrams cannot be slowed. */
export type DatagramOverflow = 'drop-oldest' | 'drop-newest';

export interface DatagramLogOptions extends ReceiveLogOptions {
  overflow: DatagramOverflow;
  /** Senders are files of Unix sockets, not addresses. */
  unix: boolean;
  /** Of an ICMP socket: what a datagram replies to. */
  echo: IcmpEcho | null;
}

/** A datagram as its reader sees it; the payload lies in the window. */
export interface ReceivedDatagram {
  sequence: number;
  timeMicros: number;
  from: Endpoint;
  payload: Buffer;
  echo: EchoReply | null;
}

/** Datagrams that some consuming reader never gets. */
export interface DroppedDatagrams {
  /** By a full window, and their payloads. */
  window: number;
  windowBytes: number;
  /** By the kernel, whose receive buffer was full; it does not say how many bytes. */
  kernel: number;
}

/**
 * The datagrams one socket received. An offset is a sequence number; what is dropped, here or by the
 * kernel, has numbers too, so that each hole is told with its exact bounds. The window counts what a
 * datagram takes in memory: its payload, its sender's address and a fixed part, so that empty ones are
 * bounded as well. It always has room for one, however large.
 */
export class DatagramLog extends ReceiveLog<DatagramsPiece> {
  private readonly window = new ByteWindow();
  private readonly index = new DatagramIndex();
  private readonly overflow: DatagramOverflow;
  private readonly unix: boolean;
  private readonly echo: IcmpEcho | null;
  private head = 0;
  private received = 0;
  readonly dropped: DroppedDatagrams = { window: 0, windowBytes: 0, kernel: 0 };

  constructor(options: DatagramLogOptions, budget: ReceiveBudget) {
    super(options, budget);
    this.overflow = options.overflow;
    this.unix = options.unix;
    this.echo = options.echo;
  }

  get headOffset(): number {
    return this.head;
  }

  get earliestOffset(): number {
    return this.index.count === 0 ? this.head : this.index.sequence(0);
  }

  get receivedBytes(): number {
    return this.received;
  }

  get droppedBytes(): number {
    return this.dropped.windowBytes;
  }

  /** Takes a datagram in, or drops it. After the last one of a batch, call `wakeAll`. */
  append(arrival: Arrival): void {
    const size = recordSize(arrival);
    const payloadBytes = arrival.end - arrival.start;
    if (this.overflow === 'drop-newest' && !this.makeRoom(size + INDEX_ENTRY_BYTES))
      return this.refuse(payloadBytes);
    const { memory, used } = this.window.together(size);
    writeRecord(memory, used, arrival);
    this.index.push(this.head, this.window.headOffset, payloadBytes);
    this.window.append(size);
    this.budget.change(size + INDEX_ENTRY_BYTES);
    this.received += payloadBytes;
    this.head += 1;
    this.shed();
  }

  /** Whether a message of that length, of a sender without a name, has room beside what some reader has not had. */
  hasRoomFor(payloadBytes: number): boolean {
    return this.makeRoom(RECORD_HEADER_BYTES + payloadBytes + INDEX_ENTRY_BYTES);
  }

  /** A datagram came that cannot be kept: it is dropped as by a full window. */
  refuse(payloadBytes: number): void {
    this.received += payloadBytes;
    this.noteDropped(this.head, payloadBytes);
    this.head += 1;
  }

  /** The kernel dropped `count` datagrams before the next one. */
  missed(count: number): void {
    const from = this.head;
    this.head += count;
    this.dropped.kernel += count;
    this.options.onDropped({ from, to: this.head, dropped: count });
  }

  /** The datagrams of a piece, one after the other. */
  *datagramsOf({ offset, records }: DatagramsPiece): Generator<ReceivedDatagram> {
    let sequence = offset;
    for (let at = 0; at < records.length; sequence += 1) {
      const record = readRecord(records, at);
      if (record === null) throw new RangeError('a record of the log is cut short');
      const { size, timeMicros, payload } = record;
      const echo = this.echo?.describe(record) ?? null;
      yield { sequence, timeMicros, from: this.sender(record), payload, echo };
      at += size;
    }
  }

  private sender({ address, port }: DatagramRecord): Endpoint {
    if (this.unix) return { family: 'unix', path: address.toString() };
    return {
      address: addressText(address),
      port: this.echo === null ? port : 0,
      family: address.length === 4 ? 'ipv4' : 'ipv6',
    };
  }

  /** Datagrams from `offset` on whose payloads are at most `maxBytes` in sum; one at least. */
  protected override held(offset: number, maxBytes: number): DatagramsPiece | GapPiece {
    const { index } = this;
    const first = index.find(offset);
    if (first === index.count) return { kind: 'gap', from: offset, to: this.head };
    if (index.sequence(first) !== offset) return { kind: 'gap', from: offset, to: index.sequence(first) };
    const start = index.position(first);
    const { bytes, memory } = this.window.read(start, Infinity);
    let next = first + 1;
    let payloadBytes = index.payloadBytes(first);
    while (index.count > next && index.sequence(next) === offset + next - first) {
      const more = index.payloadBytes(next);
      if (payloadBytes + more > maxBytes || this.endOf(next) - start > bytes.length) break;
      payloadBytes += more;
      next += 1;
    }
    const records = bytes.subarray(0, this.endOf(next - 1) - start);
    return { kind: 'datagrams', offset, nextOffset: offset + next - first, records, payloadBytes, memory };
  }

  protected override forget(offset: number): void {
    this.dropOldest(this.index.find(offset));
  }

  protected override heldFrom(offset: number): number {
    return this.index.count - this.index.find(offset);
  }

  /** Bytes that the window counts. */
  private get heldBytes(): number {
    return this.window.heldBytes + this.index.count * INDEX_ENTRY_BYTES;
  }

  /** Under pressure on the whole process a log gives way to its reserve. */
  private get limitBytes(): number {
    if (this.budget.exhausted) this.budget.dropHistory();
    return this.budget.exhausted ? Math.min(BUDGET_RESERVE_BYTES, this.windowBytes) : this.windowBytes;
  }

  /** History goes for a new datagram; what some reader has not committed does not. */
  private makeRoom(bytes: number): boolean {
    const limit = this.limitBytes;
    const committed = this.committedOffset;
    while (this.heldBytes + bytes > limit && this.index.count > 0 && this.index.sequence(0) < committed)
      this.dropOldest(1);
    return this.index.count === 0 || this.heldBytes + bytes <= limit;
  }

  /** Drops the oldest until the window is kept; for `drop-newest` it already is. */
  private shed(): void {
    if (this.overflow === 'drop-newest') return;
    const limit = this.limitBytes;
    while (this.heldBytes > limit && this.index.count > 1) {
      const sequence = this.index.sequence(0);
      if (sequence >= this.committedOffset) this.noteDropped(sequence, this.index.payloadBytes(0));
      this.dropOldest(1);
    }
  }

  private noteDropped(sequence: number, payloadBytes: number): void {
    this.dropped.window += 1;
    this.dropped.windowBytes += payloadBytes;
    this.options.onDropped({ from: sequence, to: sequence + 1, dropped: 1 });
  }

  private dropOldest(entries: number): void {
    if (entries === 0) return;
    const before = this.heldBytes;
    this.window.forget(this.endOf(entries - 1));
    this.index.dropOldest(entries);
    this.budget.change(this.heldBytes - before);
  }

  private endOf(entry: number): number {
    return entry + 1 < this.index.count ? this.index.position(entry + 1) : this.window.headOffset;
  }
}
