import { ApiProperty } from '@nestjs/swagger';
import { TICKET_MS, type Ticket } from '../auth/tickets.js';

export class TicketDto {
  @ApiProperty({
    description: 'For the query of one WebSocket: `?ticket=`',
    example: 'WmyRd0sTgp0g4Yc0Vb1cG1sJw7oPzUu3bqk5wq8r2hE',
  })
  ticket!: string;

  @ApiProperty({ format: 'date-time', description: `It can be used for ${String(TICKET_MS / 1000)} s` })
  expiresAt!: string;
}

export function ticketDto({ ticket, expiresAt }: Ticket): TicketDto {
  return { ticket, expiresAt: new Date(expiresAt).toISOString() };
}
