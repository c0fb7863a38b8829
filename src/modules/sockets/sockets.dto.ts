import { ApiProperty, IntersectionType, OmitType } from '@nestjs/swagger';
import type { ManagedSocket } from '../../sockets/index.js';
import { CloseQuery } from '../common/close.dto.js';
import { ListQuery } from '../common/list.dto.js';
import { OneOf, Text } from '../common/fields.js';
import { LabelFilter } from '../common/socket-fields.js';
import { invalid } from '../problems/problem.js';
import { ReaderDto } from '../common/reception.dto.js';

export class SocketsQuery extends ListQuery {
  @OneOf(['listener', 'connection', 'client'], { description: 'Only sockets of this kind', optional: true })
  kind?: string;

  @Text({ description: 'Only connections of this listener, by its id', optional: true, maxLength: 64 })
  listenerId?: string;
}

/** What `DELETE` closes: whatever is open and matches. */
export class CloseSocketsQuery extends IntersectionType(
  OmitType(SocketsQuery, ['limit', 'cursor', 'state', 'label'] as const),
  CloseQuery,
) {
  @LabelFilter({
    description: 'Only sockets with this label, as `key=value`; of several, they have all',
    optional: true,
    example: ['run=42'],
  })
  label?: string[];
}

export class ClosedSocketsDto {
  @ApiProperty({ type: 'integer', description: 'How many were closed' })
  count!: number;

  @ApiProperty({ type: [String], description: 'Their ids; those that went with their listener too' })
  ids!: string[];
}

export function closedSocketsDto(closed: readonly ManagedSocket[]): ClosedSocketsDto {
  return { count: closed.length, ids: closed.map(({ id }) => id) };
}

/** Nothing asked for is not everything: whoever closes says what. Throws ProblemError. */
export function requireFilter({ label, name, kind, protocol, listenerId }: CloseSocketsQuery): void {
  if ([label, name, kind, protocol, listenerId].some((filter) => filter !== undefined)) return;
  throw invalid([
    { pointer: '/label', detail: 'is needed, or another filter: name, kind, protocol, listenerId' },
  ]);
}

export class ShutdownBody {
  @OneOf(['write', 'read', 'both'], {
    description:
      '`write`: the peer gets EOF after what is queued. `read`: what still comes is dropped; shutdown(2)',
    example: 'write',
  })
  how!: 'write' | 'read' | 'both';
}

export class ReaderListDto {
  @ApiProperty({ type: [ReaderDto] })
  items!: ReaderDto[];

  @ApiProperty({
    type: 'string',
    nullable: true,
    description: 'Always null: a socket has at most 64 readers',
  })
  nextCursor!: string | null;
}
