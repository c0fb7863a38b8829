import { ApiProperty } from '@nestjs/swagger';
import { ENDINGS, type Ending, type Step, type Timings } from '../../sockets/index.js';

const STEPS: readonly Step['kind'][] = ['send', 'expect', 'starttls', 'shutdown'];

export class TimingsDto implements Timings {
  @ApiProperty({
    type: 'number',
    nullable: true,
    description: 'The name; null: there was none',
    example: 0.4,
  })
  resolveMs!: number | null;

  @ApiProperty({ type: 'number', description: 'connect(2)', example: 1.2 })
  connectMs!: number;

  @ApiProperty({
    type: 'number',
    nullable: true,
    description: 'The handshake; null without TLS from the beginning',
    example: null,
  })
  tlsMs!: number | null;

  @ApiProperty({
    type: 'number',
    nullable: true,
    description: 'Since the beginning; null: nothing came',
    example: 3.1,
  })
  firstByteMs!: number | null;

  @ApiProperty({ type: 'number', example: 5.3 })
  totalMs!: number;
}

export class StepRecordDto {
  @ApiProperty({ enum: STEPS })
  step!: Step['kind'];

  @ApiProperty({ type: 'number', description: 'Since the beginning', example: 1.7 })
  atMs!: number;

  @ApiProperty({ type: 'number', example: 1.4 })
  tookMs!: number;

  @ApiProperty({ type: 'integer', description: 'Sent, or received', example: 6 })
  bytes!: number;

  @ApiProperty({ description: 'The same, in the encoding of the answer', example: '250 ok\r\n' })
  data!: string;

  @ApiProperty({
    enum: [...ENDINGS, null],
    type: 'string',
    nullable: true,
    description: 'Of `expect`: what ended the wait; null: nothing did',
  })
  endedBy!: Ending | null;
}

/** What a dialogue has brought: all of it, or, beside a problem, until then. */
export interface SoFar {
  data: string;
  encoding: string;
  lossy: boolean;
  bytes: number;
  timings: TimingsDto;
  transcript: StepRecordDto[] | null;
}
