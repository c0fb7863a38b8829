import './kept-tick.js';
import 'reflect-metadata';
import { readFileSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import { networkInterfaces } from 'node:os';
import type { Application } from './app.setup.js';
import {
  ConfigurationError,
  processEnvironment,
  readConfiguration,
  type Configuration,
} from './modules/config/configuration.js';
import { Engine } from './sockets/index.js';

/** After this the process ends, whatever is still open. */
const EXIT_AFTER_DRAIN_MS = 3_000;

async function start(): Promise<void> {
  const configuration = readConfiguration(processEnvironment(), (path) => readFileSync(path, 'utf8'));
  // Loaded only now: a bad variable is told at once, not after the whole application.
  const { createApplication } = await import('./app.setup.js');
  const application = await createApplication(configuration);
  await application.app.listen({
    host: configuration.host,
    port: configuration.port,
    listenTextResolver: (address) => `listening on ${address}`,
  });
  const { address, port } = application.app.getHttpServer().address() as AddressInfo;
  protectControlPort(application, port);
  stopOnSignals(application, configuration);
  const url = `http://${address.includes(':') ? `[${address}]` : address}:${String(port)}`;
  process.stdout.write(`Sockeye listens on ${url} - Swagger UI at ${url}/docs\n`);
}

function protectControlPort({ app }: Application, port: number): void {
  const own = Object.values(networkInterfaces()).flatMap((addresses) => addresses ?? []);
  app.get(Engine).policy.protectControlPort(
    port,
    own.map(({ address }) => address),
  );
}

function stopOnSignals({ app }: Application, { drainMs }: Configuration): void {
  let stopping = false;
  const stop = (exitCode: number): void => {
    if (stopping) process.exit(exitCode === 0 ? 130 : exitCode);
    stopping = true;
    const server = app.getHttpServer();
    setTimeout(() => server.closeAllConnections(), drainMs).unref();
    setTimeout(() => process.exit(exitCode), Math.min(drainMs + EXIT_AFTER_DRAIN_MS, 9_500)).unref();
    app.close().then(
      () => process.exit(exitCode),
      () => process.exit(1),
    );
  };
  for (const signal of ['SIGTERM', 'SIGINT'] as const) process.on(signal, () => stop(0));
  const broken = (error: unknown): void => {
    process.stderr.write(
      `uncaught: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`,
    );
    stop(1);
  };
  process.on('uncaughtException', broken);
  process.on('unhandledRejection', broken);
}

start().catch((error: unknown) => {
  const reason =
    error instanceof ConfigurationError
      ? error.message
      : error instanceof Error
        ? error.message
        : String(error);
  process.stderr.write(`Sockeye cannot start: ${reason}\n`);
  process.exit(1);
});
