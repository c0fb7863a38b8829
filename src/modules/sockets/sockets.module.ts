import { Module } from '@nestjs/common';
import { DataController } from './data.controller.js';
import { LeaseController } from './lease.controller.js';
import { StartTlsController } from './starttls.controller.js';
import { TimeoutController } from './timeout.controller.js';
import { MembershipsController } from './memberships.controller.js';
import { SocketsController } from './sockets.controller.js';

@Module({
  controllers: [
    SocketsController,
    DataController,
    LeaseController,
    MembershipsController,
    StartTlsController,
    TimeoutController,
  ],
})
export class SocketsModule {}
