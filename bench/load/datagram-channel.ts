/*
 * The client's side of a datagram channel of `/v1/stream`: frames of records, each numbered, and gaps where some
 * were dropped.
 */

const FRAME_HEADER_BYTES = 16;
const RECORD_HEADER_BYTES = 16;
const DATAGRAMS = 2;
const ACK_EVERY_BYTES = 256 * 1024;
/** A frame, as large as they come. */
const FRAME_BYTES = 256 * 1024;

/** Puts each frame together and holds the server to it: no datagram twice, none left out without a word. */
export class DatagramDecoder {
  private readonly frame = Buffer.allocUnsafe(FRAME_BYTES);
  private have = 0;
  private unacknowledgedBytes = 0;
  received = 0;
  lost = 0;

  constructor(
    readonly number: number,
    /** Sequence number of the next one. */
    public next: number,
    private readonly onDatagram: (payload: Buffer) => void,
  ) {}

  take(chunk: Buffer, start: number, end: number): void {
    this.have += chunk.copy(this.frame, this.have, start, end);
  }

  gap(from: number, to: number): void {
    this.expect(from);
    this.lost += to - from;
    this.next = to;
  }

  /** Returns what to acknowledge, when it is time for that. */
  endFrame(): { number: number; acked: number } | null {
    const { frame, have } = this;
    this.have = 0;
    if (frame[0] !== DATAGRAMS || frame.readUInt32BE(4) !== this.number)
      throw new Error(`frame of type ${frame[0]}`);
    this.expect(Number(frame.readBigUInt64BE(8)));
    for (let at = FRAME_HEADER_BYTES; at < have;) {
      const payloadAt = at + RECORD_HEADER_BYTES + frame.readUInt8(at + 14);
      const end = payloadAt + frame.readUInt32BE(at);
      this.onDatagram(frame.subarray(payloadAt, end));
      this.received += 1;
      this.next += 1;
      at = end;
    }
    this.unacknowledgedBytes += have;
    if (this.unacknowledgedBytes < ACK_EVERY_BYTES) return null;
    this.unacknowledgedBytes = 0;
    return { number: this.number, acked: this.next };
  }

  private expect(sequence: number): void {
    if (sequence !== this.next) throw new Error(`datagram ${sequence} came, ${this.next} was to come`);
  }
}
