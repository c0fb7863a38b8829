/** Numbers and names of IANA's registries of DNS parameters. */

/** Types that are asked for by name. What else comes in an answer is decoded where `rdata.ts` knows how. */
export const RECORD_TYPES = {
  A: 1,
  NS: 2,
  CNAME: 5,
  SOA: 6,
  PTR: 12,
  HINFO: 13,
  MX: 15,
  TXT: 16,
  AAAA: 28,
  SRV: 33,
  NAPTR: 35,
  DNAME: 39,
  DS: 43,
  RRSIG: 46,
  NSEC: 47,
  DNSKEY: 48,
  NSEC3: 50,
  NSEC3PARAM: 51,
  TLSA: 52,
  CDS: 59,
  CDNSKEY: 60,
  SVCB: 64,
  HTTPS: 65,
  CAA: 257,
} as const;

/** EDNS(0), RFC 6891: no record, although it looks like one. */
export const OPT = 41;
export const CLASS_IN = 1;

const TYPE_NAMES = new Map<number, string>(Object.entries(RECORD_TYPES).map(([name, type]) => [type, name]));
const CLASS_NAMES = new Map([
  [1, 'IN'],
  [3, 'CH'],
  [4, 'HS'],
  [254, 'NONE'],
  [255, 'ANY'],
]);

export const RCODES = [
  ...['NOERROR', 'FORMERR', 'SERVFAIL', 'NXDOMAIN', 'NOTIMP', 'REFUSED', 'YXDOMAIN', 'YXRRSET', 'NXRRSET'],
  ...['NOTAUTH', 'NOTZONE'],
];
const FURTHER_RCODES = new Map([
  [16, 'BADVERS'],
  [23, 'BADCOOKIE'],
]);

/** As RFC 3597 writes a type without a name: TYPE731. */
export function typeName(type: number): string {
  return TYPE_NAMES.get(type) ?? `TYPE${String(type)}`;
}

export function className(number: number): string {
  return CLASS_NAMES.get(number) ?? `CLASS${String(number)}`;
}

export function rcodeName(rcode: number): string {
  return RCODES[rcode] ?? FURTHER_RCODES.get(rcode) ?? `RCODE${String(rcode)}`;
}
