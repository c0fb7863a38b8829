import { join } from 'node:path';
import { Global, Module, type OnApplicationShutdown, type OnModuleDestroy } from '@nestjs/common';
import { Engine } from '../../sockets/index.js';
import { CONFIGURATION, type Configuration } from '../config/configuration.js';
import { descriptorShares } from '../config/descriptors.js';
import { EventFeed } from './event-feed.js';

@Global()
@Module({
  providers: [{ provide: Engine, inject: [CONFIGURATION], useFactory: createEngine }, EventFeed],
  exports: [Engine, EventFeed],
})
export class EngineModule implements OnModuleDestroy, OnApplicationShutdown {
  constructor(private readonly engine: Engine) {}

  /** First of all: nothing new. Readers and WebSockets have their time before the sockets go. */
  onModuleDestroy(): void {
    this.engine.stopAccepting();
  }

  async onApplicationShutdown(): Promise<void> {
    await this.engine.close();
  }
}

function createEngine(configuration: Configuration): Engine {
  const { limits, egressAllow, egressDeny, bindAllow, bindPorts, allowMetadata } = configuration;
  const maxSockets = descriptorShares(limits.maxSockets).sockets;
  return new Engine({
    unix: { directory: configuration.unixDir, records: join(configuration.dataDir, 'unix') },
    limits: { ...limits, maxSockets },
    policy: {
      protectedMode: configuration.apiKeys.length === 0,
      egressAllow,
      egressDeny,
      bindAllow,
      bindPorts,
      allowMetadata,
    },
  });
}
