import { ApiProperty, ApiPropertyOptional } from '@nestjs/swagger';
import type { Attempt, SocketErrorCode } from '../../sockets/index.js';
import { StepRecordDto, TimingsDto } from '../common/dialogue.dto.js';
import type { FieldError, Problem } from './problem.js';

export class FieldErrorDto implements FieldError {
  @ApiProperty({ description: 'JSON pointer into the body, or `/name` of a parameter', example: '/port' })
  pointer!: string;

  @ApiProperty({ example: 'must not be greater than 65535' })
  detail!: string;
}

export class GapDto {
  @ApiProperty({ type: 'integer', minimum: 0, description: 'First offset that is gone' })
  from!: number;

  @ApiProperty({ type: 'integer', minimum: 0, description: 'First offset that is there again' })
  to!: number;
}

export class AttemptDto implements Attempt {
  @ApiProperty({ type: 'string', nullable: true, example: '::1' })
  address!: string | null;

  @ApiProperty({ type: 'integer', nullable: true, example: 9 })
  port!: number | null;

  @ApiProperty({ type: 'string', example: 'ECONNREFUSED' })
  code!: SocketErrorCode;

  @ApiProperty({ type: 'integer', nullable: true, example: 111 })
  errno!: number | null;

  @ApiProperty({ type: 'string', nullable: true, example: 'connect' })
  syscall!: string | null;

  @ApiProperty({ type: 'integer', description: 'From its begin to its end', example: 250 })
  durationMs!: number;
}

/** RFC 9457. */
export class ProblemDto implements Problem {
  @ApiProperty({ format: 'uri', example: 'https://sockeye.dev/problems/connection-refused' })
  type!: string;

  @ApiProperty({ example: 'Connection refused' })
  title!: string;

  @ApiProperty({ type: 'integer', example: 502 })
  status!: number;

  @ApiProperty({ example: 'connect ECONNREFUSED 127.0.0.1:9' })
  detail!: string;

  @ApiPropertyOptional({
    description: 'Name of errno.h or netdb.h, or of the service',
    example: 'ECONNREFUSED',
  })
  code?: string;

  @ApiPropertyOptional({
    type: 'integer',
    description: 'Number of errno.h, or of netdb.h (negative)',
    example: 111,
  })
  errno?: number;

  @ApiPropertyOptional({ example: 'connect' })
  syscall?: string;

  @ApiPropertyOptional({ example: '127.0.0.1' })
  address?: string;

  @ApiPropertyOptional({ type: 'integer', example: 9 })
  port?: number;

  @ApiPropertyOptional({ description: 'The rule of the policy that decided' })
  rule?: string;

  @ApiPropertyOptional({ type: GapDto, description: 'Bytes that were asked for and are gone' })
  gap?: GapDto;

  @ApiPropertyOptional({
    type: 'integer',
    description: 'Of a send that ended early: bytes that belong to the stream now; go on after them',
  })
  bytesSent?: number;

  @ApiPropertyOptional({ description: 'Why an NTP server does not answer (RFC 5905, 7.4)', example: 'RATE' })
  kissCode?: string;

  @ApiPropertyOptional({
    type: [AttemptDto],
    description: 'Of a connect that failed: every address that was tried, in the order of their failing',
  })
  attempts?: AttemptDto[];

  @ApiPropertyOptional({ type: [FieldErrorDto], description: 'Every place of the input that is not valid' })
  errors?: FieldErrorDto[];

  @ApiPropertyOptional({ description: 'Of an exchange: what came until then, in `encoding`' })
  data?: string;

  @ApiPropertyOptional({ example: 'utf8' })
  encoding?: string;

  @ApiPropertyOptional({ description: 'Of `data`: some bytes were not valid in that encoding' })
  lossy?: boolean;

  @ApiPropertyOptional({ type: 'integer', description: 'Of an exchange: how many bytes came until then' })
  bytes?: number;

  @ApiPropertyOptional({ type: TimingsDto, description: 'Of an exchange: where the time went' })
  timings?: TimingsDto;

  @ApiPropertyOptional({
    type: [StepRecordDto],
    nullable: true,
    description: 'Of an exchange by steps: each as it went, the last one as far as it came',
  })
  transcript?: StepRecordDto[] | null;

  @ApiPropertyOptional({ description: 'Stands in the log of the service too' })
  requestId?: string;
}
