import { Module } from '@nestjs/common';
import { RespondersController } from './responders.controller.js';
import { TranscriptController } from './transcript.controller.js';

@Module({ controllers: [RespondersController, TranscriptController] })
export class RespondersModule {}
