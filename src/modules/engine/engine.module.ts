import { readFileSync } from 'node:fs';
import { Global, Module, type OnApplicationShutdown } from '@nestjs/common';
import { Engine } from '../../sockets/index.js';
import { CONFIGURATION, type Configuration } from '../config/configuration.js';

/** Descriptors kept free for the HTTP port, its WebSockets and files: at the limit Node fails silently. */
const DESCRIPTOR_RESERVE = 256;

@Global()
@Module({
  providers: [{ provide: Engine, inject: [CONFIGURATION], useFactory: createEngine }],
  exports: [Engine],
})
export class EngineModule implements OnApplicationShutdown {
  constructor(private readonly engine: Engine) {}

  async onApplicationShutdown(): Promise<void> {
    await this.engine.close();
  }
}

function createEngine(configuration: Configuration): Engine {
  const { limits, egressAllow, egressDeny, bindAllow, bindPorts, allowMetadata } = configuration;
  const maxSockets = Math.max(1, Math.min(limits.maxSockets, descriptorLimit() - DESCRIPTOR_RESERVE));
  return new Engine({
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

/** RLIMIT_NOFILE as the kernel tells it (proc(5)); elsewhere no limit is known. */
function descriptorLimit(): number {
  try {
    const soft = /^Max open files\s+(\d+)/m.exec(readFileSync('/proc/self/limits', 'utf8'))?.[1];
    return soft === undefined ? Infinity : Number(soft);
  } catch {
    return Infinity;
  }
}
