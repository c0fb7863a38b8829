/**
 * Questions about the network, without framework or HTTP. From the engine beside it come the error class, the one
 * place that asks the resolver, and the sockets of questions that go to a server.
 *
 *   address.ts        an address as a number; inet-aton.ts: every spelling of an IPv4 one
 *   address-text.ts   ... and back as text
 *   block.ts          networks: bounds, membership, parts
 *   scope.ts          how far an address reaches, by the table of special-blocks.ts
 *   embedded.ts       the IPv4 address in an IPv6 one
 *   byte-order.ts     htons and its sisters
 *   services.ts  protocols.ts   the tables of this host (native/netdb.ts: getservbyname and its sisters), and
 *                     IANA's (iana-*.ts) where the host has no entry
 *   host.ts           this host: its name, interfaces.ts, routes.ts, sysctls.ts
 *   clock.ts          its clock, and NTP timestamps
 *   ntp/              NTP: a packet, a round trip, a server, several of them
 *   time-protocols.ts daytime and time (RFC 867, 868)
 *   server-text.ts    a server as its callers write it
 *   time-socket.ts    the engine's socket that a question to a time server has for itself
 *   dns/              names. lookup.ts: the resolver of this host. records.ts: questions of our own to name servers;
 *                     transports.ts and https.ts bring them there, message.ts and below are what goes over the wire
 */
export {
  addressFromBinary,
  addressFromDecimal,
  addressFromHex,
  notValid,
  parseAddress,
  WIDTH,
  type Address,
  type AddressFamily,
} from './address.js';
export {
  binaryOf,
  bytesOf,
  expandedOf,
  hexOf,
  ipv6Mapped,
  maskOf,
  reverseNameOf,
  textOf,
} from './address-text.js';
export {
  blockContains,
  blockText,
  broadcastOf,
  lastOf,
  parseBlock,
  partCount,
  relationOf,
  RELATIONS,
  sizeOf,
  split,
  type Block,
  type Relation,
} from './block.js';
export { byteOrder, hostEndianness, parseUnsigned, type Bits, type ByteOrder } from './byte-order.js';
export { EMBEDDED_KINDS, embeddedIn, type Embedded } from './embedded.js';
export { MULTICAST_SCOPES, multicastScopeOf, scopeOf, specialBlockOf, type MulticastScope } from './scope.js';
export { SCOPES, type Scope, type SpecialBlock } from './special-blocks.js';
export { findProtocols, type Protocol, type ProtocolQuestion } from './protocols.js';
export { findServices, TABLES, type Service, type ServiceQuestion, type Table } from './services.js';
export { isoTime, ntpTimestamp, readClock, type LocalClock, type NtpTimestamp } from './clock.js';
export { describeHost, type Host } from './host.js';
export type { InterfaceAddress, NetworkInterface } from './interfaces.js';
export type { DefaultRoute } from './routes.js';
export type { SysctlValue } from './sysctls.js';
export { doAgree, isNoData } from './dns/agreement.js';
export { RECORD_TYPES } from './dns/codes.js';
export {
  SECTIONS,
  type DnsRecord,
  type Edns,
  type Flags,
  type Message,
  type Section,
} from './dns/message.js';
export { parseName } from './dns/name.js';
export type { DataValue } from './dns/rdata-shape.js';
export { parseType } from './dns/record-type.js';
export { askRecords, type RecordsQuestion, type ServerAnswer } from './dns/records.js';
export { TRANSPORTS, type Transport } from './dns/transports.js';
export {
  lookup,
  LOOKUP_FAMILIES,
  LOOKUP_FLAGS,
  LOOKUP_PROTOCOLS,
  LOOKUP_TYPES,
  NAME_INFO_FLAGS,
  reverse,
  type FoundAddress,
  type LookupFamily,
  type LookupFlag,
  type LookupProtocol,
  type LookupType,
  type NameInfoFlag,
} from './dns/lookup.js';
export { referenceText, type Leap, type NtpPacket } from './ntp/packet.js';
export type { NtpQuestion, NtpReading } from './ntp/query.js';
export type { NtpSample } from './ntp/sample.js';
export { compareServers, type NtpComparison, type ServerOutcome } from './ntp/servers.js';
export { nsBetween, timestampOf, wallNsOf } from './ntp/timestamp.js';
export { parseServer } from './server-text.js';
export { askDaytime, askTime, type Daytime, type ServerTime, type TimeQuestion } from './time-protocols.js';
