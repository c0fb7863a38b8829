import { ApiProperty } from '@nestjs/swagger';
import { isoTime, type Daytime, type ServerTime } from '../../network/index.js';

class HeardTimeDto {
  @ApiProperty({ description: 'Its name or address, as asked for', example: '127.0.0.1' })
  server!: string;

  @ApiProperty({ description: 'The address that answered', example: '127.0.0.1' })
  address!: string;

  @ApiProperty({ type: 'integer', example: 13 })
  port!: number;

  @ApiProperty({ description: 'The answer as it came', example: '343139370d0a' })
  hex!: string;

  @ApiProperty({ format: 'date-time', description: 'When it came, by the clock of this host' })
  receivedAt!: string;
}

export class DaytimeDto extends HeardTimeDto {
  @ApiProperty({
    description: "A line in a form of the server's own, as latin1",
    example: 'Saturday, November 21, 2026 12:00:00-UTC',
  })
  text!: string;
}

export class TimeProtocolDto extends HeardTimeDto {
  @ApiProperty({
    type: 'integer',
    description: 'Since 1900, as on the wire: of 2^32',
    example: 4_004_251_200,
  })
  seconds!: number;

  @ApiProperty({ format: 'date-time', description: "By the server's clock, to the second" })
  serverTime!: string;

  @ApiProperty({ description: "How far its clock is ahead of this host's, to a second", example: -412 })
  offsetMs!: number;
}

export function daytimeDto(server: string, heard: Daytime): DaytimeDto {
  return { ...heardDto(server, heard), text: heard.text };
}

export function timeProtocolDto(server: string, heard: ServerTime): TimeProtocolDto {
  return {
    ...heardDto(server, heard),
    seconds: heard.bytes.readUInt32BE(),
    serverTime: isoTime(heard.serverNs, 0),
    offsetMs: heard.offsetMs,
  };
}

function heardDto(server: string, { remote, bytes, receivedNs }: Daytime | ServerTime): HeardTimeDto {
  const { address, port } = remote;
  return { server, address, port, hex: bytes.toString('hex'), receivedAt: isoTime(receivedNs, 0) };
}
