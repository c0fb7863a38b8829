import { notValid, parseAddress, WIDTH, type Address, type AddressFamily } from './address.js';
import { maskOf, textOf } from './address-text.js';

/** A block of addresses that share their first `prefix` bits (RFC 4632). */
export interface Block {
  readonly family: AddressFamily;
  readonly first: bigint;
  readonly prefix: number;
}

export const RELATIONS = ['equal', 'contains', 'within', 'disjoint'] as const;
export type Relation = (typeof RELATIONS)[number];

/** `10.0.0.0/8`, or one address. Bits of the address behind the prefix are dropped: `10.1.2.3/8` is the same. */
export function parseBlock(text: string, field = 'cidr'): Block {
  const [address = '', length, ...rest] = text.split('/');
  if (rest.length > 0) throw notValid(field, 'has more than one "/"');
  const { family, value, zone } = parseAddress(address, field);
  if (zone !== null) throw notValid(field, 'has a zone, and a network has none');
  const width = WIDTH[family];
  if (length !== undefined && (!/^\d{1,3}$/.test(length) || Number(length) > width))
    throw notValid(field, `has a prefix length that is not 0 to ${String(width)}`);
  const prefix = length === undefined ? width : Number(length);
  return { family, first: value & maskOf(family, prefix), prefix };
}

export function blockText({ family, first, prefix }: Block): string {
  return `${textOf({ family, value: first, zone: null })}/${String(prefix)}`;
}

export function sizeOf({ family, prefix }: Block): bigint {
  return 1n << BigInt(WIDTH[family] - prefix);
}

export function lastOf(block: Block): bigint {
  return block.first + sizeOf(block) - 1n;
}

/** The address for all hosts of an IPv4 network; the two addresses of a /31 are both hosts (RFC 3021). */
export function broadcastOf(block: Block): bigint | null {
  return block.family === 'ipv4' && block.prefix < 31 ? lastOf(block) : null;
}

export function blockContains(block: Block, { family, value }: Address): boolean {
  return family === block.family && (value & maskOf(family, block.prefix)) === block.first;
}

/** How `block` stands to `other`. Blocks cannot overlap otherwise. */
export function relationOf(block: Block, other: Block): Relation {
  const inside = (inner: Block, outer: Block): boolean =>
    inner.prefix >= outer.prefix &&
    blockContains(outer, { family: inner.family, value: inner.first, zone: null });
  if (inside(other, block)) return inside(block, other) ? 'equal' : 'contains';
  return inside(block, other) ? 'within' : 'disjoint';
}

/** At most `limit` of the blocks of `prefix` bits in `block`, from number `from` on. Numbers count from 0. */
export function split(block: Block, prefix: number, from: bigint, limit: number): Block[] {
  const step = 1n << BigInt(WIDTH[block.family] - prefix);
  const left = partCount(block, prefix) - from;
  const count = left < BigInt(limit) ? Number(left) : limit;
  return Array.from({ length: count }, (_, i) => ({
    family: block.family,
    first: block.first + (from + BigInt(i)) * step,
    prefix,
  }));
}

/** How many blocks of `prefix` bits there are in `block`; EINVAL where there is none. */
export function partCount(block: Block, prefix: number): bigint {
  if (prefix < block.prefix || prefix > WIDTH[block.family])
    throw notValid(
      'newPrefix',
      `must be ${String(block.prefix)} to ${String(WIDTH[block.family])} for this network`,
    );
  return 1n << BigInt(prefix - block.prefix);
}
