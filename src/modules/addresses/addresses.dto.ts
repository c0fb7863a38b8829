import { ApiProperty } from '@nestjs/swagger';
import {
  addressFromBinary,
  addressFromDecimal,
  addressFromHex,
  binaryOf,
  bytesOf,
  EMBEDDED_KINDS,
  embeddedIn,
  expandedOf,
  hexOf,
  ipv6Mapped,
  MULTICAST_SCOPES,
  multicastScopeOf,
  reverseNameOf,
  SCOPES,
  scopeOf,
  specialBlockOf,
  textOf,
  blockText,
  type Address,
  type AddressFamily,
  type Embedded,
  type MulticastScope,
  type Scope,
} from '../../network/index.js';
import { OneOf, Text } from '../common/fields.js';
import { invalid } from '../problems/problem.js';

export const FAMILIES = ['ipv4', 'ipv6'] as const;

export class AddressesQuery {
  @Text({
    description: 'The packed form in hexadecimal: 8 digits for IPv4, 32 for IPv6',
    optional: true,
    maxLength: 34,
    example: '97654cdf',
  })
  hex?: string;

  @Text({ description: 'The packed form in bits: 32 for IPv4, 128 for IPv6', optional: true, maxLength: 130 })
  binary?: string;

  @Text({
    description: 'The address as one number. What fits into 32 bits is IPv4 unless `family` says otherwise',
    optional: true,
    maxLength: 39,
  })
  decimal?: string;

  @OneOf(FAMILIES, { description: 'Which family is meant, or expected', optional: true })
  family?: AddressFamily;
}

export class SpecialBlockDto {
  @ApiProperty({ example: '10.0.0.0/8' })
  network!: string;

  @ApiProperty({ example: 'Private-Use' })
  name!: string;

  @ApiProperty({ description: 'Where it is defined', example: 'RFC 1918' })
  reference!: string;

  @ApiProperty({
    type: 'boolean',
    nullable: true,
    description: 'Whether packets to it cross the Internet; null: it depends',
  })
  globallyReachable!: boolean | null;
}

export class EmbeddedDto {
  @ApiProperty({ enum: EMBEDDED_KINDS })
  kind!: Embedded['kind'];

  @ApiProperty({ description: "The IPv4 address; of Teredo, the client's", example: '192.0.2.45' })
  address!: string;

  @ApiProperty({ type: 'string', nullable: true, description: 'Teredo only: the server' })
  server!: string | null;

  @ApiProperty({
    type: 'integer',
    nullable: true,
    description: 'Teredo only: the port that the NAT gave the client',
  })
  port!: number | null;
}

export class AddressFormsDto {
  @ApiProperty({
    description: 'The normal form, of inet_ntop(3) and RFC 5952; without the zone',
    example: '151.101.76.223',
  })
  address!: string;

  @ApiProperty({ enum: FAMILIES })
  family!: AddressFamily;

  @ApiProperty({ type: 'string', nullable: true, description: 'The interface behind `%` (RFC 4007)' })
  zone!: string | null;

  @ApiProperty({ description: 'The packed form, in network order', example: '97654cdf' })
  hex!: string;

  @ApiProperty({ example: '10010111011001010100110011011111' })
  binary!: string;

  @ApiProperty({ description: 'One number; as text, because IPv6 needs 39 digits', example: '2539998431' })
  decimal!: string;

  @ApiProperty({ type: [Number], example: [151, 101, 76, 223] })
  bytes!: number[];

  @ApiProperty({
    type: 'string',
    nullable: true,
    description: 'IPv6 with all its digits; null for IPv4',
    example: null,
  })
  expanded!: string | null;

  @ApiProperty({
    enum: SCOPES,
    description:
      'How far it reaches. `special`: see there. `reserved`: not given out yet. A v4-mapped address has the scope of the IPv4 one',
  })
  scope!: Scope;

  @ApiProperty({ enum: [...MULTICAST_SCOPES, null], type: 'string', nullable: true })
  multicastScope!: MulticastScope | null;

  @ApiProperty({
    type: SpecialBlockDto,
    nullable: true,
    description: "The entry in IANA's registries of special-purpose addresses (RFC 6890)",
  })
  special!: SpecialBlockDto | null;

  @ApiProperty({ description: 'Name of its PTR record', example: '223.76.101.151.in-addr.arpa' })
  reverseName!: string;

  @ApiProperty({
    type: 'string',
    nullable: true,
    description: 'IPv4 as an IPv6 socket shows it; null for IPv6',
    example: '::ffff:151.101.76.223',
  })
  ipv6Mapped!: string | null;

  @ApiProperty({ type: EmbeddedDto, nullable: true, description: 'The IPv4 address in an IPv6 one' })
  embedded!: EmbeddedDto | null;
}

export function addressDto(address: Address): AddressFormsDto {
  const isIpv4 = address.family === 'ipv4';
  return {
    address: textOf(address),
    family: address.family,
    zone: address.zone,
    hex: hexOf(address),
    binary: binaryOf(address),
    decimal: address.value.toString(),
    bytes: bytesOf(address),
    expanded: isIpv4 ? null : expandedOf(address),
    scope: scopeOf(address),
    multicastScope: multicastScopeOf(address),
    special: specialDto(address),
    reverseName: reverseNameOf(address),
    ipv6Mapped: isIpv4 ? ipv6Mapped(address) : null,
    embedded: embeddedDto(address),
  };
}

function specialDto(address: Address): SpecialBlockDto | null {
  const found = specialBlockOf(address);
  if (found === null) return null;
  const { block, name, reference, globallyReachable } = found;
  return { network: blockText(block), name, reference, globallyReachable };
}

function embeddedDto(address: Address): EmbeddedDto | null {
  const found = embeddedIn(address);
  if (found === null) return null;
  const { kind, server, port } = found;
  return { kind, address: textOf(found.address), server: server === null ? null : textOf(server), port };
}

/** The one form that the query gives. */
export function addressOf({ hex, binary, decimal, family }: AddressesQuery): Address {
  const given = [
    hex === undefined ? null : () => addressFromHex(hex, family),
    binary === undefined ? null : () => addressFromBinary(binary, family),
    decimal === undefined ? null : () => addressFromDecimal(decimal, family),
  ].filter((form) => form !== null);
  const [read] = given;
  if (read === undefined || given.length > 1)
    throw invalid([{ pointer: '', detail: 'exactly one of hex, binary and decimal must be given' }]);
  return read();
}
