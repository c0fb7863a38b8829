import { isIPv4, isIPv6 } from 'node:net';

export type Family = 'ipv4' | 'ipv6';

/** A numeric address and a port. A link-local IPv6 address carries its zone: `fe80::1%eth0` (RFC 4007). */
export interface InternetEndpoint {
  readonly address: string;
  readonly port: number;
  readonly family: Family;
}

/** A file that names a Unix socket, unix(7); the path of an unnamed one is ''. */
export interface UnixEndpoint {
  readonly path: string;
  readonly family: 'unix';
}

/** One end of a socket: what getsockname(2) and getpeername(2) answer. */
export type Endpoint = InternetEndpoint | UnixEndpoint;

/** An end in the fields that errors carry. */
export function errorFields(end: Endpoint | null): { address?: string; port?: number } {
  if (end === null) return {};
  return end.family === 'unix' ? { address: end.path } : { address: end.address, port: end.port };
}

const DOT = 0x2e;
const DIGIT_ZERO = 0x30;
const V4_MAPPED_PREFIX = Uint8Array.of(0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff);

/**
 * The 16 bytes of an address, an IPv4 one in its mapped form (RFC 4291, 2.5.5.2); null when the text
 * is not a numeric address in its usual spelling. A zone (`%eth0`) is refused.
 */
export function addressBytes(address: string): Uint8Array | null {
  if (isIPv4(address)) return mappedBytes(address);
  if (!isIPv6(address) || address.includes('%')) return null;
  return ipv6Bytes(address);
}

/** As `addressBytes`; a link-local address may carry its zone (RFC 4007), which is no part of the bytes. */
export function scopedAddressBytes(text: string): Uint8Array | null {
  const { address, zone } = splitZone(text);
  const bytes = addressBytes(address);
  if (bytes === null || zone === null) return bytes;
  return isLinkLocal(bytes) && ZONE.test(zone) ? bytes : null;
}

/** fe80::/10 (RFC 4291, 2.5.6): it names a host on one link, and which one is not in it. */
export function isLinkLocal(bytes: Uint8Array): boolean {
  return bytes[0] === 0xfe && ((bytes[1] ?? 0) & 0xc0) === 0x80;
}

/** The name or number of an interface: IFNAMSIZ is 16. */
const ZONE = /^[A-Za-z0-9._-]{1,15}$/;

/** Digit by digit: every address of every request comes by here. */
function mappedBytes(address: string): Uint8Array {
  const bytes = new Uint8Array(16);
  bytes.set(V4_MAPPED_PREFIX);
  let at = V4_MAPPED_PREFIX.length;
  for (let i = 0; i < address.length; i += 1) {
    const character = address.charCodeAt(i);
    if (character === DOT) at += 1;
    else bytes[at] = (bytes[at] ?? 0) * 10 + character - DIGIT_ZERO;
  }
  return bytes;
}

function ipv6Bytes(address: string): Uint8Array {
  let text = address;
  const dotted = /(?<=:)[0-9.]+$/.exec(address)?.[0];
  if (dotted?.includes('.') === true) {
    const [a, b, c, d] = dotted.split('.').map(Number) as [number, number, number, number];
    text = `${address.slice(0, -dotted.length)}${(a * 256 + b).toString(16)}:${(c * 256 + d).toString(16)}`;
  }
  const [left = '', right] = text.split('::');
  const head = left === '' ? [] : left.split(':');
  const tail = right === undefined || right === '' ? [] : right.split(':');
  const zeros = Array<string>(8 - head.length - tail.length).fill('0');
  const bytes = new Uint8Array(16);
  [...head, ...zeros, ...tail].forEach((group, index) => {
    const value = parseInt(group, 16);
    bytes[index * 2] = value >> 8;
    bytes[index * 2 + 1] = value & 0xff;
  });
  return bytes;
}

/** `fe80::1%eth0` as the address and its zone. */
export function splitZone(address: string): { address: string; zone: string | null } {
  const cut = address.indexOf('%');
  return cut < 0 ? { address, zone: null } : { address: address.slice(0, cut), zone: address.slice(cut + 1) };
}

/** True when the 16 bytes stand for an IPv4 address (::ffff:0:0/96). */
export function isMapped(bytes: Uint8Array): boolean {
  return V4_MAPPED_PREFIX.every((byte, index) => bytes[index] === byte);
}

/** An address as the kernel gave it, v4-mapped ones (dual-stack sockets) shown as the IPv4 they are. */
export function endpointOf(address: string, port: number): InternetEndpoint {
  if (isIPv4(address)) return { address, port, family: 'ipv4' };
  const bytes = addressBytes(splitZone(address).address);
  if (bytes === null || !isMapped(bytes)) return { address, port, family: 'ipv6' };
  return { address: bytes.subarray(12).join('.'), port, family: 'ipv4' };
}

/** A block of addresses, over the 16 bytes; an IPv4 prefix counts from bit 96. */
export interface Network {
  readonly text: string;
  readonly bytes: Uint8Array;
  readonly prefix: number;
}

/** `10.0.0.0/8`, `fc00::/7` or a single address; null when it is none of these. */
export function parseNetwork(text: string): Network | null {
  const [address = '', length, ...rest] = text.split('/');
  const bytes = addressBytes(address);
  if (bytes === null || rest.length > 0) return null;
  const width = isIPv4(address) ? 32 : 128;
  if (length !== undefined && !/^\d{1,3}$/.test(length)) return null;
  const prefix = length === undefined ? width : Number(length);
  return prefix > width ? null : { text, bytes, prefix: prefix + 128 - width };
}

export function contains(network: Network, bytes: Uint8Array): boolean {
  const whole = network.prefix >>> 3;
  for (let i = 0; i < whole; i += 1) if (network.bytes[i] !== bytes[i]) return false;
  const rest = network.prefix & 7;
  if (rest === 0) return true;
  const mask = 0xff << (8 - rest);
  return (((network.bytes[whole] ?? 0) ^ (bytes[whole] ?? 0)) & mask & 0xff) === 0;
}
