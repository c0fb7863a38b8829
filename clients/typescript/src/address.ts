/** Where a datagram came from. */
export type Address = InternetAddress | PathAddress;

export interface InternetAddress {
  /** Numeric, IPv6 as RFC 5952 writes it. */
  address: string;
  port: number;
}

/** The file of a Unix socket; empty for a socket without a name. */
export interface PathAddress {
  path: string;
}

const BYTE = '(0|[1-9][0-9]{0,2})';
const IPV4 = new RegExp(`^${BYTE}[.]${BYTE}[.]${BYTE}[.]${BYTE}$`);
const GROUP = /^[0-9a-f]{1,4}$/i;

/** The bytes of a numeric address, 4 or 16; null for anything else, one with a zone included. */
export function addressBytes(text: string): Uint8Array | null {
  return ipv4Bytes(text) ?? ipv6Bytes(text);
}

/** An address of 4 or 16 bytes as text. */
export function addressText(bytes: Uint8Array): string {
  return bytes.length === 4 ? bytes.join('.') : ipv6Text(bytes);
}

function ipv4Bytes(text: string): Uint8Array | null {
  const numbers = IPV4.exec(text)?.slice(1).map(Number);
  return numbers?.every((number) => number < 256) ? Uint8Array.from(numbers) : null;
}

function ipv6Bytes(text: string): Uint8Array | null {
  const halves = text.split('::');
  if (halves.length > 2 || !text.includes(':')) return null;
  const [head = null, tail = []] = halves.map(groupsOf);
  if (head === null || tail === null) return null;
  const missing = 8 - head.length - tail.length;
  if (halves.length === 1 ? missing !== 0 : missing < 1) return null;
  const groups = [...head, ...new Array<number>(missing).fill(0), ...tail];
  return Uint8Array.from(groups.flatMap((group) => [group >> 8, group & 0xff]));
}

/** The 16-bit groups of one side of `::`, its last two perhaps written as an IPv4 address. */
function groupsOf(half: string): number[] | null {
  if (half === '') return [];
  const words = half.split(':');
  const last = ipv4Bytes(words.at(-1) ?? '');
  if (last !== null) {
    const [a = 0, b = 0, c = 0, d = 0] = last;
    words.splice(-1, 1, ((a << 8) | b).toString(16), ((c << 8) | d).toString(16));
  }
  return words.every((word) => GROUP.test(word)) ? words.map((word) => parseInt(word, 16)) : null;
}

/** RFC 5952: lower case, the longest run of two or more zero groups as `::`, the first of equal ones. */
function ipv6Text(bytes: Uint8Array): string {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const groups = Array.from({ length: 8 }, (_, index) => view.getUint16(index * 2));
  if (groups.slice(0, 5).every((group) => group === 0) && groups[5] === 0xffff)
    return `::ffff:${bytes.subarray(12).join('.')}`;
  const { start, length } = longestZeros(groups);
  const hex = (part: number[]): string => part.map((group) => group.toString(16)).join(':');
  if (length < 2) return hex(groups);
  return `${hex(groups.slice(0, start))}::${hex(groups.slice(start + length))}`;
}

function longestZeros(groups: number[]): { start: number; length: number } {
  let best = { start: 0, length: 0 };
  let length = 0;
  groups.forEach((group, index) => {
    length = group === 0 ? length + 1 : 0;
    if (length > best.length) best = { start: index + 1 - length, length };
  });
  return best;
}
