/** The service inside the test's own process, on a free port, made as every start makes it. */
import type { AddressInfo } from 'node:net';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { createApplication, type Documents } from '../../src/app.setup.js';
import { readConfiguration, type Environment } from '../../src/modules/config/configuration.js';
import { Engine } from '../../src/sockets/index.js';

const DEADLINE_MS = 10_000;

export class RunningApplication {
  readonly port: number;

  constructor(
    private readonly app: NestFastifyApplication,
    readonly documents: Documents,
  ) {
    this.port = (app.getHttpServer().address() as AddressInfo).port;
  }

  get url(): string {
    return `http://127.0.0.1:${this.port}`;
  }

  /** What `look` finds, which is asked again at each event of a socket until it is not null. */
  async eventually<T>(what: string, look: () => Promise<T | null>): Promise<T> {
    let events = 0;
    let wake = (): void => undefined;
    const stop = this.app.get(Engine).onEvent(() => {
      events += 1;
      wake();
    });
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<never>((_, reject) => {
      timer = setTimeout(() => reject(new Error(`not within ${DEADLINE_MS} ms: ${what}`)), DEADLINE_MS);
    });
    try {
      for (;;) {
        const before = events;
        const found = await Promise.race([look(), late]);
        if (found !== null) return found;
        const next = new Promise<void>((resolve) => (wake = resolve));
        // An event may have come while `look` was asking.
        if (events === before) await Promise.race([next, late]);
      }
    } finally {
      clearTimeout(timer);
      stop();
    }
  }

  close(): Promise<void> {
    return this.app.close();
  }
}

export function testConfiguration(environment: Environment = {}): ReturnType<typeof readConfiguration> {
  return readConfiguration({ SOCKEYE_LOG_LEVEL: 'silent', ...environment }, () => '');
}

export async function startApplication(environment: Environment = {}): Promise<RunningApplication> {
  const { app, documents } = await createApplication(testConfiguration(environment));
  await app.listen(0, '127.0.0.1');
  const running = new RunningApplication(app, documents);
  app.get(Engine).policy.protectControlPort(running.port, ['127.0.0.1']);
  return running;
}
