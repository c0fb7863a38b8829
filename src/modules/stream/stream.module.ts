import { Module } from '@nestjs/common';
import { OpenWebSockets } from './open-websockets.js';
import { PipeGateway } from './pipe.gateway.js';
import { StreamGateway } from './stream.gateway.js';

@Module({ providers: [OpenWebSockets, StreamGateway, PipeGateway] })
export class StreamModule {}
