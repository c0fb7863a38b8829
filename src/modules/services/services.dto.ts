import { ApiProperty } from '@nestjs/swagger';
import {
  findProtocols,
  findServices,
  TABLES,
  type Protocol,
  type Service,
  type Table,
} from '../../network/index.js';
import { Int, Port, Text } from '../common/fields.js';
import { invalid } from '../problems/problem.js';

class PageQuery {
  @Int({ description: 'How many at most', query: true, default: 100, min: 1, max: 1000 })
  limit: number = 100;

  @Text({ description: '`nextCursor` of the page before', optional: true, maxLength: 64 })
  cursor?: string;
}

/** What can stand in the files of services(5) and protocols(5). */
const NAME = { maxLength: 64, pattern: /^[!-~]+$/ };

export class ServicesQuery extends PageQuery {
  @Text({ description: 'A name or an alias', optional: true, ...NAME, example: 'http' })
  name?: string;

  @Port({ description: 'A port', query: true, optional: true, min: 0 })
  port?: number;

  @Text({ description: '`tcp`, `udp`, `sctp`, `dccp`. Without it: each of them', optional: true, ...NAME })
  protocol?: string;
}

export class ProtocolsQuery extends PageQuery {
  @Text({ description: 'A name or an alias', optional: true, ...NAME, example: 'tcp' })
  name?: string;

  @Int({
    description: 'A protocol number; those of the IP header end at 255',
    query: true,
    optional: true,
    min: 0,
    max: 65_535,
  })
  number?: number;
}

const SOURCE = { enum: TABLES, description: "This host's table, or IANA's where the host has no entry" };
const NEXT = { type: 'string', nullable: true, description: 'Pass it as `cursor`; null at the end' } as const;

export class ServiceDto implements Service {
  @ApiProperty({ example: 'http' })
  name!: string;

  @ApiProperty({ type: 'integer', example: 80 })
  port!: number;

  @ApiProperty({ example: 'tcp' })
  protocol!: string;

  @ApiProperty({ type: [String], description: 'Other names of the same', example: ['www'] })
  aliases!: readonly string[];

  @ApiProperty(SOURCE)
  source!: Table;
}

export class ServiceListDto {
  @ApiProperty({ type: [ServiceDto] })
  items!: ServiceDto[];

  @ApiProperty(NEXT)
  nextCursor!: string | null;
}

export class ProtocolDto implements Protocol {
  @ApiProperty({ example: 'tcp' })
  name!: string;

  @ApiProperty({ type: 'integer', example: 6 })
  number!: number;

  @ApiProperty({ type: [String], description: 'Other names of the same', example: ['TCP'] })
  aliases!: readonly string[];

  @ApiProperty(SOURCE)
  source!: Table;
}

export class ProtocolListDto {
  @ApiProperty({ type: [ProtocolDto] })
  items!: ProtocolDto[];

  @ApiProperty(NEXT)
  nextCursor!: string | null;
}

export async function serviceList(query: ServicesQuery): Promise<ServiceListDto> {
  return pageOf(await findServices(query), query);
}

export async function protocolList(query: ProtocolsQuery): Promise<ProtocolListDto> {
  return pageOf(await findProtocols(query), query);
}

/** The tables stand still: a cursor is the number of the next entry. */
function pageOf<T>(all: T[], { limit, cursor }: PageQuery): { items: T[]; nextCursor: string | null } {
  const from = cursor === undefined ? 0 : positionOf(cursor);
  const next = from + limit;
  return { items: all.slice(from, next), nextCursor: next < all.length ? `n${next.toString(36)}` : null };
}

function positionOf(cursor: string): number {
  const digits = /^n([0-9a-z]{1,6})$/.exec(cursor)?.[1];
  if (digits === undefined) throw invalid([{ pointer: '/cursor', detail: 'is not a cursor of this list' }]);
  return parseInt(digits, 36);
}
