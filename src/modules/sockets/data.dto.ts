import { applyDecorators } from '@nestjs/common';
import { ApiExtraModels, ApiOkResponse, ApiProperty, getSchemaPath } from '@nestjs/swagger';
import { IsString } from 'class-validator';
import type { Destination, Encoding } from '../../sockets/index.js';
import { DatagramDto, DestinationDto, DestinationField } from '../common/datagram.dto.js';
import { DurationMs, Flag, Int, OneOf, Text } from '../common/fields.js';
import { EncodingField, Offset, ReaderName, SendEncodingField } from '../common/socket-fields.js';
import { invalid } from '../problems/problem.js';

const MAX_READ_BYTES = 16 * 1024 * 1024;
const DEFAULT_READ_BYTES = 64 * 1024;
const DEFAULT_READ_DATAGRAMS = 1000;
const MAX_READ_DATAGRAMS = 10_000;
const MAX_DATAGRAMS_FIELD = {
  description: 'Of a datagram socket: how many at most',
  default: DEFAULT_READ_DATAGRAMS,
  min: 1,
  max: MAX_READ_DATAGRAMS,
};
const MAX_WAIT_MS = 300_000;

export class SendBody {
  @ApiProperty({ description: 'The payload, in `encoding`', example: 'hello\n' })
  @IsString()
  data!: string;

  @SendEncodingField({ description: 'How `data` stands for bytes', default: 'utf8' })
  encoding: Encoding = 'utf8';

  @DestinationField()
  to?: DestinationDto;
}

/** What a request sends, and, on a datagram socket, where to. */
export interface Payload {
  data: Buffer;
  to: Destination | null;
}

export class SendQuery {
  @Text({
    description:
      'Of a datagram in an octet-stream body: where to, `127.0.0.1:7007` or `[::1]:7007`; of a Unix socket the path',
    optional: true,
    maxLength: 262,
  })
  to?: string;

  @OneOf(['all', 'some'], {
    description:
      '`all`: sendall(), answers once the kernel took everything. `some`: send(), takes what fits now',
    default: 'all',
  })
  mode: 'all' | 'some' = 'all';

  @Flag({
    description:
      'MSG_OOB: the last byte is urgent. It goes in its turn, after what is queued; not with `some`',
    query: true,
    default: false,
  })
  oob: boolean = false;

  @DurationMs({
    description: 'How long a peer that does not read is waited for; without it the timeout of the socket',
    query: true,
    optional: true,
    min: 1,
  })
  timeoutMs?: number;
}

export class SentAnswer {
  @ApiProperty({ type: 'integer', example: 6 })
  bytesSent!: number;
}

export class ReadQuery {
  @Offset({
    description: 'First byte wanted; without it the committed offset',
    query: true,
    optional: true,
    example: 0,
  })
  offset?: number;

  @Int({
    description: 'How many bytes at most; one datagram is always answered as a whole',
    query: true,
    default: DEFAULT_READ_BYTES,
    min: 1,
    max: MAX_READ_BYTES,
  })
  maxBytes: number = DEFAULT_READ_BYTES;

  @Int({ ...MAX_DATAGRAMS_FIELD, query: true })
  maxDatagrams: number = DEFAULT_READ_DATAGRAMS;

  @Int({
    description: 'How long to wait for the first byte (long poll)',
    query: true,
    default: 0,
    min: 0,
    max: MAX_WAIT_MS,
  })
  waitMs: number = 0;

  @EncodingField({ description: 'How bytes stand in `data`', query: true, default: 'utf8' })
  encoding: Encoding = 'utf8';

  @Flag({ description: 'Bare bytes as they come, until the end of the stream', query: true, default: false })
  follow: boolean = false;

  @ReaderName({
    description:
      'Start where this reader stands. With `follow` it also consumes under this name, so that the window moves on; ' +
      'otherwise reading only looks',
    optional: true,
  })
  reader?: string;
}

export class ReceiveBody {
  @Int({
    description: 'How many bytes at most; one datagram is always answered as a whole',
    default: DEFAULT_READ_BYTES,
    min: 1,
    max: MAX_READ_BYTES,
  })
  maxBytes: number = DEFAULT_READ_BYTES;

  @Int(MAX_DATAGRAMS_FIELD)
  maxDatagrams: number = DEFAULT_READ_DATAGRAMS;

  @Int({ description: 'How long to wait for the first byte', default: 0, min: 0, max: MAX_WAIT_MS })
  waitMs: number = 0;

  @EncodingField({ description: 'How bytes stand in `data`', default: 'utf8' })
  encoding: Encoding = 'utf8';

  @ReaderName({ description: 'Whose cursor', default: 'main' })
  reader: string = 'main';

  @Flag({
    description:
      'MSG_OOB: the urgent byte, which stands beside the stream. Answers at once; 409 when there is none',
    default: false,
  })
  oob: boolean = false;
}

export class CommitBody {
  @Offset({ description: 'Everything before it may go', example: 0 })
  offset!: number;

  @ReaderName({ description: 'Whose cursor', default: 'main' })
  reader: string = 'main';
}

export class CommittedAnswer {
  @ApiProperty({ example: 'main' })
  reader!: string;

  @ApiProperty({ type: 'integer', description: 'Where the cursor of this reader stands now' })
  committedOffset!: number;
}

export class DataAnswer {
  @ApiProperty({ type: 'integer', example: 0 })
  offset!: number;

  @ApiProperty({ type: 'integer', description: 'Offset to go on from', example: 11 })
  nextOffset!: number;

  @ApiProperty({ type: 'integer', description: 'Bytes that `data` stands for', example: 11 })
  bytes!: number;

  @ApiProperty({ example: 'Hello world' })
  data!: string;

  @ApiProperty({ description: 'As it was asked for', example: 'utf8' })
  encoding!: string;

  @ApiProperty({ description: 'Some bytes were not valid in that encoding and are shown as U+FFFD' })
  lossy!: boolean;

  @ApiProperty({ description: '`nextOffset` is where the stream ends' })
  eof!: boolean;
}

/** By the kind of socket: bytes of a stream, or datagrams. */
export function ApiDataAnswer(): MethodDecorator {
  return applyDecorators(
    ApiExtraModels(DataAnswer, DatagramListAnswer),
    ApiOkResponse({
      schema: { oneOf: [{ $ref: getSchemaPath(DataAnswer) }, { $ref: getSchemaPath(DatagramListAnswer) }] },
    }),
  );
}

export class DatagramListAnswer {
  @ApiProperty({ type: [DatagramDto] })
  datagrams!: DatagramDto[];

  @ApiProperty({ type: 'integer', description: 'Sequence number to go on from', example: 1 })
  nextOffset!: number;

  @ApiProperty({ example: 'utf8' })
  encoding!: string;

  @ApiProperty({ description: 'The socket is closed, and these were the last' })
  eof!: boolean;
}

/** Urgent data is neither sent in part nor waited for. */
export function requireUrgentAlone(pointer: '/mode' | '/waitMs', isAlone: boolean): void {
  if (!isAlone) throw invalid([{ pointer, detail: 'does not go together with oob' }]);
}
