/** How many bits the last part of an IPv4 address has when there are one, two, three or four parts. */
const LAST_PART_BITS = [32, 24, 16, 8];

/**
 * inet_aton(3): one to four parts, each decimal, octal (leading 0) or hexadecimal (leading 0x); the last part fills
 * the bytes that are left: `127.1` is 127.0.0.1. Answers the address, or what is wrong with the text.
 */
export function inetAton(text: string): bigint | string {
  const parts = text.split('.');
  if (parts.length > 4) return `it has ${String(parts.length)} parts, and four are the most`;
  let value = 0n;
  for (const [index, part] of parts.entries()) {
    const isLast = index === parts.length - 1;
    const bits = isLast ? (LAST_PART_BITS[index] ?? 8) : 8;
    const number = numberOf(part);
    if (typeof number === 'string') return number;
    if (number >> BigInt(bits) !== 0n)
      return `"${part}" is more than ${String(2 ** bits - 1)}, the most that part ${String(index + 1)} can be`;
    value = (value << BigInt(bits)) | number;
  }
  return value;
}

function numberOf(part: string): bigint | string {
  if (/^0x[0-9a-f]+$/i.test(part)) return BigInt(part);
  if (/^0[0-7]*$/.test(part)) return BigInt(`0o${part}`);
  if (/^[1-9]\d*$/.test(part)) return BigInt(part);
  if (part === '') return 'a part is empty';
  return /^\d+$/.test(part) ? `"${part}" is not octal` : `"${part}" is not a number`;
}
