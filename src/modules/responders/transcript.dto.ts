import { ApiProperty } from '@nestjs/swagger';
import { decode, type Encoding, type Entry, type Transcribed, type Transcript } from '../../sockets/index.js';
import { ADDRESS_REFS, AddressDto, addressDto, UnixAddressDto } from '../common/address.dto.js';
import { Int, Text } from '../common/fields.js';
import { EncodingField } from '../common/socket-fields.js';
import { closeReasonDto, SystemReasonDto } from '../common/socket.dto.js';
import { invalid } from '../problems/problem.js';

const CURSOR = /^t([0-9a-z]{1,11})$/;

export class TranscriptQuery {
  @Int({ description: 'How many at most', query: true, default: 100, min: 1, max: 1000 })
  limit: number = 100;

  @Text({ description: '`nextCursor` of the page before', optional: true, maxLength: 64 })
  cursor?: string;

  @EncodingField({ description: 'How bytes stand in `data`', query: true, default: 'utf8' })
  encoding: Encoding = 'utf8';
}

/** Bytes that came or went. */
export class TranscribedDto {
  @ApiProperty({ type: 'integer', description: 'Where it begins; of datagrams, which one it is' })
  offset!: number;

  @ApiProperty({ type: 'integer', description: 'How many bytes: of what came, without delimiter and length' })
  bytes!: number;

  @ApiProperty({ description: 'Their beginning', example: 'hello' })
  data!: string;

  @ApiProperty({ description: 'Some bytes were not valid in that encoding and are shown as U+FFFD' })
  lossy!: boolean;

  @ApiProperty({ description: '`data` has not all of it' })
  truncated!: boolean;
}

export class HeardDto extends TranscribedDto {
  @ApiProperty({ type: 'integer', description: 'Where the next one begins' })
  nextOffset!: number;
}

export class AnswerDto extends TranscribedDto {
  @ApiProperty({ format: 'date-time' })
  time!: string;
}

export class TranscriptEntryDto {
  @ApiProperty({ type: 'integer' })
  sequence!: number;

  @ApiProperty({ format: 'date-time', description: 'When it was heard' })
  time!: string;

  @ApiProperty({
    enum: ['onConnect', 'rule', 'otherwise'],
    description: 'Which part of the responder it was for',
  })
  matched!: string;

  @ApiProperty({ type: 'integer', nullable: true, description: 'Which rule, from 0; null where none fits' })
  rule!: number | null;

  @ApiProperty({ oneOf: [...ADDRESS_REFS, { type: 'null' }], description: 'Of a datagram: who sent it' })
  from!: AddressDto | UnixAddressDto | null;

  @ApiProperty({
    oneOf: [{ $ref: '#/components/schemas/HeardDto' }, { type: 'null' }],
    description: 'The message; null when somebody connected',
  })
  received!: HeardDto | null;

  @ApiProperty({ type: [AnswerDto] })
  answers!: AnswerDto[];

  @ApiProperty({
    type: 'array',
    items: { type: 'string', enum: ['close', 'reset', 'shutdown', 'closeListener'] },
    description: 'What was done besides',
  })
  actions!: string[];

  @ApiProperty({
    oneOf: [{ $ref: '#/components/schemas/SystemReasonDto' }, { type: 'null' }],
    description: 'Why it could not be answered',
  })
  error!: SystemReasonDto | null;
}

export class TranscriptDto {
  @ApiProperty({ type: [TranscriptEntryDto] })
  items!: TranscriptEntryDto[];

  @ApiProperty({ type: 'string', nullable: true, description: 'Pass it as `cursor`; null at the end' })
  nextCursor!: string | null;

  @ApiProperty({ type: 'integer', description: 'Older entries that are not there any more' })
  dropped!: number;

  @ApiProperty({ example: 'utf8' })
  encoding!: string;
}

/** Of a socket that nobody answered for: an empty one. */
export function transcriptDto(
  transcript: Transcript | null,
  { limit, cursor, encoding }: TranscriptQuery,
): TranscriptDto {
  if (transcript === null) return { items: [], nextCursor: null, dropped: 0, encoding };
  const { items, next } = transcript.page(positionOf(cursor), limit);
  return {
    items: items.map((entry) => entryDto(entry, encoding)),
    nextCursor: next === null ? null : `t${next.toString(36)}`,
    dropped: transcript.dropped,
    encoding,
  };
}

function entryDto(entry: Entry, encoding: Encoding): TranscriptEntryDto {
  const { sequence, at, matched, rule, from, received, answers, deeds, error } = entry;
  return {
    sequence,
    time: new Date(at).toISOString(),
    matched,
    rule,
    from: from === null ? null : addressDto(from),
    received: received && { ...transcribedDto(received, encoding), nextOffset: received.nextOffset },
    answers: answers.map((answer) => ({
      ...transcribedDto(answer, encoding),
      time: new Date(answer.at).toISOString(),
    })),
    actions: [...deeds],
    error: error && (closeReasonDto(error) as SystemReasonDto),
  };
}

function transcribedDto({ offset, bytes, kept }: Transcribed, encoding: Encoding): TranscribedDto {
  const truncated = kept.length < bytes;
  const { data, lossy } = decode(kept, encoding, !truncated);
  return { offset, bytes, data, lossy, truncated };
}

function positionOf(cursor: string | undefined): number {
  if (cursor === undefined) return 0;
  const position = parseInt(CURSOR.exec(cursor)?.[1] ?? '', 36);
  if (Number.isSafeInteger(position)) return position;
  throw invalid([{ pointer: '/cursor', detail: 'is not a cursor of this list' }]);
}
