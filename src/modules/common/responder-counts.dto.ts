import { ApiProperty } from '@nestjs/swagger';
import type { Answering, Tally } from '../../sockets/index.js';

export class TallyDto {
  @ApiProperty({ type: 'integer', description: 'How often it was used' })
  hits!: number;

  @ApiProperty({ type: 'integer', description: 'Bytes it answered' })
  bytes!: number;
}

/** What a responder has done since it was set. */
export class ResponderCountsDto {
  @ApiProperty({ type: 'string', nullable: true, description: 'Null of one with rules of its own' })
  preset!: string | null;

  @ApiProperty({ description: 'It consumes what it answers' })
  consume!: boolean;

  @ApiProperty({ type: 'integer', description: 'Messages that came' })
  messages!: number;

  @ApiProperty({ type: 'integer', description: 'Messages that could not be answered' })
  failures!: number;

  @ApiProperty({ type: TallyDto })
  onConnect!: TallyDto;

  @ApiProperty({ type: [TallyDto], description: 'In the order of the rules' })
  rules!: TallyDto[];

  @ApiProperty({ type: TallyDto })
  otherwise!: TallyDto;
}

export function responderCountsDto(answering: Answering): ResponderCountsDto {
  const { spec, consumes, messages, failures, onConnect, rules, otherwise } = answering;
  return {
    preset: spec.preset ?? null,
    consume: consumes,
    messages,
    failures,
    onConnect: tallyDto(onConnect),
    rules: rules.map(tallyDto),
    otherwise: tallyDto(otherwise),
  };
}

function tallyDto({ hits, bytes }: Tally): TallyDto {
  return { hits, bytes };
}
