/** A message, or a part of one, that is not what RFC 1035 says. */
export class MalformedMessage extends Error {}

/** The labels of a name, each as its bytes; none for the root. */
export type Labels = readonly Buffer[];

const MAX_NAME_BYTES = 255;
/** As many as a name of 255 bytes can have; a pointer can stand behind each. */
const MAX_LABELS = 127;
const MAX_POINTERS = MAX_LABELS;

/**
 * How long the names and lists of one message may be in all. By pointers and bitmaps 64 KiB can become megabytes of
 * text; what a server has to say in earnest is far below.
 */
const MAX_WRITTEN_BYTES = 4 * 65_535;

/** Of one message, whichever of its readers meets a name. */
class Written {
  private bytes = 0;

  add(bytes: number): void {
    this.bytes += bytes;
    if (this.bytes > MAX_WRITTEN_BYTES) throw new MalformedMessage('has names without measure');
  }
}

/** Reads a message from one place to another, never beyond. Throws MalformedMessage. */
export class WireReader {
  constructor(
    private readonly message: Buffer,
    private at = 0,
    private readonly end = message.length,
    private readonly written = new Written(),
  ) {}

  get isAtEnd(): boolean {
    return this.at === this.end;
  }

  u8(): number {
    return this.message.readUInt8(this.pass(1));
  }

  u16(): number {
    return this.message.readUInt16BE(this.pass(2));
  }

  u32(): number {
    return this.message.readUInt32BE(this.pass(4));
  }

  bytes(count: number): Buffer {
    const from = this.pass(count);
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
    const from = this.pass(count);
    return new WireReader(this.message, from, this.at, this.written);
  }

  /** RFC 1035, 4.1.4. */
  name(): Labels {
    const labels: Buffer[] = [];
    let target = this.labels(labels, this.at);
    // A pointer leads backwards only, so that no name goes round and round.
    for (let pointers = 1; target !== null; pointers += 1) {
      if (pointers > MAX_POINTERS) throw new MalformedMessage('has a pointer that leads nowhere');
      target = new WireReader(this.message, target, this.message.length, this.written).labels(labels, target);
    }
    const bytes = labels.reduce((sum, label) => sum + label.length + 1, 1);
    if (bytes > MAX_NAME_BYTES) throw new MalformedMessage('has a name of more than 255 bytes');
    this.written.add(bytes);
    return labels;
  }

  /** An item of a list is to be written that takes fewer bytes here than there. */
  willWrite(bytes: number): void {
    this.written.add(bytes);
  }

  /** Reads labels up to the end of the name (null), or to a pointer: where that leads, which is before `start`. */
  private labels(into: Buffer[], start: number): number | null {
    for (let length = this.u8(); length !== 0; length = this.u8()) {
      if (length >= 0xc0) {
        const target = ((length & 0x3f) << 8) | this.u8();
        if (target >= start) throw new MalformedMessage('has a pointer that leads nowhere');
        return target;
      }
      if (length > 63) throw new MalformedMessage('has a label of an unknown kind');
      if (into.length === MAX_LABELS) throw new MalformedMessage('has a name of more than 255 bytes');
      into.push(this.bytes(length));
    }
    return null;
  }

  /** Where the next `count` bytes begin, which are behind it then. */
  private pass(count: number): number {
    const from = this.at;
    if (from + count > this.end) throw new MalformedMessage('ends too early');
    this.at += count;
    return from;
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
