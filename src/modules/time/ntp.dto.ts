import { ApiProperty } from '@nestjs/swagger';
import {
  isoTime,
  referenceText,
  timestampOf,
  wallNsOf,
  type Leap,
  type NtpComparison,
  type NtpReading,
  type NtpSample,
  type ServerOutcome,
} from '../../network/index.js';
import type { SocketError } from '../../sockets/index.js';
import { SystemReasonDto } from '../common/socket.dto.js';

export class NtpSampleDto {
  @ApiProperty({ description: "How far the server's clock is ahead of this host's", example: 0.31 })
  offsetMs!: number;

  @ApiProperty({ description: 'The round trip without the time the server took', example: 0.2 })
  delayMs!: number;

  @ApiProperty({ description: 'How far the offset may be wrong for precision and drift', example: 0.002 })
  dispersionMs!: number;

  @ApiProperty({ description: 'The question left, by the clock of this host', format: 'date-time' })
  originTime!: string;

  @ApiProperty({ description: "The question came, by the server's clock", format: 'date-time' })
  receiveTime!: string;

  @ApiProperty({ description: "The answer left, by the server's clock", format: 'date-time' })
  transmitTime!: string;

  @ApiProperty({ description: 'The answer came, by the clock of this host', format: 'date-time' })
  destinationTime!: string;
}

export class NtpReadingDto {
  @ApiProperty({ description: 'Its name or address, as asked for', example: '127.0.0.1' })
  server!: string;

  @ApiProperty({ description: 'The address that answered', example: '127.0.0.1' })
  address!: string;

  @ApiProperty({ type: 'integer', example: 123 })
  port!: number;

  @ApiProperty({ description: "How far the server's clock is ahead of this host's", example: 0.31 })
  offsetMs!: number;

  @ApiProperty({ description: 'Of the sample that counts', example: 0.2 })
  delayMs!: number;

  @ApiProperty({ description: 'Of the sample that counts', example: 0.002 })
  dispersionMs!: number;

  @ApiProperty({
    description: 'Root mean square of what the other samples differ; the precision, where there is one',
    example: 0.001,
  })
  jitterMs!: number;

  @ApiProperty({ type: 'integer', description: '1: has a reference clock', minimum: 1, maximum: 15 })
  stratum!: number;

  @ApiProperty({
    description:
      'What it takes its time from: of stratum 1 a clock (`GPS`), of others the IPv4 address of their server, or the ' +
      'beginning of the hash of an IPv6 one',
    example: '127.127.1.1',
  })
  referenceId!: string;

  @ApiProperty({ description: 'Its four bytes', example: '7f7f0101' })
  referenceIdHex!: string;

  @ApiProperty({ enum: ['none', 'insert', 'delete'], description: 'The last minute of the month' })
  leap!: Leap;

  @ApiProperty({ type: 'integer', example: 4 })
  version!: number;

  @ApiProperty({ description: 'Round trip from the server to its reference clock', example: 0 })
  rootDelayMs!: number;

  @ApiProperty({ description: 'How far the server may be from it', example: 1 })
  rootDispersionMs!: number;

  @ApiProperty({ description: 'How far from the truth `offsetMs` may be, all told', example: 1.2 })
  rootDistanceMs!: number;

  @ApiProperty({ description: "Of the server's clock", example: 0.0001 })
  precisionMs!: number;

  @ApiProperty({ description: 'Time between two questions that the server wishes', example: 64 })
  pollSeconds!: number;

  @ApiProperty({
    type: 'string',
    format: 'date-time',
    nullable: true,
    description: "The server's clock was last set; null: it does not say",
  })
  referenceTime!: string | null;

  @ApiProperty({ format: 'date-time', description: 'Of the server, when its answer left' })
  serverTime!: string;

  @ApiProperty({ type: [NtpSampleDto], description: 'Every round trip that was answered' })
  samples!: NtpSampleDto[];

  @ApiProperty({ type: 'integer', description: 'Questions without an answer', example: 0 })
  lost!: number;

  @ApiProperty({ type: 'integer', description: 'Packets that came and were no answer to them', example: 0 })
  ignored!: number;

  @ApiProperty({
    type: SystemReasonDto,
    nullable: true,
    description: 'What ended the questions early, as a kiss-of-death after good answers; else null',
  })
  endedBy!: SystemReasonDto | null;
}

/** What came of one of several servers. */
export class NtpServerDto {
  @ApiProperty({ description: 'Its name or address, as asked for', example: '127.0.0.1' })
  server!: string;

  @ApiProperty({ type: 'integer', example: 123 })
  port!: number;

  @ApiProperty({ type: NtpReadingDto, nullable: true, description: 'null: see `error`' })
  reading!: NtpReadingDto | null;

  @ApiProperty({ type: SystemReasonDto, nullable: true })
  error!: SystemReasonDto | null;
}

export class NtpDto extends NtpReadingDto {
  @ApiProperty({
    type: [NtpServerDto],
    description: 'Every server, in the order of the question; the fields above are those of the surest one',
  })
  servers!: NtpServerDto[];
}

export function ntpDto({ chosen, outcomes }: NtpComparison): NtpDto {
  return { ...readingDto(chosen.host, chosen.reading), servers: outcomes.map(serverDto) };
}

function serverDto(outcome: ServerOutcome): NtpServerDto {
  const { host: server, port } = outcome;
  if ('reading' in outcome)
    return { server, port, reading: readingDto(server, outcome.reading), error: null };
  return { server, port, reading: null, error: reasonDto(outcome.error) };
}

function reasonDto({ code, errno, message }: SocketError): SystemReasonDto {
  return { code, errno: errno ?? null, message };
}

function readingDto(server: string, reading: NtpReading): NtpReadingDto {
  const { packet, best, remote, jitterMs, rootDistanceMs, samples, lost, ignored, endedBy } = reading;
  const { offsetMs, delayMs, dispersionMs, sentNs, serverSentNs } = best;
  const reference = wallNsOf(packet.reference, { timestamp: timestampOf(sentNs), wallNs: sentNs });
  return {
    server,
    address: remote.address,
    port: remote.port,
    offsetMs,
    delayMs,
    dispersionMs,
    jitterMs,
    stratum: packet.stratum,
    referenceId: referenceText(packet),
    referenceIdHex: packet.referenceId.toString('hex'),
    leap: packet.leap,
    version: packet.version,
    rootDelayMs: packet.rootDelayMs,
    rootDispersionMs: packet.rootDispersionMs,
    rootDistanceMs,
    precisionMs: packet.precisionMs,
    pollSeconds: packet.pollSeconds,
    referenceTime: reference === null ? null : isoTime(reference, 0),
    serverTime: isoTime(serverSentNs, 0),
    samples: samples.map(sampleDto),
    lost,
    ignored,
    endedBy: endedBy === null ? null : reasonDto(endedBy),
  };
}

function sampleDto(sample: NtpSample): NtpSampleDto {
  const { offsetMs, delayMs, dispersionMs } = sample;
  return {
    offsetMs,
    delayMs,
    dispersionMs,
    originTime: isoTime(sample.sentNs, 0),
    receiveTime: isoTime(sample.serverReceivedNs, 0),
    transmitTime: isoTime(sample.serverSentNs, 0),
    destinationTime: isoTime(sample.receivedNs, 0),
  };
}
