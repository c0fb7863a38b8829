import { lengthAfter, tooLarge, type Delimited, type Framing, type LengthPrefixed } from './framing.js';

/**
 * Looks for the end of one message after the other. Give it the bytes of the stream in order: it answers how
 * many of them belong to the message that ends in them, or null when it took all of them and the message goes
 * on. After an end it goes on with the bytes behind it. EMSGSIZE when a message is too large, however its
 * bytes came; EBADMSG when a length cannot be.
 */
export type FrameScanner = (bytes: Buffer) => number | null;

/**
 * It keeps no message, only where it is in one. A message that is bounded by silence ends when who uses it
 * says so, with a new scanner.
 */
export function frameScanner(framing: Framing): FrameScanner {
  switch (framing.type) {
    case 'none':
      return ({ length }) => Math.min(length, framing.maxBytes);
    case 'delimiter':
      return delimited(framing);
    case 'length-prefix':
      return lengthPrefixed(framing);
    case 'fixed':
      return fixed(framing.bytes);
    case 'idle':
      return untilIdle(framing.maxBytes);
  }
}

const NOTHING = Buffer.alloc(0);

function delimited({ delimiter, maxBytes }: Delimited): FrameScanner {
  let seen = 0;
  /** The last bytes seen, fewer than the delimiter has: it may have begun in them. */
  let tail: Buffer = NOTHING;
  return (bytes) => {
    const end = endOfFirst(delimiter, tail, bytes);
    const size = seen + (end ?? bytes.length);
    // A message that goes on has its delimiter to come: both ways of being too large are the same one.
    if (size > maxBytes + delimiter.length - (end === null ? 1 : 0))
      throw tooLarge(`a message has no delimiter within ${String(maxBytes)} bytes`);
    seen = end === null ? size : 0;
    tail = end === null ? lastOf(tail, bytes, delimiter.length - 1) : NOTHING;
    return end;
  };
}

/** Where in `bytes` the first delimiter ends that begins in them, or in `tail` before them. */
function endOfFirst(delimiter: Buffer, tail: Buffer, bytes: Buffer): number | null {
  if (tail.length > 0) {
    const seam = Buffer.concat([tail, bytes.subarray(0, delimiter.length - 1)]);
    const at = seam.indexOf(delimiter);
    if (at >= 0) return at + delimiter.length - tail.length;
  }
  const at = bytes.indexOf(delimiter);
  return at < 0 ? null : at + delimiter.length;
}

function lastOf(tail: Buffer, bytes: Buffer, count: number): Buffer {
  if (count === 0) return NOTHING;
  // A copy: the memory of a read is used again.
  if (bytes.length >= count) return Buffer.from(bytes.subarray(bytes.length - count));
  const both = Buffer.concat([tail, bytes]);
  return both.subarray(Math.max(0, both.length - count));
}

function lengthPrefixed(framing: LengthPrefixed): FrameScanner {
  const header = Buffer.alloc(framing.offset + framing.lengthBytes);
  let headerBytes = 0;
  let missing = 0;
  return (bytes) => {
    let at = 0;
    if (headerBytes < header.length) {
      at = bytes.copy(header, headerBytes);
      headerBytes += at;
      if (headerBytes < header.length) return null;
      missing = lengthAfter(framing, header);
    }
    const end = at + missing;
    if (bytes.length < end) {
      missing = end - bytes.length;
      return null;
    }
    headerBytes = 0;
    return end;
  };
}

function fixed(size: number): FrameScanner {
  let missing = size;
  return ({ length }) => {
    if (length < missing) {
      missing -= length;
      return null;
    }
    const end = missing;
    missing = size;
    return end;
  };
}

function untilIdle(maxBytes: number): FrameScanner {
  let seen = 0;
  return ({ length }) => {
    seen += length;
    if (seen > maxBytes) throw tooLarge(`more than ${String(maxBytes)} bytes came without a pause`);
    return null;
  };
}
