import type { Labels } from './wire.js';

/** How records are written in zone files, RFC 1035, 5.1; in the details as dig writes them. */

const SPECIAL_IN_NAMES = new Set([...'"().;\\@$'].map((character) => character.charCodeAt(0)));
const QUOTE = 0x22;
const BACKSLASH = 0x5c;

/** Whole, with the dot at its end. */
export function nameText(labels: Labels): string {
  return labels.length === 0 ? '.' : labels.map((label) => `${labelText(label)}.`).join('');
}

/** As people write it: without the last dot. */
export function shortName(labels: Labels): string {
  return labels.length === 0 ? '.' : labels.map(labelText).join('.');
}

function labelText(label: Buffer): string {
  return escaped(label, IN_NAMES);
}

/** A character string, in quotes. */
export function quoted(bytes: Buffer): string {
  return `"${escaped(bytes, IN_STRINGS)}"`;
}

/** Of each byte how it is written. */
function escapes(first: number, isSpecial: (byte: number) => boolean): readonly string[] {
  return Array.from({ length: 256 }, (_, byte) => {
    if (byte < first || byte >= 0x7f) return `\\${String(byte).padStart(3, '0')}`;
    return (isSpecial(byte) ? '\\' : '') + String.fromCharCode(byte);
  });
}

const IN_NAMES = escapes(0x21, (byte) => SPECIAL_IN_NAMES.has(byte));
const IN_STRINGS = escapes(0x20, (byte) => byte === QUOTE || byte === BACKSLASH);

function escaped(bytes: Buffer, table: readonly string[]): string {
  let text = '';
  for (const byte of bytes) text += table[byte] ?? '';
  return text;
}

/** Data of a type that is not known here, RFC 3597, 5. */
export function unknownText(bytes: Buffer): string {
  return bytes.length === 0 ? '\\# 0' : `\\# ${String(bytes.length)} ${hexText(bytes)}`;
}

export function hexText(bytes: Buffer): string {
  return bytes.toString('hex').toUpperCase();
}

/** Seconds since 1970 as RFC 4034, 3.2 writes them: 20260131235959. */
export function timeText(seconds: number): string {
  return new Date(seconds * 1000).toISOString().replace(/[-:T]|\.\d+Z$/g, '');
}

const BASE32_DIGITS = '0123456789ABCDEFGHIJKLMNOPQRSTUV';

/** base32hex without padding, RFC 4648, 7. */
export function base32Text(bytes: Buffer): string {
  const bits = [...bytes].map((byte) => byte.toString(2).padStart(8, '0')).join('');
  return (bits.match(/.{1,5}/g) ?? [])
    .map((five) => BASE32_DIGITS[parseInt(five.padEnd(5, '0'), 2)] ?? '')
    .join('');
}
