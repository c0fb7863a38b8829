import { Controller, Header, Post, Req } from '@nestjs/common';
import { ApiCreatedResponse, ApiTags } from '@nestjs/swagger';
import type { FastifyRequest } from 'fastify';
import { callerOf } from '../auth/callers.js';
import { Tickets } from '../auth/tickets.js';
import { Operation } from '../common/api.js';
import { TicketDto, ticketDto } from './tickets.dto.js';

@ApiTags('tickets')
@Controller('v1/tickets')
export class TicketsController {
  constructor(private readonly tickets: Tickets) {}

  @Post()
  @Header('cache-control', 'no-store')
  @Operation({
    id: 'createTicket',
    summary: 'A stand-in for the key, for one WebSocket',
    description:
      'A page in a browser can set no header on a WebSocket. It opens `/v1/stream?ticket=...` or `/v1/pipe?...&ticket=...` ' +
      'instead: once, and soon. What the caller may do, the WebSocket may.',
    problems: ['quota-exceeded'],
  })
  @ApiCreatedResponse({
    type: TicketDto,
    headers: { 'Cache-Control': { description: 'no-store', schema: { type: 'string' } } },
  })
  create(@Req() request: FastifyRequest): TicketDto {
    return ticketDto(this.tickets.issue(callerOf(request.raw)));
  }
}
