import { Module } from '@nestjs/common';
import { CreditBudget } from './channels/credit-budget.js';
import { OpenWebSockets } from './open-websockets.js';
import { PipeGateway } from './pipe/pipe.gateway.js';
import { StreamGateway } from './stream.gateway.js';

@Module({ providers: [CreditBudget, OpenWebSockets, StreamGateway, PipeGateway] })
export class StreamModule {}
