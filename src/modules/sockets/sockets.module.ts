import { Module } from '@nestjs/common';
import { DataController } from './data.controller.js';
import { LeaseController } from './lease.controller.js';
import { SocketsController } from './sockets.controller.js';

@Module({ controllers: [SocketsController, DataController, LeaseController] })
export class SocketsModule {}
