import { ApiProperty } from '@nestjs/swagger';
import { Text } from '../common/fields.js';

export class MembershipQuery {
  @Text({
    description: 'Interface: its name, its index, or an address of it. Without it the kernel chooses',
    optional: true,
    maxLength: 64,
    example: 'lo',
  })
  interface?: string;
}

export class MembershipDto {
  @ApiProperty({ example: '239.1.1.1' })
  group!: string;

  @ApiProperty({ type: 'string', nullable: true, description: 'null: the kernel chose it', example: 'lo' })
  interface!: string | null;
}

export class MembershipListDto {
  @ApiProperty({ type: [MembershipDto] })
  items!: MembershipDto[];

  @ApiProperty({ type: 'string', nullable: true, description: 'Always null: the kernel bounds the number' })
  nextCursor!: string | null;
}
