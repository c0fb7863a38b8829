import { ApiProperty } from '@nestjs/swagger';
import {
  LOOKUP_FAMILIES,
  LOOKUP_FLAGS,
  LOOKUP_PROTOCOLS,
  LOOKUP_TYPES,
  lookup,
  NAME_INFO_FLAGS,
  parseAddress,
  reverse,
  textOf,
  type FoundAddress,
  type LookupFamily,
  type LookupFlag,
  type LookupProtocol,
  type LookupType,
  type NameInfoFlag,
} from '../../network/index.js';
import { Int, OneOf, Port, Text } from '../common/fields.js';

/** Names of flags in a query: `AI_PASSIVE,AI_NUMERICSERV`, or none. */
function Flags(
  names: readonly string[],
  options: { description: string; default?: string },
): PropertyDecorator {
  const one = names.join('|');
  const pattern = new RegExp(`^$|^(${one})(,(${one}))*$`);
  return Text({ ...options, optional: true, maxLength: 200, pattern });
}

function flagsIn<Name extends string>(list: string): Name[] {
  return list === '' ? [] : (list.split(',') as Name[]);
}

class LookupTimeQuery {
  @Int({
    description: 'How long to wait for the resolver. Its answer after that is lost',
    query: true,
    default: 10_000,
    min: 1,
    max: 60_000,
  })
  timeoutMs: number = 10_000;
}

export class LookupQuery extends LookupTimeQuery {
  @Text({
    description:
      'A name, also one with letters of any script (it is asked for in A-labels), or an address. Without it: the host itself, for `service`',
    optional: true,
    maxLength: 1024,
    example: 'localhost',
  })
  host?: string;

  @Text({
    description: 'The name of a service, or a port',
    optional: true,
    maxLength: 64,
    pattern: /^[!-~]+$/,
    example: 'http',
  })
  service?: string;

  @OneOf(LOOKUP_FAMILIES, { description: 'AF_UNSPEC, AF_INET or AF_INET6', default: 'any' })
  family: LookupFamily = 'any';

  @OneOf(LOOKUP_TYPES, { description: 'Type of the sockets that the addresses are for', default: 'any' })
  type: LookupType = 'any';

  @OneOf(LOOKUP_PROTOCOLS, { description: 'Protocol of the sockets; `ip` is any', default: 'ip' })
  protocol: LookupProtocol = 'ip';

  @Flags(Object.keys(LOOKUP_FLAGS), {
    description: 'Flags of getaddrinfo(3), separated by commas; empty for none',
    default: 'AI_CANONNAME',
  })
  flags: string = 'AI_CANONNAME';
}

export class FoundAddressDto implements FoundAddress {
  @ApiProperty({ enum: ['ipv4', 'ipv6'] })
  family!: 'ipv4' | 'ipv6';

  @ApiProperty({
    description: 'SOCK_STREAM is `stream`. A type without a name here is its number',
    example: 'stream',
  })
  type!: string;

  @ApiProperty({ description: 'A protocol without a name here is its number', example: 'tcp' })
  protocol!: string;

  @ApiProperty({ example: '127.0.0.1' })
  address!: string;

  @ApiProperty({ type: 'integer', description: '0 without a service', example: 80 })
  port!: number;

  @ApiProperty({
    type: 'integer',
    nullable: true,
    description: 'sin6_flowinfo; null for IPv4',
    example: null,
  })
  flowInfo!: number | null;

  @ApiProperty({
    type: 'integer',
    nullable: true,
    description: 'sin6_scope_id, the index of an interface or 0; null for IPv4',
    example: null,
  })
  scopeId!: number | null;
}

export class LookupDto {
  @ApiProperty({ type: 'string', nullable: true, description: 'As it was asked for', example: 'localhost' })
  host!: string | null;

  @ApiProperty({
    type: 'string',
    nullable: true,
    description: 'As the resolver was asked: in A-labels (RFC 5890)',
    example: 'localhost',
  })
  asciiHost!: string | null;

  @ApiProperty({
    type: 'string',
    nullable: true,
    description: 'With AI_CANONNAME, which is the default; else null',
    example: 'localhost',
  })
  canonicalName!: string | null;

  @ApiProperty({ type: [FoundAddressDto], description: 'In the order of the C library (RFC 6724)' })
  addresses!: FoundAddressDto[];
}

export async function lookupDto({ flags, ...query }: LookupQuery): Promise<LookupDto> {
  const { host = null, service = null } = query;
  return { host, ...(await lookup({ ...query, host, service, flags: flagsIn<LookupFlag>(flags) })) };
}

export class ReverseQuery extends LookupTimeQuery {
  @Text({ description: 'A numeric address', maxLength: 64, example: '127.0.0.1' })
  address!: string;

  @Port({
    description:
      'With a port, or with `flags`, getnameinfo(3) is asked instead: its name of the address may be the digits',
    query: true,
    optional: true,
    min: 0,
  })
  port?: number;

  @Flags(Object.keys(NAME_INFO_FLAGS), { description: 'Flags of getnameinfo(3), separated by commas' })
  flags: string = '';
}

export class ReverseDto {
  @ApiProperty({ description: 'In its normal form', example: '127.0.0.1' })
  address!: string;

  @ApiProperty({ example: 'localhost' })
  name!: string;

  @ApiProperty({ type: [String], description: 'Other names: gethostbyaddr(3) only', example: [] })
  aliases!: readonly string[];

  @ApiProperty({ type: [String], example: ['127.0.0.1'] })
  addresses!: readonly string[];

  @ApiProperty({
    type: 'string',
    nullable: true,
    description: 'getnameinfo(3) only: the service of the port, or its digits',
    example: null,
  })
  service!: string | null;
}

export async function reverseDto({ flags, ...query }: ReverseQuery): Promise<ReverseDto> {
  const address = parseAddress(query.address);
  const { port = null, timeoutMs } = query;
  const found = await reverse({ address, port, flags: flagsIn<NameInfoFlag>(flags), timeoutMs });
  return { address: textOf(address), ...found };
}
