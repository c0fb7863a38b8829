import {
  addressInfo,
  nameInfo,
  reverseEntry,
  type AddressEntry,
  type HostEntry,
} from '../../sockets/index.js';
import { addressFromHex, notValid, type Address } from '../address.js';
import { textOf } from '../address-text.js';
import { parseName } from './name.js';

/** Flags of getaddrinfo(3) in netdb.h. */
export const LOOKUP_FLAGS = {
  AI_PASSIVE: 0x1,
  AI_CANONNAME: 0x2,
  AI_NUMERICHOST: 0x4,
  AI_V4MAPPED: 0x8,
  AI_ALL: 0x10,
  AI_ADDRCONFIG: 0x20,
  AI_NUMERICSERV: 0x400,
} as const;
export type LookupFlag = keyof typeof LOOKUP_FLAGS;

/** Flags of getnameinfo(3) in netdb.h. */
export const NAME_INFO_FLAGS = {
  NI_NUMERICHOST: 1,
  NI_NUMERICSERV: 2,
  NI_NOFQDN: 4,
  NI_NAMEREQD: 8,
  NI_DGRAM: 16,
} as const;
export type NameInfoFlag = keyof typeof NAME_INFO_FLAGS;

/** Numbers of sys/socket.h. */
const FAMILIES = { any: 0, ipv4: 2, ipv6: 10 } as const;
export type LookupFamily = keyof typeof FAMILIES;
const TYPES = { any: 0, stream: 1, datagram: 2, raw: 3, rdm: 4, seqpacket: 5, dccp: 6 } as const;
export type LookupType = keyof typeof TYPES;
export const LOOKUP_FAMILIES = Object.keys(FAMILIES) as LookupFamily[];
export const LOOKUP_TYPES = Object.keys(TYPES) as LookupType[];

/** Protocols of netinet/in.h that getaddrinfo knows sockets for. */
const PROTOCOLS = {
  ip: 0,
  icmp: 1,
  tcp: 6,
  udp: 17,
  dccp: 33,
  'ipv6-icmp': 58,
  sctp: 132,
  udplite: 136,
} as const;
export const LOOKUP_PROTOCOLS = Object.keys(PROTOCOLS) as (keyof typeof PROTOCOLS)[];
export type LookupProtocol = keyof typeof PROTOCOLS;

export interface LookupQuestion {
  /** A name or an address in any spelling of inet_aton(3); null: the host itself, see AI_PASSIVE. */
  host: string | null;
  /** A name, or a port in digits. */
  service: string | null;
  family: LookupFamily;
  type: LookupType;
  protocol: LookupProtocol;
  flags: readonly LookupFlag[];
  timeoutMs: number;
}

/** A 5-tuple of getaddrinfo: four of them here, the canonical name stands beside. */
export interface FoundAddress {
  readonly family: 'ipv4' | 'ipv6';
  /** Of the socket that it is for; a number that has no name here is itself. */
  readonly type: string;
  readonly protocol: string;
  readonly address: string;
  readonly port: number;
  /** IPv6 only. */
  readonly flowInfo: number | null;
  /** IPv6 only: the index of the interface, 0 where the address needs none. */
  readonly scopeId: number | null;
}

export interface Lookup {
  /** In A-labels, as the resolver was asked. */
  asciiHost: string | null;
  canonicalName: string | null;
  addresses: FoundAddress[];
}

/** getaddrinfo(3). Fails with EINVAL, the EAI codes, ETIMEDOUT and LIMIT_REACHED. */
export async function lookup(question: LookupQuestion): Promise<Lookup> {
  const { service, family, type, protocol, flags, timeoutMs } = question;
  const asciiHost = question.host === null ? null : hostToAsk(question.host);
  if (asciiHost === null && service === null) throw notValid('host', 'must be given, or else a service');
  const found = await addressInfo(
    {
      host: asciiHost,
      service,
      flags: numberOf(flags, LOOKUP_FLAGS),
      family: FAMILIES[family],
      type: TYPES[type],
      protocol: PROTOCOLS[protocol],
    },
    timeoutMs,
  );
  return {
    asciiHost,
    canonicalName: found[0]?.canonicalName ?? null,
    addresses: found.map(addressOf),
  };
}

/** A name, an IPv4 address in any spelling, an IPv6 one with or without a zone. */
function hostToAsk(host: string): string {
  if (NUMERIC_IPV6.test(host)) return host;
  const { ascii } = parseName(host, 'host');
  // With a dot at its end a name is whole: the resolver appends no domain of its own.
  return host.endsWith('.') && ascii !== '.' ? `${ascii}.` : ascii;
}

const NUMERIC_IPV6 = /^[0-9a-f:.]*:[0-9a-f:.]*(?:%[A-Za-z0-9._-]{1,15})?$/i;

function numberOf<Name extends string>(
  names: readonly Name[],
  table: Readonly<Record<Name, number>>,
): number {
  return names.reduce((all, name) => all | table[name], 0);
}

function nameOf(table: Readonly<Record<string, number>>, number: number): string {
  return Object.entries(table).find(([, value]) => value === number)?.[0] ?? String(number);
}

/** ip(7), ipv6(7): struct sockaddr_in and sockaddr_in6. A mapped address stays one: AI_V4MAPPED asked for it. */
function addressOf({ type, protocol, sockaddr }: AddressEntry): FoundAddress {
  const isIpv6 = sockaddr.readUInt16LE(0) === FAMILIES.ipv6;
  const packed = isIpv6 ? sockaddr.subarray(8, 24) : sockaddr.subarray(4, 8);
  return {
    family: isIpv6 ? 'ipv6' : 'ipv4',
    type: nameOf(TYPES, type),
    protocol: nameOf(PROTOCOLS, protocol),
    address: textOf(addressFromHex(packed.toString('hex'))),
    port: sockaddr.readUInt16BE(2),
    flowInfo: isIpv6 ? sockaddr.readUInt32BE(4) : null,
    scopeId: isIpv6 ? sockaddr.readUInt32LE(24) : null,
  };
}

export interface ReverseQuestion {
  address: Address;
  /** With a port or flags getnameinfo(3) is asked, else gethostbyaddr(3). */
  port: number | null;
  flags: readonly NameInfoFlag[];
  timeoutMs: number;
}

export interface Reverse extends HostEntry {
  /** Of getnameinfo: the name of the port, or its digits. */
  readonly service: string | null;
}

/** gethostbyaddr(3) or getnameinfo(3). Fails with the EAI codes, EINVAL, ETIMEDOUT and LIMIT_REACHED. */
export async function reverse({ address, port, flags, timeoutMs }: ReverseQuestion): Promise<Reverse> {
  const { family, zone } = address;
  const text = textOf(address);
  const end = { address: text + (zone === null ? '' : `%${zone}`), port: port ?? 0, family };
  if (port === null && flags.length === 0) return { ...(await reverseEntry(end, timeoutMs)), service: null };
  const { host, service } = await nameInfo(end, numberOf(flags, NAME_INFO_FLAGS), timeoutMs);
  return { name: host, aliases: [], addresses: [text], service };
}
