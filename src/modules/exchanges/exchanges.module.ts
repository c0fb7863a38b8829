import { Module } from '@nestjs/common';
import { ExchangesController } from './exchanges.controller.js';

@Module({ controllers: [ExchangesController] })
export class ExchangesModule {}
