import { readFileSync } from 'node:fs';
import { Parser } from '@asyncapi/parser';
import { createApplication } from '../../src/app.setup.js';
import { VERSION } from '../../src/modules/common/version.js';
import { CLIENT_EVENTS } from '../../src/modules/stream/messages/messages.js';
import { SERVER_EVENTS } from '../../src/modules/stream/messages/server-messages.js';
import { testConfiguration } from '../support/application.js';

/** Of the parser's diagnostics; 0 is an error, what is greater is a hint. */
const WARNING = 1;

interface AsyncApi {
  asyncapi: string;
  info: { version: string };
  channels: Record<string, { address: string; messages: Record<string, { name: string; payload: unknown }> }>;
  operations: Record<string, { messages: { $ref: string }[] }>;
}

let openApi: { openapi: string; info: { version: string } };
let asyncApi: AsyncApi;

/** With no port open. */
beforeAll(async () => {
  const { app, documents } = await createApplication(testConfiguration());
  await app.init();
  openApi = plain(documents.openApi()) as typeof openApi;
  asyncApi = plain(documents.asyncApi()) as AsyncApi;
  expect(app.getHttpServer().listening).toBe(false);
  await app.close();
});

function plain(document: object): unknown {
  return JSON.parse(JSON.stringify(document));
}

function committed(name: string): unknown {
  return JSON.parse(readFileSync(`openapi/${name}`, 'utf8'));
}

it('the committed documents are what the application says: npm run documents writes them again', () => {
  expect(committed('openapi.json')).toEqual(openApi);
  expect(committed('asyncapi.json')).toEqual(asyncApi);
});

it('they are of the versions they say, and of the version of the package', () => {
  expect(openApi.openapi).toBe('3.1.0');
  expect(asyncApi.asyncapi).toBe('3.0.0');
  const { version } = JSON.parse(readFileSync('package.json', 'utf8')) as { version: string };
  expect([VERSION, openApi.info.version, asyncApi.info.version]).toEqual([version, version, version]);
});

it('the AsyncAPI document is valid, without an error or a warning', async () => {
  const { document, diagnostics } = await new Parser().parse(JSON.stringify(asyncApi));
  expect(diagnostics.filter(({ severity }) => (severity as number) <= WARNING)).toEqual([]);
  expect(document?.version()).toBe('3.0.0');
});

it('the AsyncAPI document has every event of the tables that the gateway goes by, and no other', () => {
  const { messages = {} } = asyncApi.channels.stream ?? {};
  const eventsOf = (operation: string): string[] =>
    (asyncApi.operations[operation]?.messages ?? [])
      .map(({ $ref }) => messages[$ref.split('/').at(-1) ?? '']?.name ?? $ref)
      .filter((name) => !name.startsWith('bytesFrom'));
  expect(eventsOf('receiveFromClient').sort()).toEqual(Object.keys(CLIENT_EVENTS).sort());
  expect(eventsOf('sendToClient').sort()).toEqual(Object.keys(SERVER_EVENTS).sort());
});

it('the AsyncAPI document describes the doors of both kinds', () => {
  expect(Object.values(asyncApi.channels).map(({ address }) => address)).toEqual(['/v1/stream', '/v1/pipe']);
});
