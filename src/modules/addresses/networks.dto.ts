import { ApiProperty } from '@nestjs/swagger';
import {
  blockContains,
  blockText,
  broadcastOf,
  lastOf,
  maskOf,
  parseAddress,
  parseBlock,
  partCount,
  relationOf,
  RELATIONS,
  sizeOf,
  split,
  textOf,
  WIDTH,
  type AddressFamily,
  type Block,
  type Relation,
} from '../../network/index.js';
import { Int, Text } from '../common/fields.js';
import { invalid } from '../problems/problem.js';
import { FAMILIES } from './addresses.dto.js';

const MAX_CIDR = 68;

export class NetworkQuery {
  @Text({
    description: 'A network as `address/prefix`; bits of the address behind the prefix do not count',
    maxLength: MAX_CIDR,
    example: '192.0.2.0/24',
  })
  cidr!: string;

  @Text({ description: 'Is this address in it?', optional: true, maxLength: MAX_CIDR, example: '192.0.2.77' })
  address?: string;

  @Text({ description: 'How does it stand to this network?', optional: true, maxLength: MAX_CIDR })
  other?: string;

  @Int({
    description: 'Split it into networks with this prefix length',
    query: true,
    optional: true,
    min: 0,
    max: 128,
    example: 26,
  })
  newPrefix?: number;

  @Int({ description: 'How many parts at most', query: true, default: 100, min: 1, max: 1000 })
  limit: number = 100;

  @Text({ description: '`nextCursor` of the page before', optional: true, maxLength: 64 })
  cursor?: string;
}

export class SubnetsDto {
  @ApiProperty({ type: 'integer', example: 26 })
  prefix!: number;

  @ApiProperty({ description: 'How many there are; as text, because it can be 2^128', example: '4' })
  count!: string;

  @ApiProperty({ type: [String], example: ['192.0.2.0/26', '192.0.2.64/26'] })
  items!: string[];

  @ApiProperty({ type: 'string', nullable: true, description: 'Pass it as `cursor`; null at the end' })
  nextCursor!: string | null;
}

export class NetworkDto {
  @ApiProperty({ description: 'The normal form', example: '192.0.2.0/24' })
  cidr!: string;

  @ApiProperty({ enum: FAMILIES })
  family!: AddressFamily;

  @ApiProperty({ type: 'integer', example: 24 })
  prefix!: number;

  @ApiProperty({ example: '192.0.2.0' })
  first!: string;

  @ApiProperty({ example: '192.0.2.255' })
  last!: string;

  @ApiProperty({
    type: 'string',
    nullable: true,
    description: 'Null for IPv6, and where there is none: /31 (RFC 3021) and /32',
    example: '192.0.2.255',
  })
  broadcast!: string | null;

  @ApiProperty({ description: 'How many addresses; as text, because it can be 2^128', example: '256' })
  size!: string;

  @ApiProperty({ example: '255.255.255.0' })
  netmask!: string;

  @ApiProperty({ description: 'The netmask, inverted', example: '0.0.0.255' })
  wildcard!: string;

  @ApiProperty({
    type: 'boolean',
    nullable: true,
    description: 'Whether `address` is in it; null: not asked',
  })
  contains!: boolean | null;

  @ApiProperty({
    enum: [...RELATIONS, null],
    type: 'string',
    nullable: true,
    description: 'How it stands to `other`: `contains` it, is `within` it ... Null: not asked',
  })
  relation!: Relation | null;

  @ApiProperty({ type: SubnetsDto, nullable: true, description: 'The parts; null: not asked' })
  subnets!: SubnetsDto | null;
}

/** All that the query asks about a network. */
export function networkDto(query: NetworkQuery): NetworkDto {
  const block = parseBlock(query.cidr);
  const { family, prefix } = block;
  const text = (value: bigint): string => textOf({ family, value, zone: null });
  const broadcast = broadcastOf(block);
  return {
    cidr: blockText(block),
    family,
    prefix,
    first: text(block.first),
    last: text(lastOf(block)),
    broadcast: broadcast === null ? null : text(broadcast),
    size: sizeOf(block).toString(),
    netmask: text(maskOf(family, prefix)),
    wildcard: text(maskOf(family, WIDTH[family]) ^ maskOf(family, prefix)),
    contains: query.address === undefined ? null : blockContains(block, parseAddress(query.address)),
    relation: query.other === undefined ? null : relationOf(block, parseBlock(query.other, 'other')),
    subnets: query.newPrefix === undefined ? null : subnetsDto(block, query.newPrefix, query),
  };
}

function subnetsDto(block: Block, prefix: number, { limit, cursor }: NetworkQuery): SubnetsDto {
  const count = partCount(block, prefix);
  const from = positionOf(cursor, count);
  const items = split(block, prefix, from, limit).map(blockText);
  const next = from + BigInt(items.length);
  return {
    prefix,
    count: count.toString(),
    items,
    nextCursor: next < count ? `n${next.toString(16)}` : null,
  };
}

/** Numbers of parts go beyond 2^53: the cursor holds one in hexadecimal. */
function positionOf(cursor: string | undefined, count: bigint): bigint {
  if (cursor === undefined) return 0n;
  const digits = /^n([0-9a-f]{1,33})$/.exec(cursor)?.[1];
  const position = digits === undefined ? count : BigInt(`0x${digits}`);
  if (position < count) return position;
  throw invalid([{ pointer: '/cursor', detail: 'is not a cursor of this list' }]);
}
