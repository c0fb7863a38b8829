import type { Address } from './address.js';
import { blockContains, type Block } from './block.js';
import { embeddedIn } from './embedded.js';
import { SPECIAL_BLOCKS, type Scope, type SpecialBlock } from './special-blocks.js';

export const MULTICAST_SCOPES = [
  'interface-local',
  'link-local',
  'realm-local',
  'admin-local',
  'site-local',
  'organization-local',
  'global',
  'reserved',
  'unassigned',
] as const;
export type MulticastScope = (typeof MULTICAST_SCOPES)[number];

/** The narrowest entry of the registries of special-purpose addresses that the address stands in. */
export function specialBlockOf(address: Address): SpecialBlock | null {
  // The table has the narrower ones first.
  return SPECIAL_BLOCKS.find(({ block }) => blockContains(block, address)) ?? null;
}

/** How far an address reaches. An IPv4-mapped one reaches as far as the IPv4 address in it. */
export function scopeOf(address: Address): Scope {
  const inside = embeddedIn(address);
  if (inside?.kind === 'ipv4-mapped') return scopeOf(inside.address);
  const special = specialBlockOf(address);
  if (special !== null) return special.scope;
  return address.family === 'ipv4' || isGlobalUnicast(address.value) ? 'global' : 'reserved';
}

/** 2000::/3, the part of the IPv6 space that is given out (RFC 4291, 2.4; IANA's registry of it). */
function isGlobalUnicast(value: bigint): boolean {
  return value >> 125n === 1n;
}

/** By the four bits of an IPv6 multicast address, RFC 7346. */
const IPV6_MULTICAST_SCOPES: Readonly<Record<string, MulticastScope>> = {
  0: 'reserved',
  1: 'interface-local',
  2: 'link-local',
  3: 'realm-local',
  4: 'admin-local',
  5: 'site-local',
  8: 'organization-local',
  14: 'global',
  15: 'reserved',
};

const inIpv4 = (first: bigint, prefix: number): Block => ({ family: 'ipv4', first, prefix });

/** By block, RFC 5771 (4) and RFC 2365 (6); the rest of 224.0.0.0/4 is global. */
const IPV4_MULTICAST_SCOPES: readonly (readonly [Block, MulticastScope])[] = [
  [inIpv4(0xe000_0000n, 24), 'link-local'],
  [inIpv4(0xefff_0000n, 16), 'site-local'],
  [inIpv4(0xefc0_0000n, 14), 'organization-local'],
  [inIpv4(0xef00_0000n, 8), 'admin-local'],
];

/** How far packets to a multicast group go; null where the address is no group. */
export function multicastScopeOf(address: Address): MulticastScope | null {
  const inside = embeddedIn(address);
  if (inside?.kind === 'ipv4-mapped') return multicastScopeOf(inside.address);
  if (scopeOf(address) !== 'multicast') return null;
  if (address.family === 'ipv6')
    return IPV6_MULTICAST_SCOPES[String((address.value >> 112n) & 0xfn)] ?? 'unassigned';
  return IPV4_MULTICAST_SCOPES.find(([block]) => blockContains(block, address))?.[1] ?? 'global';
}
