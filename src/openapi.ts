import 'reflect-metadata';
import { mkdirSync, writeFileSync } from 'node:fs';
import { createApplication } from './app.setup.js';
import { readConfiguration } from './modules/config/configuration.js';

/** Writes both documents, from the application as it is, with no port open. */
async function write(directory: string): Promise<void> {
  const { app, documents } = await createApplication(
    readConfiguration({ SOCKEYE_LOG_LEVEL: 'warn' }, () => ''),
  );
  await app.init();
  mkdirSync(directory, { recursive: true });
  writeFileSync(`${directory}/openapi.json`, `${JSON.stringify(documents.openApi(), null, 2)}\n`);
  writeFileSync(`${directory}/asyncapi.json`, `${JSON.stringify(documents.asyncApi(), null, 2)}\n`);
  await app.close();
}

await write(process.argv[2] ?? 'openapi');
