const SMALLEST_CAPACITY = 16;
/** An index that was once larger gives its memory back when it is empty. */
const KEPT_CAPACITY = 1024;

/** Memory that one entry takes. */
export const INDEX_ENTRY_BYTES = 20;

/**
 * Which datagrams a log holds, oldest first, and where their records begin. A ring of numbers: no
 * object for a datagram. Entries are counted from 0, the oldest.
 */
export class DatagramIndex {
  private sequences = new Float64Array(SMALLEST_CAPACITY);
  private positions = new Float64Array(SMALLEST_CAPACITY);
  private payloads = new Uint32Array(SMALLEST_CAPACITY);
  private first = 0;
  private size = 0;

  get count(): number {
    return this.size;
  }

  sequence(entry: number): number {
    return this.sequences[this.slot(entry)] as number;
  }

  /** Offset of its record in the window of records. */
  position(entry: number): number {
    return this.positions[this.slot(entry)] as number;
  }

  payloadBytes(entry: number): number {
    return this.payloads[this.slot(entry)] as number;
  }

  push(sequence: number, position: number, payloadBytes: number): void {
    if (this.size === this.sequences.length) this.resize(this.size * 2);
    const slot = this.slot(this.size);
    this.sequences[slot] = sequence;
    this.positions[slot] = position;
    this.payloads[slot] = payloadBytes;
    this.size += 1;
  }

  /** The first `entries` go; there must be so many. */
  dropOldest(entries: number): void {
    this.first = this.slot(entries);
    this.size -= entries;
    if (this.size === 0 && this.sequences.length > KEPT_CAPACITY) this.resize(SMALLEST_CAPACITY);
  }

  /** The first entry whose sequence number is at least `sequence`; `count` when there is none. */
  find(sequence: number): number {
    let low = 0;
    let high = this.size;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.sequence(middle) < sequence) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  private slot(entry: number): number {
    return (this.first + entry) & (this.sequences.length - 1);
  }

  private resize(capacity: number): void {
    const order = Array.from({ length: this.size }, (_, entry) => this.slot(entry));
    const { sequences, positions, payloads } = this;
    this.sequences = new Float64Array(capacity);
    this.positions = new Float64Array(capacity);
    this.payloads = new Uint32Array(capacity);
    order.forEach((slot, entry) => {
      this.sequences[entry] = sequences[slot] as number;
      this.positions[entry] = positions[slot] as number;
      this.payloads[entry] = payloads[slot] as number;
    });
    this.first = 0;
  }
}
