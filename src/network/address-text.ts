import { WIDTH, type Address, type AddressFamily } from './address.js';

/** The bytes in network order, in hexadecimal. */
export function hexOf({ family, value }: Address): string {
  return value.toString(16).padStart(WIDTH[family] / 4, '0');
}

/** The bits in network order. */
export function binaryOf({ family, value }: Address): string {
  return value.toString(2).padStart(WIDTH[family], '0');
}

export function bytesOf(address: Address): number[] {
  return [...Buffer.from(hexOf(address), 'hex')];
}

/** inet_ntop(3), which for IPv6 is RFC 5952. Without the zone. */
export function textOf(address: Address): string {
  return address.family === 'ipv4' ? dottedQuad(address.value) : compressed(address.value);
}

/** All eight groups with all their digits. */
export function expandedOf(address: Address): string {
  return (hexOf(address).match(/.{4}/g) ?? []).join(':');
}

/** The name that its PTR record has (RFC 1035, 3.5; RFC 3596, 2.5). */
export function reverseNameOf(address: Address): string {
  if (address.family === 'ipv4') return `${bytesOf(address).reverse().join('.')}.in-addr.arpa`;
  return `${[...hexOf(address)].reverse().join('.')}.ip6.arpa`;
}

/** How an IPv4 address stands in an IPv6 socket (RFC 4291, 2.5.5.2). */
export function ipv6Mapped({ value }: Address): string {
  return textOf({ family: 'ipv6', value: (0xffffn << 32n) | value, zone: null });
}

/** The low 32 bits of a number. */
export function asIpv4(value: bigint): Address {
  return { family: 'ipv4', value: BigInt.asUintN(32, value), zone: null };
}

function dottedQuad(value: bigint): string {
  return bytesOf({ family: 'ipv4', value, zone: null }).join('.');
}

/** ::ffff:0:0/96 and, where more than the last group is used, ::/96: the last 32 bits show as IPv4. */
function endsInIpv4(value: bigint): boolean {
  const upper = value >> 32n;
  return upper === 0xffffn || (upper === 0n && value > 0xffffn);
}

function compressed(value: bigint): string {
  const groups = Array.from({ length: 8 }, (_, i) =>
    ((value >> BigInt(112 - 16 * i)) & 0xffffn).toString(16),
  );
  if (endsInIpv4(value)) groups.splice(6, 2, dottedQuad(BigInt.asUintN(32, value)));
  const { start, length } = longestZeros(groups);
  if (length < 2) return groups.join(':');
  return `${groups.slice(0, start).join(':')}::${groups.slice(start + length).join(':')}`;
}

/** The first of the longest runs of zero groups. */
function longestZeros(groups: readonly string[]): { start: number; length: number } {
  let best = { start: 0, length: 0 };
  for (let start = 0; start < groups.length; start += 1) {
    let end = start;
    while (groups[end] === '0') end += 1;
    if (end - start > best.length) best = { start, length: end - start };
    start = end;
  }
  return best;
}

/** A mask of `prefix` ones, and zeros to the width of the family. */
export function maskOf(family: AddressFamily, prefix: number): bigint {
  const width = BigInt(WIDTH[family]);
  const rest = width - BigInt(prefix);
  return ((1n << width) - 1n) ^ ((1n << rest) - 1n);
}
