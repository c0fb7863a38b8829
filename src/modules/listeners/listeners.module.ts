import { Module } from '@nestjs/common';
import { ListenersController } from './listeners.controller.js';

@Module({ controllers: [ListenersController] })
export class ListenersModule {}
