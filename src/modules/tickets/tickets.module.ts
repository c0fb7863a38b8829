import { Module, type DynamicModule } from '@nestjs/common';
import { Tickets } from '../auth/tickets.js';
import { TicketsController } from './tickets.controller.js';

@Module({ controllers: [TicketsController] })
export class TicketsModule {
  /** `tickets`: those that the gate takes. */
  static with(tickets: Tickets): DynamicModule {
    return { module: TicketsModule, providers: [{ provide: Tickets, useValue: tickets }] };
  }
}
