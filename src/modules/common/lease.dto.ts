import { ApiProperty } from '@nestjs/swagger';
import type { ManagedSocket } from '../../sockets/index.js';

export class LeaseDto {
  @ApiProperty({ type: 'integer', nullable: true, description: 'Milliseconds; null: no lease' })
  leaseMs!: number | null;

  @ApiProperty({
    type: 'string',
    format: 'date-time',
    nullable: true,
    description: 'Closed then, unless somebody renews it before',
  })
  leaseExpiresAt!: string | null;
}

export function leaseDto({ lease }: ManagedSocket): LeaseDto {
  if (lease === null) return { leaseMs: null, leaseExpiresAt: null };
  return { leaseMs: lease.ms, leaseExpiresAt: new Date(lease.expiresAt).toISOString() };
}
