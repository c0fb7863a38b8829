import { Module } from '@nestjs/common';
import { ScansController } from './scans.controller.js';
import { ServiceNames } from './service-names.js';

@Module({ controllers: [ScansController], providers: [ServiceNames] })
export class ScansModule {}
