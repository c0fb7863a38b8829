import { applyDecorators } from '@nestjs/common';
import { ApiProperty, ApiPropertyOptional } from '@nestjs/swagger';
import { Type } from 'class-transformer';
import { IsObject, ValidateIf, ValidateNested } from 'class-validator';
import { decode, type Destination, type Encoding, type ReceivedDatagram } from '../../sockets/index.js';
import { invalid } from '../problems/problem.js';
import { Host, NumericAddress, Port, Text } from './fields.js';
import { ADDRESS_REFS, AddressDto, addressDto, UnixAddressDto } from './address.dto.js';

/** Where a datagram goes: `address` or `host` with `port`, or `path`. */
export class DestinationDto {
  @NumericAddress({
    description: 'Numeric address; a link-local one may name its interface (`ff02::1%eth0`)',
    optional: true,
    example: '127.0.0.1',
  })
  address?: string;

  @Host({ description: 'Name, resolved for each datagram', optional: true })
  host?: string;

  @Port({ description: 'With `address` or `host`', optional: true, example: 7007 })
  port?: number;

  @Text({ description: 'File of a Unix socket', optional: true, maxLength: 100 })
  path?: string;
}

export function DestinationField(): PropertyDecorator {
  return applyDecorators(
    ApiPropertyOptional({
      type: DestinationDto,
      description: 'Of a datagram: where to. Without it, to the connected peer',
    }),
    ValidateIf((_, value) => value !== undefined),
    IsObject(),
    ValidateNested(),
    Type(() => DestinationDto),
  );
}

export function destinationOf({ address, host, port, path }: DestinationDto): Destination {
  const given = [address, host, path].filter((value) => value !== undefined).length;
  if (given !== 1 || (path === undefined) !== (port !== undefined)) {
    const detail = 'must be {address, port}, {host, port} or {path}';
    throw invalid([{ pointer: '/to', detail }]);
  }
  return path === undefined ? { host: (address ?? host) as string, port: port as number } : { path };
}

export class DatagramDto {
  @ApiProperty({
    type: 'integer',
    description: 'Its offset: one more than that of the one before',
    example: 0,
  })
  sequence!: number;

  @ApiProperty({
    format: 'date-time',
    description: 'When the kernel received it, to the microsecond',
    example: '2026-01-01T00:00:00.123456Z',
  })
  time!: string;

  @ApiProperty({ oneOf: ADDRESS_REFS, description: 'Who sent it' })
  from!: AddressDto | UnixAddressDto;

  @ApiProperty({ type: 'integer', description: 'Length of the payload', example: 1 })
  bytes!: number;

  @ApiProperty({ example: 'a' })
  data!: string;

  @ApiProperty({ description: 'Some bytes were not valid in that encoding and are shown as U+FFFD' })
  lossy!: boolean;

  @ApiPropertyOptional({
    type: 'integer',
    description: 'Of an ICMP reply: number of the request',
    example: 1,
  })
  icmpSequence?: number;

  @ApiPropertyOptional({
    type: 'integer',
    description: 'Of an ICMP reply: TTL or hop limit it came with',
    example: 64,
  })
  ttl?: number;

  @ApiPropertyOptional({
    type: 'number',
    nullable: true,
    description: 'Of an ICMP reply: from the request to the reply; null when there was no such request',
    example: 0.042,
  })
  rttMs?: number | null;
}

export function datagramDto(
  { sequence, timeMicros, from, payload, echo }: ReceivedDatagram,
  encoding: Encoding,
): DatagramDto {
  const { data, lossy } = decode(payload, encoding, true);
  const time = isoMicros(timeMicros);
  return { sequence, time, from: addressDto(from), bytes: payload.length, data, lossy, ...echo };
}

/** ISO 8601 with all that the kernel's clock says. */
export function isoMicros(micros: number): string {
  const iso = new Date(Math.floor(micros / 1000)).toISOString();
  return `${iso.slice(0, -1)}${String(micros % 1000).padStart(3, '0')}Z`;
}
