import type { AddressFamily } from './address.js';
import { textOf } from './address-text.js';
import { interfaceEntries, linkNumbers, type InterfaceEntry, type Sockaddr } from './native/interfaces.js';

/** The IFF_ flags of netdevice(7), by bit. */
const FLAGS = [
  ...['UP', 'BROADCAST', 'DEBUG', 'LOOPBACK', 'POINTOPOINT', 'NOTRAILERS', 'RUNNING', 'NOARP', 'PROMISC'],
  ...[
    'ALLMULTI',
    'MASTER',
    'SLAVE',
    'MULTICAST',
    'PORTSEL',
    'AUTOMEDIA',
    'DYNAMIC',
    'LOWER_UP',
    'DORMANT',
    'ECHO',
  ],
] as const;
const IFF_BROADCAST = 0x2;
const IFF_POINTOPOINT = 0x10;

export interface InterfaceAddress {
  family: AddressFamily;
  address: string;
  prefix: number;
  broadcast: string | null;
  /** The other end of a point-to-point link. */
  peer: string | null;
}

export interface NetworkInterface {
  name: string;
  index: number;
  /** The hardware address; null where there is none. */
  mac: string | null;
  mtuBytes: number | null;
  flags: string[];
  addresses: InterfaceAddress[];
}

/** All interfaces of this host, those that are down too, by their index. */
export function networkInterfaces(): NetworkInterface[] {
  const entries = interfaceEntries();
  const names = [...new Set(entries.map(linkOf))];
  return names
    .flatMap((name) =>
      interfaceOf(
        name,
        entries.filter((entry) => linkOf(entry) === name),
      ),
    )
    .sort((a, b) => a.index - b.index);
}

function interfaceOf(name: string, entries: readonly InterfaceEntry[]): NetworkInterface[] {
  const numbers = linkNumbers(name);
  if (numbers === null) return [];
  const link = entries.find(({ address }) => address?.family === 'link')?.address?.bytes ?? [];
  const flags = entries[0]?.flags ?? 0;
  return [
    {
      name,
      ...numbers,
      mac: link.length === 0 ? null : hardwareAddress(link),
      flags: FLAGS.filter((_, bit) => (flags & (1 << bit)) !== 0),
      addresses: entries.flatMap(addressOf),
    },
  ];
}

/** An IPv4 address can have a label, `eth0:1`, which stands in place of the name. */
function linkOf({ name }: InterfaceEntry): string {
  return name.split(':', 1)[0] ?? name;
}

function hardwareAddress(bytes: Iterable<number>): string {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join(':');
}

function addressOf({ address, netmask, peer, flags }: InterfaceEntry): InterfaceAddress[] {
  if (address === null || address.family === 'link') return [];
  const own = textAt(address);
  const named = peer === null ? null : textAt(peer);
  // Where there is none, the library repeats the address.
  const other = named === own ? null : named;
  return [
    {
      family: address.family,
      address: own,
      prefix: ones(netmask?.bytes ?? []),
      broadcast: (flags & IFF_BROADCAST) === 0 ? null : other,
      peer: (flags & IFF_POINTOPOINT) === 0 ? null : other,
    },
  ];
}

function textAt({ family, bytes }: Sockaddr): string {
  const value = BigInt(`0x${Buffer.from(bytes).toString('hex')}`);
  return textOf({ family: family === 'ipv4' ? 'ipv4' : 'ipv6', value, zone: null });
}

function ones(bytes: Iterable<number>): number {
  return [...bytes].reduce((sum, byte) => sum + byte.toString(2).replaceAll('0', '').length, 0);
}
