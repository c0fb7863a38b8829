/** A message, or a part of one, that is not what RFC 1035 says. */
export class MalformedMessage extends Error {}

/** The labels of a name, each as its bytes; none for the root. */
export type Labels = readonly Buffer[];

const MAX_NAME_BYTES = 255;
/** A name of 255 bytes has at most 127 labels, and a pointer can stand behind each. */
const MAX_POINTERS = 127;

/** Reads a message from one place to another, never beyond. Throws MalformedMessage. */
export class WireReader {
  constructor(
    private readonly message: Buffer,
    private at = 0,
    private readonly end = message.length,
  ) {}

  get isAtEnd(): boolean {
    return this.at === this.end;
  }

  u8(): number {
    return this.bytes(1).readUInt8(0);
  }

  u16(): number {
    return this.bytes(2).readUInt16BE(0);
  }

  u32(): number {
    return this.bytes(4).readUInt32BE(0);
  }

  bytes(count: number): Buffer {
    const from = this.at;
    if (from + count > this.end) throw new MalformedMessage('ends too early');
    this.at += count;
    return this.message.subarray(from, this.at);
  }

  rest(): Buffer {
    return this.bytes(this.end - this.at);
  }

  /** A character string: its length in one byte, RFC 1035, 3.3. */
  string(): Buffer {
    return this.bytes(this.u8());
  }

  /** The next `count` bytes by themselves; a name in them can still point before them. */
  part(count: number): WireReader {
    const from = this.at;
    this.bytes(count);
    return new WireReader(this.message, from, this.at);
  }

  /** RFC 1035, 4.1.4. Pointers lead backwards only, so no name has an end. */
  name(): Labels {
    const labels: Buffer[] = [];
    let bytes = 1;
    let pointers = 0;
    let lowest = this.at;
    let reader = new WireReader(this.message, this.at, this.end);
    for (;;) {
      const length = reader.u8();
      if (pointers === 0) this.at = reader.at;
      if (length === 0) return labels;
      if (length >= 0xc0) {
        const target = ((length & 0x3f) << 8) | reader.u8();
        if (pointers === 0) this.at = reader.at;
        pointers += 1;
        if (target >= lowest || pointers > MAX_POINTERS)
          throw new MalformedMessage('has a pointer that leads nowhere');
        lowest = target;
        reader = new WireReader(this.message, target);
        continue;
      }
      if (length > 63) throw new MalformedMessage('has a label of an unknown kind');
      bytes += length + 1;
      if (bytes > MAX_NAME_BYTES) throw new MalformedMessage('has a name of more than 255 bytes');
      labels.push(reader.bytes(length));
      if (pointers === 0) this.at = reader.at;
    }
  }
}

/** A checked name of A-labels as it goes over the wire, without compression. */
export function encodeName(name: string): Buffer {
  const labels = name === '.' ? [] : name.split('.');
  return Buffer.concat([
    ...labels.map((label) => Buffer.from(`${String.fromCharCode(label.length)}${label}`)),
    Buffer.of(0),
  ]);
}
