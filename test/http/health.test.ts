import { request } from 'node:http';
import type { Duplex } from 'node:stream';
import { startApi, type Api } from '../support/api.js';
import { within } from './peer.js';

let api: Api;
beforeAll(async () => (api = await startApi()));
afterAll(() => api.close());

it('live and ready answer ok while the service runs', async () => {
  for (const path of ['/health/live', '/health/ready']) {
    expect(await api.get(path)).toMatchObject({ status: 200, body: { status: 'ok' } });
  }
});

it('ready answers 503 from the first sign of the end, while live stays ok and clients take their leave', async () => {
  const stopping = await startApi();
  const client = await webSocket(stopping);
  const farewell = new Promise((resolve) => client.once('data', resolve));
  const closed = stopping.close();
  // The close frame: from now on the service waits, for a moment, for the answer to it.
  await within('the farewell', farewell);
  await stopping.refused(stopping.get('/health/ready'), 503, 'not-ready');
  expect((await stopping.get('/health/live')).status).toBe(200);
  client.destroy();
  await within('the end', closed);
});

it('both documents are served as they are generated', async () => {
  const { documents, url } = api.application;
  for (const [path, document] of [
    ['/openapi.json', documents.openApi()],
    ['/asyncapi.json', documents.asyncApi()],
  ] as const) {
    const answer = await fetch(url + path);
    expect(answer.status).toBe(200);
    expect(await answer.json()).toEqual(JSON.parse(JSON.stringify(document)));
  }
});

/** The bare connection of a WebSocket, which answers nothing. */
function webSocket({ application }: Api): Promise<Duplex> {
  const headers = {
    connection: 'Upgrade',
    upgrade: 'websocket',
    'sec-websocket-version': '13',
    'sec-websocket-key': Buffer.alloc(16).toString('base64'),
  };
  const asked = request(`${application.url}/v1/stream`, { agent: false, headers });
  const upgraded = new Promise<Duplex>((resolve, reject) => {
    asked.once('upgrade', (_, socket: Duplex) => resolve(socket));
    asked.once('error', reject);
  });
  asked.end();
  return within('the upgrade', upgraded);
}
