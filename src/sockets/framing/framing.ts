import { SocketError } from '../errors.js';

/** Where in a stream of bytes one message ends and the next begins. */
export type Framing = Unframed | Delimited | LengthPrefixed | Fixed | UntilIdle;

/** No bounds: what comes at once, at most `maxBytes` of it, is a message. */
interface Unframed {
  type: 'none';
  maxBytes: number;
}

export interface Delimited {
  type: 'delimiter';
  delimiter: Buffer;
  /** Taken off the end of a message: the carriage return of lines that end in CR LF. Null: nothing. */
  strip: Buffer | null;
  /** Of a message, without its delimiter. */
  maxBytes: number;
}

/** A header of `offset` bytes and a length, then so many bytes. */
export interface LengthPrefixed {
  type: 'length-prefix';
  lengthBytes: 1 | 2 | 4 | 8;
  endian: 'big' | 'little';
  /** Bytes of the message that come before its length. */
  offset: number;
  /** The length counts everything: what is before it, itself, and what follows. Otherwise only what follows. */
  includesHeader: boolean;
  /** Of a message, without its length. */
  maxBytes: number;
}

interface Fixed {
  type: 'fixed';
  bytes: number;
}

/** A message ends where nothing has come for so long. */
interface UntilIdle {
  type: 'idle';
  idleMs: number;
  maxBytes: number;
}

/** The most that a message takes in the stream, delimiter or length included. */
export function largestFrame(framing: Framing): number {
  switch (framing.type) {
    case 'delimiter':
      return framing.maxBytes + framing.delimiter.length;
    case 'length-prefix':
      return framing.maxBytes + framing.lengthBytes;
    case 'fixed':
      return framing.bytes;
    case 'none':
    case 'idle':
      return framing.maxBytes;
  }
}

/** The message in `frame`, without what marks its bounds. A last line may lack its delimiter. */
export function payloadOf(framing: Framing, frame: Buffer): Buffer {
  if (framing.type === 'delimiter') {
    const { delimiter, strip } = framing;
    const line = withoutEnd(frame, delimiter);
    return strip === null || line === frame ? line : withoutEnd(line, strip);
  }
  if (framing.type !== 'length-prefix') return frame;
  const { offset, lengthBytes } = framing;
  const body = frame.subarray(offset + lengthBytes);
  return offset === 0 ? body : Buffer.concat([frame.subarray(0, offset), body]);
}

/** The other way: `payload` with its bounds. EMSGSIZE when it is too long, or too short, for its length to be said. */
export function framed(framing: Framing, payload: Buffer): Buffer {
  if (framing.type === 'delimiter') return Buffer.concat([payload, framing.delimiter]);
  if (framing.type !== 'length-prefix') return payload;
  const { offset, lengthBytes } = framing;
  if (payload.length < offset) throw tooLarge(`${String(payload.length)} bytes are less than the offset`);
  const length = Buffer.alloc(lengthBytes);
  writeLength(framing, length, payload.length + (framing.includesHeader ? lengthBytes : -offset));
  return Buffer.concat([payload.subarray(0, offset), length, payload.subarray(offset)]);
}

/** How many bytes follow the header, by the length in it. EBADMSG, EMSGSIZE. */
export function lengthAfter(framing: LengthPrefixed, header: Buffer): number {
  const { offset, includesHeader, maxBytes } = framing;
  const said = readLength(framing, header.subarray(offset));
  const follows = includesHeader ? said - header.length : said;
  if (follows < 0)
    throw new SocketError('EBADMSG', `a message of ${String(said)} bytes is shorter than its own header`);
  if (offset + follows > maxBytes)
    throw tooLarge(`a message of ${String(said)} bytes, ${String(maxBytes)} at most`);
  return follows;
}

export function tooLarge(detail: string): SocketError {
  return new SocketError('EMSGSIZE', `EMSGSIZE: ${detail}`);
}

function withoutEnd(bytes: Buffer, end: Buffer): Buffer {
  const at = bytes.length - end.length;
  return at >= 0 && bytes.subarray(at).equals(end) ? bytes.subarray(0, at) : bytes;
}

/** What does not fit into a number exactly is larger than any message. */
function readLength({ lengthBytes, endian }: LengthPrefixed, field: Buffer): number {
  if (lengthBytes < 8)
    return endian === 'big' ? field.readUIntBE(0, lengthBytes) : field.readUIntLE(0, lengthBytes);
  return Number(endian === 'big' ? field.readBigUInt64BE() : field.readBigUInt64LE());
}

function writeLength({ lengthBytes, endian }: LengthPrefixed, field: Buffer, length: number): void {
  const value = BigInt(length);
  if (value >= 1n << BigInt(8 * lengthBytes))
    throw tooLarge(`${String(length)} does not fit into ${String(lengthBytes)} bytes`);
  const whole = Buffer.alloc(8);
  if (endian === 'big') whole.writeBigUInt64BE(value);
  else whole.writeBigUInt64LE(value);
  whole.copy(field, 0, endian === 'big' ? 8 - lengthBytes : 0);
}
