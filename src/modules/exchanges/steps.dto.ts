import { ApiExtraModels, ApiProperty, ApiPropertyOptional, getSchemaPath } from '@nestjs/swagger';
import { IsString } from 'class-validator';
import {
  clientHandshake,
  compilePattern,
  DEFAULT_MATCHED_BYTES,
  encode,
  MAX_EXCHANGE_BYTES,
  MAX_EXCHANGE_DATAGRAMS,
  SocketError,
  type Encoding,
  type Step,
  type Until,
} from '../../sockets/index.js';
import { isDatagram } from '../common/create.dto.js';
import { DurationMs, Flag, Int, OneOf, Text } from '../common/fields.js';
import { SendEncodingField } from '../common/socket-fields.js';
import { ClientTlsDto, clientTls } from '../common/tls.dto.js';
import { validate } from '../common/validation.js';
import { invalid } from '../problems/problem.js';

export class SendDto {
  @ApiProperty({ description: 'The payload, in `encoding`', example: 'PING\r\n' })
  @IsString()
  data!: string;

  @SendEncodingField({ description: 'How `data` stands for bytes', default: 'utf8' })
  encoding: Encoding = 'utf8';
}

/** What ends a wait: one of these. */
export class UntilDto {
  @Flag({ description: 'The end of the stream', optional: true })
  eof?: boolean;

  @Int({ description: 'So many bytes', optional: true, min: 1, max: MAX_EXCHANGE_BYTES })
  bytes?: number;

  @Text({
    description: 'This text, in `encoding`, which is part of the data',
    optional: true,
    maxLength: 1024,
  })
  delimiter?: string;

  @SendEncodingField({ description: 'How `delimiter` stands for bytes', default: 'utf8' })
  encoding: Encoding = 'utf8';

  @Text({
    description:
      'A regular expression in the syntax of RE2, found in what came since the wait began, as UTF-8; the data ends with it. ' +
      'The first 8 KiB are searched',
    optional: true,
    maxLength: 1000,
    example: '(?m)^250 .*\\r\\n',
  })
  matches?: string;

  @DurationMs({ description: 'Silence for so long, after something came', optional: true, min: 1 })
  idleMs?: number;

  @Int({ description: 'So many datagrams', optional: true, min: 1, max: MAX_EXCHANGE_DATAGRAMS })
  datagrams?: number;
}

/** One line of a dialogue: one of these. */
@ApiExtraModels(SendDto)
export class StepDto {
  @ApiPropertyOptional({
    description: 'A text, or a payload with its encoding',
    oneOf: [{ type: 'string' }, { $ref: getSchemaPath(SendDto) }],
  })
  send?: unknown;

  @ApiPropertyOptional({ type: UntilDto, description: 'Wait for the peer' })
  expect?: unknown;

  @ApiPropertyOptional({
    type: ClientTlsDto,
    description: 'Speak TLS from here on. `{}`: by the name that was connected to',
  })
  starttls?: unknown;

  @OneOf(['write'], { description: 'End the sending half: the peer gets EOF', optional: true })
  shutdown?: 'write';
}

const UPGRADABLE = ['tcp', 'unix'];
const HALF_CLOSABLE = ['tcp', 'tls', 'unix', 'unix-seqpacket'];
const KINDS = ['send', 'expect', 'starttls', 'shutdown'] as const;

/** The steps of a dialogue, checked to the last, each at its pointer. */
export function stepsOf(steps: readonly object[], protocol: string): Step[] {
  return steps.map((step, index) => stepOf(step, protocol, `/steps/${String(index)}`));
}

function stepOf(step: object, protocol: string, at: string): Step {
  const given = KINDS.filter((kind) => (step as Record<string, unknown>)[kind] !== undefined);
  const unknown = Object.keys(step).filter((name) => !KINDS.some((kind) => kind === name));
  const [kind] = given;
  if (kind === undefined || given.length > 1 || unknown.length > 0)
    throw invalid([{ pointer: at, detail: `must be one of ${KINDS.join(', ')}` }]);
  const value: unknown = (step as Record<string, unknown>)[kind];
  const here = `${at}/${kind}`;
  if (kind === 'send') return sendStep(value, here);
  if (kind === 'expect') return { kind, until: untilOf(validate(UntilDto, value, here), protocol, here) };
  if (!(kind === 'starttls' ? UPGRADABLE : HALF_CLOSABLE).includes(protocol))
    throw invalid([{ pointer: here, detail: `has no meaning with ${protocol}` }]);
  if (kind === 'starttls') return startTlsStep(validate(ClientTlsDto, value, here), here);
  if (value !== 'write') throw invalid([{ pointer: here, detail: 'must be write' }]);
  return { kind };
}

export function sendStep(value: unknown, at: string): Step {
  const { data, encoding } = validate(SendDto, typeof value === 'string' ? { data: value } : value, at);
  return { kind: 'send', bytes: bytesOf(data, encoding, `${at}/data`) };
}

/** What is wrong with a certificate, or a name, shows before anything is dialled. */
function startTlsStep(dto: ClientTlsDto, at: string): Step {
  const tls = clientTls(dto);
  try {
    clientHandshake(tls, 'checked.invalid');
  } catch (error) {
    if (error instanceof SocketError && error.code === 'TLS_INVALID')
      throw invalid([
        { pointer: at + (error.details.field ?? '').replace(/^tls/, ''), detail: error.message },
      ]);
    throw error;
  }
  return { kind: 'starttls', handshake: (peerName) => clientHandshake(tls, peerName) };
}

const OF_STREAMS = ['eof', 'bytes', 'delimiter', 'matches', 'idleMs'] as const;
const OF_DATAGRAMS = ['datagrams', 'idleMs'] as const;

export function untilOf(dto: UntilDto, protocol: string, at: string): Until {
  const possible: readonly (keyof UntilDto)[] = bringsMessages(protocol) ? OF_DATAGRAMS : OF_STREAMS;
  const given = [...new Set([...OF_STREAMS, ...OF_DATAGRAMS])].filter((name) => dto[name] !== undefined);
  const [name] = given;
  if (name === undefined || given.length > 1 || !possible.includes(name) || dto.eof === false)
    throw invalid([{ pointer: at, detail: `must be one of ${possible.join(', ')}` }]);
  const { bytes, delimiter, encoding, matches, idleMs, datagrams } = dto;
  if (bytes !== undefined) return { bytes };
  if (delimiter !== undefined) return { delimiter: delimiterOf(delimiter, encoding, `${at}/delimiter`) };
  if (matches !== undefined) return { matches: expressionOf(matches, `${at}/matches`) };
  if (idleMs !== undefined) return { idleMs };
  return datagrams === undefined ? { eof: true } : { datagrams };
}

/** What an exchange waits for that does not say it. */
export function untilTheEnd(protocol: string): Until {
  return bringsMessages(protocol) ? { datagrams: 1 } : { eof: true };
}

function bringsMessages(protocol: string): boolean {
  return isDatagram(protocol) || protocol === 'unix-seqpacket';
}

function delimiterOf(text: string, encoding: Encoding, at: string): Buffer {
  const delimiter = bytesOf(text, encoding, at);
  if (delimiter.length === 0) throw invalid([{ pointer: at, detail: 'must not be empty' }]);
  return delimiter;
}

function expressionOf(pattern: string, at: string): Extract<Until, { matches: unknown }>['matches'] {
  const compiled = compilePattern(pattern, DEFAULT_MATCHED_BYTES);
  if (typeof compiled === 'string') throw invalid([{ pointer: at, detail: compiled }]);
  return compiled;
}

function bytesOf(text: string, encoding: Encoding, at: string): Buffer {
  try {
    return encode(text, encoding);
  } catch (error) {
    if (error instanceof SocketError) throw invalid([{ pointer: at, detail: error.message }]);
    throw error;
  }
}
