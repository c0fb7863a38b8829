import iconv from 'iconv-lite';
import { GB18030, sendOnly, tableCharset } from './charset-tables.js';
import type { Charset, Decoded } from './charset.js';
import { SocketError } from '../errors.js';
import { CESU8, UTF8, utf16, utf32 } from './unicode.js';

/**
 * `utf8`, `latin1`, `hex`, `base64`, or another charset that iconv-lite knows, under any name that it
 * takes: case and punctuation do not matter, `GB-18030` is `gb18030`.
 */
export type Encoding = string;

/** What every byte can be written in: decoding loses nothing and cuts anywhere. */
function anyByte(encoding: 'latin1' | 'hex' | 'base64', isValid: (data: string) => boolean): Charset {
  return {
    encode: (data) => (isValid(data) ? Buffer.from(data, encoding) : null),
    decode: (bytes) => ({ data: bytes.toString(encoding), bytes: bytes.length, lossy: false }),
  };
}

// A group that repeats would take stack with each turn, and a payload has millions: one class repeats here.
const LATIN1 = anyByte('latin1', (data) => /^[\u0000-\u00FF]*$/.test(data));
const HEX = anyByte('hex', (data) => data.length % 2 === 0 && /^[0-9a-fA-F]*$/.test(data));

/** RFC 4648, 4; the padding may be left out. */
const BASE64 = anyByte('base64', (data) => {
  if (!/^[A-Za-z0-9+/]*={0,2}$/.test(data)) return false;
  return data.endsWith('=') ? data.length % 4 === 0 : data.length % 4 !== 1;
});

/**
 * By the name that iconv-lite keeps them under; all others are tables of its own. `utf16` and `utf32`
 * do not say in which order: little-endian, as the library has it, and without its byte order mark.
 */
const CHARSETS = new Map<string, Charset>([
  ['utf8', UTF8],
  ['iso88591', LATIN1],
  ['binary', LATIN1],
  ['hex', HEX],
  ['base64', BASE64],
  ['ucs2', utf16('little')],
  ['utf16', utf16('little')],
  ['utf16be', utf16('big')],
  ['utf32', utf32('little')],
  ['utf32le', utf32('little')],
  ['utf32be', utf32('big')],
  ['cesu8', CESU8],
  ['gb18030', GB18030],
  ['utf7', sendOnly('utf7')],
  ['utf7imap', sendOnly('utf7imap')],
]);

function charsetOf(encoding: Encoding): Charset | null {
  if (!iconv.encodingExists(encoding)) return null;
  let name = iconv._canonicalizeEncoding(encoding);
  for (let alias; typeof (alias = iconv.encodings?.[name]) === 'string';) name = alias;
  return CHARSETS.get(name) ?? tableCharset(name);
}

export function isEncoding(name: string): name is Encoding {
  return charsetOf(name) !== null;
}

/** Not so UTF-7: where a read begins, nothing says what the bytes before it have begun. */
export function isReadableEncoding(name: string): name is Encoding {
  return charsetOf(name)?.decode != null;
}

/** Bytes that its longest character takes: what is cut shorter than that may never be whole. */
export function longestCharacter(encoding: Encoding): number {
  const charset = charsetOf(encoding);
  if (charset === LATIN1 || charset === HEX || charset === BASE64) return 1;
  return charset === CESU8 ? 6 : 4;
}

/** Text as bytes. Throws PAYLOAD_INVALID for what the encoding cannot carry; nothing is replaced. */
export function encode(data: string, encoding: Encoding): Buffer {
  const charset = charsetOf(encoding);
  if (charset === null) throw unusable(encoding);
  const bytes = charset.encode(data);
  if (bytes === null) {
    throw new SocketError('PAYLOAD_INVALID', `data is not valid ${encoding}`, { field: 'data' });
  }
  return bytes;
}

/**
 * Bytes as text. A character of which the end is missing is left out, for the next read, unless `last`
 * says that nothing follows. Throws PAYLOAD_INVALID for an encoding that is not readable.
 */
export function decode(bytes: Buffer, encoding: Encoding, last: boolean): Decoded {
  const charset = charsetOf(encoding);
  if (charset?.decode == null) throw unusable(encoding);
  return charset.decode(bytes, last);
}

/**
 * As `decode`, where no more than `maxBytes` come at once: a character that is longer will never be whole,
 * and comes as U+FFFD.
 */
export function decodeWithin(maxBytes: number, bytes: Buffer, encoding: Encoding, last: boolean): Decoded {
  const decoded = decode(bytes, encoding, last);
  return decoded.bytes === 0 && bytes.length >= maxBytes ? decode(bytes, encoding, true) : decoded;
}

function unusable(encoding: string): SocketError {
  return new SocketError('PAYLOAD_INVALID', `${encoding} is no encoding for this`, { field: 'encoding' });
}
