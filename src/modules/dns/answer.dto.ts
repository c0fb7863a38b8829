import { ApiProperty } from '@nestjs/swagger';
import {
  isNoData,
  SECTIONS,
  TRANSPORTS,
  type DataValue,
  type DnsRecord,
  type Edns,
  type Flags,
  type Section,
  type ServerAnswer,
  type Transport,
} from '../../network/index.js';
import { SocketError } from '../../sockets/index.js';
import { SystemReasonDto } from '../common/socket.dto.js';

export class DnsRecordDto implements DnsRecord {
  @ApiProperty({ enum: SECTIONS })
  section!: Section;

  @ApiProperty({ description: 'The owner, in A-labels, without the dot at its end', example: 'example.test' })
  name!: string;

  @ApiProperty({ description: 'A type without a name here is `TYPE` and its number', example: 'MX' })
  type!: string;

  @ApiProperty({ example: 'IN' })
  class!: string;

  @ApiProperty({ type: 'integer', description: 'Seconds', example: 3600 })
  ttl!: number;

  @ApiProperty({
    type: 'object',
    additionalProperties: true,
    description:
      'The fields of the type, by their names in its RFC; names without the dot at their end, character strings as UTF-8. Of a type that is not known here `hex`',
    example: { preference: 10, exchange: 'mail.example.test' },
  })
  data!: Readonly<Record<string, DataValue>>;

  @ApiProperty({
    description: 'The same as a zone file has it (RFC 1035, 5.1; RFC 3597), exact to the byte',
    example: '10 mail.example.test.',
  })
  text!: string;
}

export class DnsFlagsDto implements Flags {
  @ApiProperty({ description: 'AA' })
  authoritative!: boolean;

  @ApiProperty({ description: 'TC' })
  truncated!: boolean;

  @ApiProperty({ description: 'RD' })
  recursionDesired!: boolean;

  @ApiProperty({ description: 'RA' })
  recursionAvailable!: boolean;

  @ApiProperty({ description: 'AD' })
  authenticData!: boolean;

  @ApiProperty({ description: 'CD' })
  checkingDisabled!: boolean;
}

export class ExtendedDnsErrorDto {
  @ApiProperty({ type: 'integer', example: 18 })
  code!: number;

  @ApiProperty({ example: 'Prohibited' })
  text!: string;
}

export class EdnsDto implements Edns {
  @ApiProperty({ type: 'integer', example: 0 })
  version!: number;

  @ApiProperty({ type: 'integer', description: 'The largest datagram that the server takes', example: 1232 })
  udpPayloadBytes!: number;

  @ApiProperty({ description: 'DO' })
  dnssecOk!: boolean;

  @ApiProperty({ type: [ExtendedDnsErrorDto], description: 'Why the answer is as it is (RFC 8914)' })
  extendedErrors!: readonly ExtendedDnsErrorDto[];
}

const NULL_WITHOUT_ANSWER = { nullable: true, description: 'Null without an answer' } as const;

export class ServerAnswerDto {
  @ApiProperty({ description: 'As it was asked for, or as resolv.conf(5) has it', example: '127.0.0.1' })
  server!: string;

  @ApiProperty({ type: 'integer', example: 53 })
  port!: number;

  @ApiProperty({ type: 'string', ...NULL_WITHOUT_ANSWER, example: '127.0.0.1' })
  address!: string | null;

  @ApiProperty({ enum: TRANSPORTS, description: 'What the answer came over, or did not' })
  transport!: Transport;

  @ApiProperty({ description: 'With the time to connect, and all attempts', example: 0.42 })
  elapsedMs!: number;

  @ApiProperty({
    type: SystemReasonDto,
    nullable: true,
    description: 'Why there is no answer; null with one',
  })
  error!: SystemReasonDto | null;

  @ApiProperty({
    type: 'string',
    ...NULL_WITHOUT_ANSWER,
    description: 'NOERROR, NXDOMAIN, SERVFAIL, REFUSED ... One without a name here is `RCODE` and its number',
    example: 'NOERROR',
  })
  rcode!: string | null;

  @ApiProperty({
    description: 'NODATA: the name is there, and has no record of the type (RFC 2308, 2.2)',
    example: false,
  })
  noData!: boolean;

  @ApiProperty({ type: DnsFlagsDto, ...NULL_WITHOUT_ANSWER })
  flags!: DnsFlagsDto | null;

  @ApiProperty({
    type: EdnsDto,
    nullable: true,
    description: 'Null where the server has said nothing of EDNS',
  })
  edns!: EdnsDto | null;

  @ApiProperty({ type: [DnsRecordDto], description: 'Of all three sections, in the order of the message' })
  records!: readonly DnsRecordDto[];
}

export class RecordsDto {
  @ApiProperty({ description: 'As it was asked for', example: 'example.test' })
  name!: string;

  @ApiProperty({ description: 'As the servers were asked: in A-labels (RFC 5890)', example: 'example.test' })
  asciiName!: string;

  @ApiProperty({ description: 'In U-labels', example: 'example.test' })
  unicodeName!: string;

  @ApiProperty({ example: 'MX' })
  type!: string;

  @ApiProperty({
    type: 'boolean',
    nullable: true,
    description:
      'Whether all servers that answered have the same rcode and the same records in the answer, whatever their order and TTL; null with fewer than two answers',
  })
  agree!: boolean | null;

  @ApiProperty({ type: [ServerAnswerDto], description: 'One for each server, in the order of the question' })
  answers!: ServerAnswerDto[];
}

export function answerDto(answer: ServerAnswer, type: number): ServerAnswerDto {
  const { server, address, transport, elapsedMs, outcome } = answer;
  const where = { server: server.host, port: server.port, address, transport, elapsedMs };
  if (outcome instanceof SocketError)
    return {
      ...where,
      error: reasonDto(outcome),
      rcode: null,
      noData: false,
      flags: null,
      edns: null,
      records: [],
    };
  const { rcode, flags, edns, records } = outcome;
  return { ...where, error: null, rcode, noData: isNoData(outcome, type), flags, edns, records };
}

function reasonDto({ code, errno, message }: SocketError): SystemReasonDto {
  return { code, errno: errno ?? null, message };
}
