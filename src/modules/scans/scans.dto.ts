import { ApiProperty } from '@nestjs/swagger';
import {
  errnoName,
  PORT_STATES,
  SCAN_STATES,
  type PortState,
  type Scan,
  type ScanResult,
  type ScanState,
} from '../../sockets/index.js';
import { Int, OneOf, Text } from '../common/fields.js';
import { invalid } from '../problems/problem.js';

const NEXT = { type: 'string', nullable: true } as const;

export class ScansQuery {
  @Int({ description: 'How many at most', query: true, default: 100, min: 1, max: 1000 })
  limit: number = 100;

  @Text({ description: '`nextCursor` of the page before', optional: true, maxLength: 64 })
  cursor?: string;
}

export class PortStateQuery {
  @OneOf(PORT_STATES, { description: 'Only ports in this state', optional: true })
  state?: PortState;
}

export class ScanResultsQuery extends PortStateQuery {
  @Int({ description: 'How many results at most', query: true, default: 1000, min: 1, max: 1000 })
  limit: number = 1000;

  @Text({ description: '`nextCursor` of the page before', optional: true, maxLength: 64 })
  cursor?: string;
}

export class ScanResultDto {
  @ApiProperty({ description: 'As it was asked for', example: 'localhost' })
  host!: string;

  @ApiProperty({ example: '127.0.0.1' })
  address!: string;

  @ApiProperty({ type: 'integer', example: 22 })
  port!: number;

  @ApiProperty({
    enum: PORT_STATES,
    description:
      '`open`: it connected. `closed`: ECONNREFUSED. `filtered`: no answer in time (ETIMEDOUT), or that of a router',
  })
  state!: PortState;

  @ApiProperty({
    type: 'string',
    nullable: true,
    description: "What TCP's port is for, by /v1/services",
    example: 'ssh',
  })
  service!: string | null;

  @ApiProperty({ type: 'integer', nullable: true, description: 'errno(3) of the connect', example: 111 })
  errno!: number | null;

  @ApiProperty({
    type: 'string',
    nullable: true,
    description: 'Its name. `ADDRESS_BLOCKED`: the port of this service itself, to which nothing was sent',
    example: 'ECONNREFUSED',
  })
  code!: string | null;

  @ApiProperty({
    type: 'string',
    nullable: true,
    description: 'The first words of an open port as UTF-8, at most 256 bytes, where `banner` asked for them',
    example: 'SSH-2.0-OpenSSH_9.2\r\n',
  })
  banner!: string | null;
}

export class ScanProgressDto {
  @ApiProperty({ type: 'integer', description: 'Ports of which something is known', example: 7 })
  done!: number;

  @ApiProperty({ type: 'integer', example: 7 })
  total!: number;
}

export class PortCountsDto implements Record<PortState, number> {
  @ApiProperty({ type: 'integer', example: 1 })
  open!: number;

  @ApiProperty({ type: 'integer', example: 6 })
  closed!: number;

  @ApiProperty({ type: 'integer', example: 0 })
  filtered!: number;
}

export class ScanDto {
  @ApiProperty({ example: 'scn_5f0c9a1e7d5b4c559d1e0c6f' })
  id!: string;

  @ApiProperty({ type: 'string', nullable: true, example: 'demo-scan' })
  name!: string | null;

  @ApiProperty({ enum: SCAN_STATES })
  state!: ScanState;

  @ApiProperty({ format: 'date-time' })
  createdAt!: string;

  @ApiProperty({ type: 'string', format: 'date-time', nullable: true })
  finishedAt!: string | null;

  @ApiProperty({ type: 'integer', description: 'How many addresses are scanned', example: 1 })
  addresses!: number;

  @ApiProperty({ type: ScanProgressDto })
  progress!: ScanProgressDto;

  @ApiProperty({ type: PortCountsDto, description: 'Of the results so far' })
  counts!: PortCountsDto;
}

export class ScanReportDto extends ScanDto {
  @ApiProperty({ type: [ScanResultDto], description: 'In the order in which they became known' })
  results!: ScanResultDto[];

  @ApiProperty({
    ...NEXT,
    description: 'Pass it as `cursor`. While the scan runs there is always one: more may come',
  })
  nextCursor!: string | null;
}

export class ScanListDto {
  @ApiProperty({ type: [ScanDto] })
  items!: ScanDto[];

  @ApiProperty({ ...NEXT, description: 'Pass it as `cursor`; null at the end' })
  nextCursor!: string | null;
}

export function scanDto(scan: Scan): ScanDto {
  const { id, state, createdAt, finishedAt, targets, results, settings } = scan;
  return {
    id,
    name: settings.name,
    state,
    createdAt: new Date(createdAt).toISOString(),
    finishedAt: finishedAt === null ? null : new Date(finishedAt).toISOString(),
    addresses: targets.length,
    progress: { done: results.length, total: results.total },
    counts: { ...results.counts },
  };
}

export type Names = ReadonlyMap<number, string>;

export function scanReport(scan: Scan, names: Names, query: ScanResultsQuery): ScanReportDto {
  const { items, next } = scan.page(positionOf(query.cursor), query.limit, query.state ?? null);
  const isEnd = scan.state !== 'running' && next >= scan.results.length;
  const results = items.map((item) => scanResultDto(item, names));
  return { ...scanDto(scan), results, nextCursor: isEnd ? null : cursorOf(next) };
}

export function scanResultDto(result: ScanResult, names: Names): ScanResultDto {
  const { host, address, port, state, errno, isBlocked, banner } = result;
  const code = isBlocked ? 'ADDRESS_BLOCKED' : errno === 0 ? null : errnoName(errno);
  return {
    host,
    address,
    port,
    state,
    service: names.get(port) ?? null,
    errno: errno === 0 ? null : errno,
    code,
    banner: banner?.toString('utf8') ?? null,
  };
}

/** The oldest first. */
export function scanList(scans: readonly Scan[], { limit, cursor }: ScansQuery): ScanListDto {
  const after = positionOf(cursor);
  const left = scans.filter(({ sequence }) => sequence > after);
  const items = left.slice(0, limit);
  const last = items.at(-1);
  const nextCursor = left.length > items.length && last !== undefined ? cursorOf(last.sequence) : null;
  return { items: items.map(scanDto), nextCursor };
}

function cursorOf(position: number): string {
  return `r${position.toString(36)}`;
}

function positionOf(cursor: string | undefined): number {
  if (cursor === undefined) return 0;
  const digits = /^r([0-9a-z]{1,9})$/.exec(cursor)?.[1];
  if (digits !== undefined) return parseInt(digits, 36);
  throw invalid([{ pointer: '/cursor', detail: 'is not a cursor of this list' }]);
}
