import { ApiProperty } from '@nestjs/swagger';
import { ListQuery } from '../common/list.dto.js';
import { OneOf, Text } from '../common/fields.js';
import { ReaderDto } from '../common/socket.dto.js';

export class SocketsQuery extends ListQuery {
  @OneOf(['listener', 'connection', 'client'], { description: 'Only sockets of this kind', optional: true })
  kind?: string;

  @Text({ description: 'Only connections of this listener, by its id', optional: true, maxLength: 64 })
  listenerId?: string;
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
