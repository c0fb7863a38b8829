import { parseBlock, type Block } from './block.js';

/** `special`: a purpose of its own, told by its entry in the registry. `reserved`: not given out yet. */
export const SCOPES = [
  'unspecified',
  'loopback',
  'private',
  'shared',
  'link-local',
  'site-local',
  'documentation',
  'benchmarking',
  'multicast',
  'broadcast',
  'special',
  'reserved',
  'global',
] as const;
export type Scope = (typeof SCOPES)[number];

export interface SpecialBlock {
  readonly block: Block;
  readonly name: string;
  /** Where it is defined: `RFC 1918`. */
  readonly reference: string;
  /** Whether packets to it cross the Internet; null where the registry says that it depends. */
  readonly globallyReachable: boolean | null;
  readonly scope: Scope;
}

type Row = readonly [
  cidr: string,
  scope: Scope,
  globallyReachable: boolean | null,
  name: string,
  reference: string,
];

/** IANA IPv4 Special-Purpose Address Registry (RFC 6890), and multicast. */
const IPV4: readonly Row[] = [
  ['0.0.0.0/8', 'special', false, 'This network', 'RFC 791'],
  ['0.0.0.0/32', 'unspecified', false, 'This host on this network', 'RFC 1122'],
  ['10.0.0.0/8', 'private', false, 'Private-Use', 'RFC 1918'],
  ['100.64.0.0/10', 'shared', false, 'Shared Address Space', 'RFC 6598'],
  ['127.0.0.0/8', 'loopback', false, 'Loopback', 'RFC 1122'],
  ['169.254.0.0/16', 'link-local', false, 'Link Local', 'RFC 3927'],
  ['172.16.0.0/12', 'private', false, 'Private-Use', 'RFC 1918'],
  ['192.0.0.0/24', 'special', false, 'IETF Protocol Assignments', 'RFC 6890'],
  ['192.0.0.0/29', 'special', false, 'IPv4 Service Continuity Prefix', 'RFC 7335'],
  ['192.0.0.8/32', 'special', false, 'IPv4 dummy address', 'RFC 7600'],
  ['192.0.0.9/32', 'global', true, 'Port Control Protocol Anycast', 'RFC 7723'],
  ['192.0.0.10/32', 'global', true, 'Traversal Using Relays around NAT Anycast', 'RFC 8155'],
  ['192.0.0.170/32', 'special', false, 'NAT64/DNS64 Discovery', 'RFC 8880'],
  ['192.0.0.171/32', 'special', false, 'NAT64/DNS64 Discovery', 'RFC 8880'],
  ['192.0.2.0/24', 'documentation', false, 'Documentation (TEST-NET-1)', 'RFC 5737'],
  ['192.31.196.0/24', 'global', true, 'AS112-v4', 'RFC 7535'],
  ['192.52.193.0/24', 'global', true, 'AMT', 'RFC 7450'],
  ['192.88.99.0/24', 'special', null, 'Deprecated (6to4 Relay Anycast)', 'RFC 7526'],
  ['192.168.0.0/16', 'private', false, 'Private-Use', 'RFC 1918'],
  ['192.175.48.0/24', 'global', true, 'Direct Delegation AS112 Service', 'RFC 7534'],
  ['198.18.0.0/15', 'benchmarking', false, 'Benchmarking', 'RFC 2544'],
  ['198.51.100.0/24', 'documentation', false, 'Documentation (TEST-NET-2)', 'RFC 5737'],
  ['203.0.113.0/24', 'documentation', false, 'Documentation (TEST-NET-3)', 'RFC 5737'],
  ['224.0.0.0/4', 'multicast', null, 'Multicast', 'RFC 5771'],
  ['240.0.0.0/4', 'reserved', false, 'Reserved', 'RFC 1112'],
  ['255.255.255.255/32', 'broadcast', false, 'Limited Broadcast', 'RFC 919'],
];

/** IANA IPv6 Special-Purpose Address Registry (RFC 6890), multicast, and two forms that RFCs have retired. */
const IPV6: readonly Row[] = [
  ['::1/128', 'loopback', false, 'Loopback Address', 'RFC 4291'],
  ['::/128', 'unspecified', false, 'Unspecified Address', 'RFC 4291'],
  ['::ffff:0:0/96', 'special', false, 'IPv4-mapped Address', 'RFC 4291'],
  ['64:ff9b::/96', 'global', true, 'IPv4-IPv6 Translation', 'RFC 6052'],
  ['64:ff9b:1::/48', 'private', false, 'IPv4-IPv6 Translation, local use', 'RFC 8215'],
  ['100::/64', 'special', false, 'Discard-Only Address Block', 'RFC 6666'],
  ['100:0:0:1::/64', 'special', false, 'Dummy IPv6 Prefix', 'RFC 9780'],
  ['2001::/23', 'special', false, 'IETF Protocol Assignments', 'RFC 2928'],
  ['2001::/32', 'global', null, 'TEREDO', 'RFC 4380'],
  ['2001:1::1/128', 'global', true, 'Port Control Protocol Anycast', 'RFC 7723'],
  ['2001:1::2/128', 'global', true, 'Traversal Using Relays around NAT Anycast', 'RFC 8155'],
  ['2001:1::3/128', 'global', true, 'DNS-SD Service Registration Protocol Anycast', 'RFC 9665'],
  ['2001:2::/48', 'benchmarking', false, 'Benchmarking', 'RFC 5180'],
  ['2001:3::/32', 'global', true, 'AMT', 'RFC 7450'],
  ['2001:4:112::/48', 'global', true, 'AS112-v6', 'RFC 7535'],
  ['2001:10::/28', 'special', null, 'Deprecated (previously ORCHID)', 'RFC 4843'],
  ['2001:20::/28', 'global', true, 'ORCHIDv2', 'RFC 7343'],
  ['2001:30::/28', 'global', true, 'Drone Remote ID Protocol Entity Tags (DETs) Prefix', 'RFC 9374'],
  ['2001:db8::/32', 'documentation', false, 'Documentation', 'RFC 3849'],
  ['2002::/16', 'global', null, '6to4', 'RFC 3056'],
  ['2620:4f:8000::/48', 'global', true, 'Direct Delegation AS112 Service', 'RFC 7534'],
  ['3fff::/20', 'documentation', false, 'Documentation', 'RFC 9637'],
  ['5f00::/16', 'special', false, 'Segment Routing (SRv6) SIDs', 'RFC 9602'],
  ['fc00::/7', 'private', false, 'Unique-Local', 'RFC 4193'],
  ['fe80::/10', 'link-local', false, 'Link-Local Unicast', 'RFC 4291'],
  ['fec0::/10', 'site-local', false, 'Site-Local Unicast (deprecated)', 'RFC 3879'],
  ['ff00::/8', 'multicast', null, 'Multicast', 'RFC 4291'],
];

/** The narrower blocks first: of two that match, the first is the one that counts. */
export const SPECIAL_BLOCKS: readonly SpecialBlock[] = [...IPV4, ...IPV6]
  .map(([cidr, scope, globallyReachable, name, reference]) => ({
    block: parseBlock(cidr),
    name,
    reference,
    globallyReachable,
    scope,
  }))
  .sort((a, b) => b.block.prefix - a.block.prefix);
