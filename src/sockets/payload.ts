import { SocketError } from './errors.js';

export const ENCODINGS = ['utf8', 'latin1', 'hex', 'base64'] as const;
export type Encoding = (typeof ENCODINGS)[number];

export interface Decoded {
  data: string;
  /** How many of the bytes `data` stands for; less than given when the last character is not whole. */
  bytes: number;
  /** Some bytes were not valid in that encoding and are shown as U+FFFD. */
  lossy: boolean;
}

const BASE64 = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}(?:==)?|[A-Za-z0-9+/]{3}=?)?$/;
const HEX = /^(?:[0-9a-fA-F]{2})*$/;

/** Text as bytes. Throws PAYLOAD_INVALID for what the encoding cannot carry; nothing is replaced. */
export function encode(data: string, encoding: Encoding): Buffer {
  if (!fits(data, encoding)) {
    throw new SocketError('PAYLOAD_INVALID', `data is not valid ${encoding}`, { field: 'data' });
  }
  return Buffer.from(data, encoding);
}

function fits(data: string, encoding: Encoding): boolean {
  switch (encoding) {
    case 'utf8':
      return !/[\uD800-\uDFFF]/u.test(data);
    case 'latin1':
      return !/[^\u0000-\u00FF]/.test(data);
    case 'hex':
      return HEX.test(data);
    case 'base64':
      return BASE64.test(data);
  }
}

/**
 * Bytes as text. A UTF-8 character of which the end is missing is left out, for the next read, unless
 * `last` says that nothing follows.
 */
export function decode(bytes: Buffer, encoding: Encoding, last: boolean): Decoded {
  if (encoding !== 'utf8') return { data: bytes.toString(encoding), bytes: bytes.length, lossy: false };
  const whole = last ? bytes : bytes.subarray(0, bytes.length - unfinishedBytes(bytes));
  const data = whole.toString('utf8');
  return { data, bytes: whole.length, lossy: isLossy(whole, data) };
}

/** U+FFFD in the text is a loss only if the bytes did not say U+FFFD themselves. */
function isLossy(bytes: Buffer, data: string): boolean {
  return data.includes('\uFFFD') && !Buffer.from(data, 'utf8').equals(bytes);
}

/** How many bytes at the end belong to a UTF-8 character that is not whole (RFC 3629, 3). */
function unfinishedBytes(bytes: Buffer): number {
  for (let back = 1; back <= Math.min(3, bytes.length); back += 1) {
    const byte = bytes[bytes.length - back] ?? 0;
    if ((byte & 0xc0) === 0x80) continue;
    const length = byte >= 0xf0 ? 4 : byte >= 0xe0 ? 3 : byte >= 0xc0 ? 2 : 1;
    return length > back ? back : 0;
  }
  return 0;
}
