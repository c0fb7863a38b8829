import { Module } from '@nestjs/common';
import { DataController } from './data.controller.js';
import { SocketsController } from './sockets.controller.js';

@Module({ controllers: [SocketsController, DataController] })
export class SocketsModule {}
