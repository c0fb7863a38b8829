import iconv from 'iconv-lite';
import { isWellFormed, REPLACEMENT, toWellFormed, type Charset, type Decoded } from './charset.js';

const REPLACEMENT_CODE = 0xfffd;

/** RFC 3629. */
export const UTF8: Charset = {
  encode: (data) => (isWellFormed(data) ? Buffer.from(data, 'utf8') : null),
  decode(bytes, last) {
    const whole = last ? bytes : bytes.subarray(0, bytes.length - unfinishedBytes(bytes, 0xc2, 0xf4));
    const data = whole.toString('utf8');
    return { data, bytes: whole.length, lossy: saysOtherwise(data, () => Buffer.from(data), whole) };
  },
};

/** UTF-16 without a byte order mark (RFC 2781); half of a surrogate pair waits for the other. */
export function utf16(order: 'little' | 'big'): Charset {
  const ordered = (bytes: Buffer): Buffer => (order === 'big' ? Buffer.from(bytes).swap16() : bytes);
  return {
    encode: (data) => (isWellFormed(data) ? ordered(Buffer.from(data, 'utf16le')) : null),
    decode(bytes, last) {
      const odd = bytes.length % 2;
      const units = ordered(bytes.subarray(0, bytes.length - odd)).toString('utf16le');
      if (!last) return shown(units, units.length - unfinishedUnits(units), 2);
      const { data, lossy } = shown(units, units.length, 2);
      return { data: data + REPLACEMENT.repeat(odd), bytes: bytes.length, lossy: lossy || odd > 0 };
    },
  };
}

/** UTF-32 without a byte order mark: four bytes a character (Unicode, 3.9, D90). */
export function utf32(order: 'little' | 'big'): Charset {
  const charset = order === 'big' ? 'utf-32be' : 'utf-32le';
  return {
    encode: (data) => (isWellFormed(data) ? iconv.encode(data, charset) : null),
    decode(bytes, last) {
      const unfinished = bytes.length % 4;
      const { units, valid } = scalars(bytes.subarray(0, bytes.length - unfinished), order);
      const data = iconv.decode(units, charset, { stripBOM: false });
      if (!last || unfinished === 0) return { data, bytes: units.length, lossy: !valid };
      return { data: data + REPLACEMENT, bytes: bytes.length, lossy: true };
    },
  };
}

/** CESU-8 (Unicode Technical Report 26): each half of a surrogate pair is three bytes of its own. */
export const CESU8: Charset = {
  encode: (data) => (isWellFormed(data) ? iconv.encode(data, 'cesu8') : null),
  decode(bytes, last) {
    // The decoder keeps an unfinished character to itself; what another one interrupts is U+FFFD at once.
    const cut = unfinishedBytes(bytes, 0xc0, 0xef);
    const units = iconv.getDecoder('cesu8', { stripBOM: false }).write(bytes);
    const high = last ? 0 : unfinishedUnits(units);
    const data = toWellFormed(units.slice(0, units.length - high)) + (last && cut > 0 ? REPLACEMENT : '');
    const whole = last ? bytes : bytes.subarray(0, bytes.length - cut - 3 * high);
    return {
      data,
      bytes: whole.length,
      lossy: saysOtherwise(data, () => iconv.encode(data, 'cesu8'), whole),
    };
  },
};

/** U+FFFD in the text is a loss only if the bytes did not say U+FFFD themselves. */
function saysOtherwise(data: string, again: () => Buffer, bytes: Buffer): boolean {
  return data.includes(REPLACEMENT) && !again().equals(bytes);
}

/** The first so many UTF-16 code units, each of which took `bytesEach`. */
function shown(units: string, count: number, bytesEach: number): Decoded {
  const raw = units.slice(0, count);
  const data = toWellFormed(raw);
  return { data, bytes: count * bytesEach, lossy: data !== raw };
}

/** 1 if the last code unit opens a surrogate pair, else 0. */
function unfinishedUnits(units: string): number {
  return (units.charCodeAt(units.length - 1) & 0xfc00) === 0xd800 ? 1 : 0;
}

/** How many bytes at the end belong to a character that is not whole, where leads run from `lowest` to `highest`. */
function unfinishedBytes(bytes: Buffer, lowest: number, highest: number): number {
  for (let back = 1; back <= Math.min(3, bytes.length); back += 1) {
    const byte = bytes[bytes.length - back] ?? 0;
    if ((byte & 0xc0) === 0x80) continue;
    if (byte < lowest || byte > highest) return 0;
    const length = byte >= 0xf0 ? 4 : byte >= 0xe0 ? 3 : 2;
    return length > back ? back : 0;
  }
  return 0;
}

/** The same units with U+FFFD for each that is no Unicode scalar value. */
function scalars(bytes: Buffer, order: 'little' | 'big'): { units: Buffer; valid: boolean } {
  const units = Buffer.from(bytes);
  let valid = true;
  for (let at = 0; at < units.length; at += 4) {
    const code = order === 'big' ? units.readUInt32BE(at) : units.readUInt32LE(at);
    if (code < 0xd800 || (code > 0xdfff && code <= 0x10ffff)) continue;
    valid = false;
    if (order === 'big') units.writeUInt32BE(REPLACEMENT_CODE, at);
    else units.writeUInt32LE(REPLACEMENT_CODE, at);
  }
  return { units, valid };
}
