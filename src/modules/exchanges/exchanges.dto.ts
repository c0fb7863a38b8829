import { ApiProperty, ApiPropertyOptional } from '@nestjs/swagger';
import { ArrayMaxSize, ArrayNotEmpty, IsArray, IsObject, ValidateIf } from 'class-validator';
import {
  decode,
  ENDINGS,
  EXCHANGE_BYTES,
  MAX_EXCHANGE_BYTES,
  optionSettings,
  StreamConnection,
  type Encoding,
  type Ending,
  type ExchangePlan,
  type ExchangeReport,
  type Limits,
  type Step,
} from '../../sockets/index.js';
import { ADDRESS_REFS, addressDto, AddressDto, UnixAddressDto } from '../common/address.dto.js';
import { isDatagram, ReceiveDto, receiveSettings, type Dial } from '../common/create.dto.js';
import { DatagramDto, datagramDto } from '../common/datagram.dto.js';
import { dialOf } from '../common/dial.js';
import { StepRecordDto, TimingsDto, type SoFar } from '../common/dialogue.dto.js';
import { Host, Int, Nested, OneOf, Port, Text } from '../common/fields.js';
import { EncodingField, OptionValues } from '../common/socket-fields.js';
import { ClientTlsDto, TlsDto } from '../common/tls.dto.js';
import { requireObject } from '../common/validation.js';
import { invalid, problemOf, ProblemError, slugOf } from '../problems/problem.js';
import { SendDto, sendStep, StepDto, stepsOf, UntilDto, untilOf, untilTheEnd } from './steps.dto.js';

const PROTOCOLS = ['tcp', 'tls', 'udp', 'unix', 'unix-seqpacket', 'unix-datagram'] as const;
const MAX_STEPS = 100;

export class CreateExchangeDto {
  @OneOf(PROTOCOLS, { description: 'What is spoken under it', default: 'tcp' })
  protocol: string = 'tcp';

  @Host({ description: 'Name or address to connect to', optional: true, example: '127.0.0.1' })
  host?: string;

  @Port({ description: 'Port to connect to', optional: true, example: 7007 })
  port?: number;

  @Text({
    description: 'Of a Unix socket, instead of `host` and `port`: the file, in `SOCKEYE_UNIX_DIR`',
    optional: true,
    maxLength: 4096,
  })
  path?: string;

  @OneOf(['any', 'ipv4', 'ipv6'], { description: 'Which addresses of the name are tried', default: 'any' })
  family: 'any' | 'ipv4' | 'ipv6' = 'any';

  @Host({ description: 'Address to connect from', optional: true, nullable: true })
  localAddress: string | null = null;

  @Port({ description: 'Port to connect from', optional: true, nullable: true })
  localPort: number | null = null;

  @Nested(ClientTlsDto, { description: 'With the protocol `tls`: how it is spoken', optional: true })
  tls?: ClientTlsDto;

  @OptionValues({ description: 'Socket options by name, set before connect(2)', optional: true })
  options: Record<string, unknown> = {};

  @Nested(SendDto, { description: 'What is sent first', optional: true })
  send?: SendDto;

  @Nested(UntilDto, {
    description: 'What is waited for then: without it the end of the stream, or one datagram',
    optional: true,
  })
  until?: UntilDto;

  @ApiPropertyOptional({
    type: [StepDto],
    maxItems: MAX_STEPS,
    description: 'A dialogue, instead of `send` and `until`',
  })
  @ValidateIf((_, value) => value !== undefined)
  @IsArray()
  @ArrayNotEmpty()
  @ArrayMaxSize(MAX_STEPS)
  @IsObject({ each: true })
  steps?: object[];

  @Int({
    description:
      'What is kept of what the peer sends, over all steps. More of it, or of 10,000 datagrams, ends the exchange',
    default: EXCHANGE_BYTES,
    min: 1,
    max: MAX_EXCHANGE_BYTES,
  })
  maxBytes: number = EXCHANGE_BYTES;

  @Int({
    description: 'Deadline for all of it. Without it the default timeout, or the limit of a connect',
    optional: true,
    min: 1,
    max: 600_000,
  })
  timeoutMs?: number;

  @EncodingField({ description: 'How received bytes stand in the answer', default: 'utf8' })
  responseEncoding: Encoding = 'utf8';
}

export class ExchangeDto implements SoFar {
  @ApiProperty({ description: 'What came, in `encoding`', example: '+PONG\r\n' })
  data!: string;

  @ApiProperty({ example: 'utf8' })
  encoding!: string;

  @ApiProperty({ description: 'Some bytes were not valid in that encoding and are shown as U+FFFD' })
  lossy!: boolean;

  @ApiProperty({ type: 'integer', example: 7 })
  bytes!: number;

  @ApiProperty({
    enum: ENDINGS,
    description:
      'What was waited for; or, instead of it, `eof`: the peer ended first, `maxBytes`: it sent more. `steps`: all are done',
  })
  endedBy!: Ending;

  @ApiProperty({ oneOf: ADDRESS_REFS })
  localAddress!: AddressDto | UnixAddressDto;

  @ApiProperty({ oneOf: ADDRESS_REFS })
  remoteAddress!: AddressDto | UnixAddressDto;

  @ApiProperty({ type: TlsDto, nullable: true, description: 'What the handshake came to; null without TLS' })
  tls!: TlsDto | null;

  @ApiProperty({ type: TimingsDto, description: 'Milliseconds' })
  timings!: TimingsDto;

  @ApiProperty({
    type: [DatagramDto],
    nullable: true,
    description: 'Of datagrams: one by one. Null of a stream',
  })
  datagrams!: DatagramDto[] | null;

  @ApiProperty({ type: [StepRecordDto], nullable: true, description: 'Of `steps`: each as it went' })
  transcript!: StepRecordDto[] | null;
}

/** Everything is checked before anything is dialled. */
export function exchangePlan(dto: CreateExchangeDto, timeoutMs: number): ExchangePlan {
  return {
    steps: dto.steps === undefined ? oneTurn(dto) : dialogue(dto.steps, dto),
    maxBytes: dto.maxBytes,
    timeoutMs,
  };
}

function oneTurn({ send, until, protocol }: CreateExchangeDto): Step[] {
  const sent = send === undefined ? [] : [sendStep(send, '/send')];
  const awaited = until === undefined ? untilTheEnd(protocol) : untilOf(until, protocol, '/until');
  return [...sent, { kind: 'expect', until: awaited }];
}

function dialogue(steps: readonly object[], { send, until, protocol }: CreateExchangeDto): Step[] {
  if (send !== undefined || until !== undefined)
    throw invalid([
      { pointer: '/steps', detail: 'takes the place of send and until: give one or the other' },
    ]);
  steps.forEach((step, index) => {
    requireObject(step, `/steps/${String(index)}`);
  });
  return stepsOf(steps, protocol);
}

/** One byte more than is kept tells that there was more. */
export function exchangeDial(dto: CreateExchangeDto, timeoutMs: number, limits: Limits): Dial {
  const datagrams = isDatagram(dto.protocol);
  const receive = {
    ...receiveSettings(new ReceiveDto(), limits, datagrams),
    windowBytes: datagrams ? limits.maxWindowBytes : dto.maxBytes + 1,
  };
  const options = optionSettings(dto.options, 'options/');
  const fields = { ...dto, timeoutMs, idleTimeoutMs: 0 };
  return dialOf(fields, { name: null, labels: {}, leaseMs: null, options, receive });
}

/** The answer, or the problem with what came until then. */
export function exchangeDto(dto: CreateExchangeDto, report: ExchangeReport): ExchangeDto {
  const { socket, endedBy, error, datagrams, transcript } = report;
  const isDialogue = dto.steps !== undefined;
  const told = soFar(report, dto.responseEncoding, isDialogue);
  if (error !== null || endedBy === null) {
    const problem = problemOf(error);
    throw new ProblemError(slugOf(problem), problem.detail, { ...problem, ...told });
  }
  return {
    ...told,
    endedBy: isDialogue ? endedBy : (transcript.at(-1)?.endedBy ?? endedBy),
    localAddress: addressDto(socket.localAddress),
    remoteAddress: addressDto(socket.remoteAddress ?? socket.localAddress),
    tls: socket instanceof StreamConnection ? socket.tls : null,
    datagrams: datagrams?.map((one) => datagramDto(one, dto.responseEncoding)) ?? null,
  };
}

function soFar(report: ExchangeReport, encoding: Encoding, isDialogue: boolean): SoFar {
  const { received, timings, transcript } = report;
  const { data, lossy } = decode(received, encoding, true);
  const steps = transcript.map(({ bytes, atMs, tookMs, ...rest }) => {
    const shown = { bytes: bytes.length, data: decode(bytes, encoding, true).data };
    return { ...rest, ...shown, atMs: rounded(atMs), tookMs: rounded(tookMs) };
  });
  return {
    data,
    encoding,
    lossy,
    bytes: received.length,
    timings: {
      resolveMs: roundedOrNull(timings.resolveMs),
      connectMs: rounded(timings.connectMs),
      tlsMs: roundedOrNull(timings.tlsMs),
      firstByteMs: roundedOrNull(timings.firstByteMs),
      totalMs: rounded(timings.totalMs),
    },
    transcript: isDialogue ? steps : null,
  };
}

/** To the microsecond: the clock says no more. */
function rounded(ms: number): number {
  return Math.round(ms * 1000) / 1000;
}

function roundedOrNull(ms: number | null): number | null {
  return ms === null ? null : rounded(ms);
}
