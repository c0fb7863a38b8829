import { Module } from '@nestjs/common';
import { ByteOrderController } from './byte-order.controller.js';

@Module({ controllers: [ByteOrderController] })
export class ByteOrderModule {}
