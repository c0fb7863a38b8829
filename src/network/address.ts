import { isIPv6 } from 'node:net';
import { addressBytes, SocketError } from '../sockets/index.js';
import { inetAton } from './inet-aton.js';

export type AddressFamily = 'ipv4' | 'ipv6';

/** An address as the number that it is, whatever its spelling. */
export interface Address {
  readonly family: AddressFamily;
  readonly value: bigint;
  /** The interface that a link-local IPv6 address belongs to (RFC 4007): `eth0` of `fe80::1%eth0`. */
  readonly zone: string | null;
}

export const WIDTH: Readonly<Record<AddressFamily, number>> = { ipv4: 32, ipv6: 128 };

/** Longer texts are no address in any spelling: 39 digits and colons, and a zone. */
const MAX_TEXT = 64;
const ZONE = /^[^\s%/]{1,15}$/;

/** Input that is not valid, with the name of the field that it came in. */
export function notValid(field: string, detail: string): SocketError {
  return new SocketError('EINVAL', detail, { field });
}

/**
 * What inet_aton(3) or inet_pton(3) take, and an IPv6 address with a zone. Throws EINVAL that says what is wrong.
 * Unlike inet_aton, nothing may follow the address.
 */
export function parseAddress(text: string, field = 'address'): Address {
  if (text.length > MAX_TEXT) throw notValid(field, `is longer than ${String(MAX_TEXT)} characters`);
  if (text.includes(':')) return parseIpv6(text, field);
  const found = inetAton(text);
  if (typeof found === 'string') throw notValid(field, `is not an address: ${found}`);
  return { family: 'ipv4', value: found, zone: null };
}

function parseIpv6(text: string, field: string): Address {
  const cut = text.indexOf('%');
  const address = cut < 0 ? text : text.slice(0, cut);
  const zone = cut < 0 ? null : text.slice(cut + 1);
  const bytes = isIPv6(address) ? addressBytes(address) : null;
  if (bytes === null) throw notValid(field, `is not an IPv6 address: ${ipv6Fault(address)}`);
  if (zone !== null && !ZONE.test(zone)) throw notValid(field, 'has a zone that is no name of an interface');
  return { family: 'ipv6', value: BigInt(`0x${Buffer.from(bytes).toString('hex')}`), zone };
}

/** Why a text with a colon in it is no IPv6 address (RFC 4291, 2.2). */
function ipv6Fault(text: string): string {
  if ((text.match(/::/g) ?? []).length > 1 || text.includes(':::')) return '"::" can stand in it once';
  const groups = text.split(/::?/).filter((group) => group !== '');
  const dotted = groups.at(-1)?.includes('.') === true ? groups.pop() : undefined;
  const wrong = groups.find((group) => !/^[0-9a-f]{1,4}$/i.test(group));
  if (wrong !== undefined) return `"${wrong}" is not one to four hexadecimal digits`;
  if (dotted !== undefined && addressBytes(dotted) === null) return `"${dotted}" is not four decimal numbers`;
  if (/^:(?!:)|(?<!:):$/.test(text)) return 'it begins or ends with one colon';
  const count = groups.length + (dotted === undefined ? 0 : 2);
  return `it has ${String(count)} groups of 16 bits, not ${text.includes('::') ? 'at most seven beside "::"' : 'eight'}`;
}

/** The packed form in hexadecimal: 8 digits are IPv4, 32 are IPv6. */
export function addressFromHex(text: string, family?: AddressFamily): Address {
  const digits = text.replace(/^0x/i, '');
  if (!/^[0-9a-f]+$/i.test(digits)) throw notValid('hex', 'must be hexadecimal digits');
  return packed('hex', `0x${digits}`, digits.length * 4, family);
}

/** The packed form in bits: 32 are IPv4, 128 are IPv6. */
export function addressFromBinary(text: string, family?: AddressFamily): Address {
  const digits = text.replace(/^0b/i, '');
  if (!/^[01]+$/.test(digits)) throw notValid('binary', 'must be the digits 0 and 1');
  return packed('binary', `0b${digits}`, digits.length, family);
}

function packed(field: string, literal: string, bits: number, asked?: AddressFamily): Address {
  if (bits !== 32 && bits !== 128)
    throw notValid(field, `has ${String(bits)} bits; an IPv4 address has 32, an IPv6 address 128`);
  const family = bits === 32 ? 'ipv4' : 'ipv6';
  if (asked !== undefined && asked !== family)
    throw notValid(field, `has ${String(bits)} bits, and an ${asked} address has ${String(WIDTH[asked])}`);
  return { family, value: BigInt(literal), zone: null };
}

/** The address as one number. What fits into 32 bits is IPv4 unless `family` says otherwise. */
export function addressFromDecimal(text: string, family?: AddressFamily): Address {
  if (!/^\d{1,39}$/.test(text)) throw notValid('decimal', 'must be a decimal number of at most 39 digits');
  const value = BigInt(text);
  const actual = family ?? (value >> 32n === 0n ? 'ipv4' : 'ipv6');
  const width = WIDTH[actual];
  if (value >> BigInt(width) !== 0n) throw notValid('decimal', `does not fit into ${String(width)} bits`);
  return { family: actual, value, zone: null };
}
