import iconv from 'iconv-lite';
import { isWellFormed, REPLACEMENT, type Charset, type Decoded } from './charset.js';

/** A charset of one, two or three bytes a character, from a table that holds no U+FFFD itself. */
export function tableCharset(name: string): Charset {
  const decode = (bytes: Buffer, last: boolean): Decoded => {
    const decoder = iconv.getDecoder(name);
    const whole = decoder.write(bytes);
    // The bytes of an unfinished character come out of `end` as one character each.
    const unfinished = decoder.end() ?? '';
    const data = last ? whole + unfinished : whole;
    return {
      data,
      bytes: last ? bytes.length : bytes.length - unfinished.length,
      lossy: data.includes(REPLACEMENT),
    };
  };
  return { encode: (data) => carried(data, iconv.encode(data, name), decode), decode };
}

/**
 * GB 18030. The library takes each four bytes of the right form for a character; those that are assigned
 * none are told apart here. U+FFFD has bytes of its own and is no loss.
 */
export const GB18030: Charset = {
  encode: (data) => carried(data, iconv.encode(data, 'gb18030'), decodeGb18030),
  decode: decodeGb18030,
};

/** UTF-7 and its kin: a letter is itself or part of a number, which the bytes before it decide (RFC 2152). */
export function sendOnly(name: string): Charset {
  return { encode: (data) => (isWellFormed(data) ? iconv.encode(data, name) : null), decode: null };
}

/** The bytes if they say the same text again: the library writes `?` or the like for what it cannot carry. */
function carried(
  data: string,
  bytes: Buffer,
  decode: (bytes: Buffer, last: boolean) => Decoded,
): Buffer | null {
  const again = decode(bytes, true);
  return !again.lossy && again.data === data ? bytes : null;
}

const GB_REPLACEMENT = Buffer.from([0x84, 0x31, 0xa4, 0x37]);

function decodeGb18030(bytes: Buffer, last: boolean): Decoded {
  const { assigned, whole, valid } = walkGb18030(bytes);
  if (last) {
    const unfinished = whole < bytes.length;
    return { data: iconv.decode(assigned, 'gb18030'), bytes: bytes.length, lossy: !valid || unfinished };
  }
  return { data: iconv.decode(assigned.subarray(0, whole), 'gb18030'), bytes: whole, lossy: !valid };
}

/** The bytes with U+FFFD for each four that are no character, and how many of them are whole characters. */
function walkGb18030(bytes: Buffer): { assigned: Buffer; whole: number; valid: boolean } {
  let assigned = bytes;
  let valid = true;
  let at = 0;
  while (at < bytes.length) {
    const length = lengthAt(bytes, at);
    if (length === null) break;
    if (length === 0) valid = false;
    if (length === 4 && !isAssigned(bytes, at)) {
      valid = false;
      if (assigned === bytes) assigned = Buffer.from(bytes);
      GB_REPLACEMENT.copy(assigned, at);
    }
    at += Math.max(1, length);
  }
  return { assigned, whole: at, valid };
}

const isLead = (byte: number): boolean => byte >= 0x81 && byte <= 0xfe;
const isDigit = (byte: number): boolean => byte >= 0x30 && byte <= 0x39;

/** How many bytes the character there takes; 0: the first byte begins none; null: its end has not come. */
function lengthAt(bytes: Buffer, at: number): 0 | 1 | 2 | 4 | null {
  const [first = 0, second, third, fourth] = [bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]];
  if (first <= 0x80) return 1;
  if (!isLead(first)) return 0;
  if (second === undefined) return null;
  if (!isDigit(second)) return second >= 0x40 && second !== 0x7f && second !== 0xff ? 2 : 0;
  if (third === undefined) return null;
  if (!isLead(third)) return 0;
  if (fourth === undefined) return null;
  return isDigit(fourth) ? 4 : 0;
}

/** Four-byte codes run through the Basic Multilingual Plane, pause, and run through the others. */
function isAssigned(bytes: Buffer, at: number): boolean {
  const code = bytes.readUInt32BE(at);
  return code <= 0x8431a439 || (code >= 0x90308130 && code <= 0xe3329a35);
}
