import request from 'supertest';
import { ELSEWHERE } from '../../src/modules/common/api.js';
import type { SocketListDto } from '../../src/modules/common/list.dto.js';
import { startApplication, type RunningApplication } from '../support/application.js';
import { serveNtp } from '../support/time-servers.js';
import { routesOf, type Document, type Operation } from './document.js';

/** As somebody would go through the documentation, and close at the end what the examples opened. */
const ORDER = [
  'live',
  'ready',
  'describeAddress',
  'convertAddress',
  'describeNetwork',
  'swapBytes',
  'listServices',
  'listProtocols',
  'getHost',
  'lookUpHost',
  'lookUpAddress',
  'askForRecords',
  'getTime',
  'askNtp',
  'createListener',
  'exchange',
  'askDaytime',
  'askTime',
  'declareListener',
  'exchange',
  'listListeners',
  'getListener',
  'setResponder',
  'getResponder',
  'exchange',
  'removeResponder',
  'createClient',
  'listConnections',
  'listClients',
  'getClient',
  'listSockets',
  'getSocket',
  'renewLease',
  'getSettings',
  'createTicket',
  'changeSettings',
  'setTimeout',
  'getTimeout',
  'sendData',
  'readData',
  'receiveData',
  'commit',
  'listKnownOptions',
  'getOptions',
  'getOption',
  'setOptions',
  'listReaders',
  'removeReader',
  'pauseSocket',
  'resumeSocket',
  'shutdownSocket',
  'getTranscript',
  'listMemberships',
  'joinGroup',
  'leaveGroup',
  'createScan',
  'listScans',
  'getScan',
  'streamScan',
  'deleteScan',
  'closeClient',
  'createClient',
  'startTls',
  'closeSocket',
  'closeListener',
  'streamEvents',
  'declareListener',
  'closeSockets',
];

type Verb = 'get' | 'post' | 'put' | 'patch' | 'delete';

let application: RunningApplication;
let stopServing: () => void;
let operations: Map<string, { method: string; path: string; operation: Operation }>;
beforeAll(async () => {
  // Multicast needs leave, and a datagram socket, which no example makes.
  application = await startApplication({ SOCKEYE_EGRESS_ALLOW: '239.0.0.0/8' });
  await request(application.url).post('/v1/listeners').send({ protocol: 'udp', name: 'demo-udp' });
  stopServing = await serveNtp();
  const routes = routesOf(application.documents.openApi() as unknown as Document);
  operations = new Map(routes.map((route) => [route.operation.operationId, route]));
});
afterAll(async () => {
  stopServing();
  await application.close();
});

it('the order below names every operation', () => {
  expect([...new Set(ORDER)].sort()).toEqual([...operations.keys()].sort());
});

it('every operation can be tried as it stands: the examples of the document work, one after the other', async () => {
  const outcomes: Record<string, number> = {};
  for (const id of ORDER) {
    const status = await play(id);
    outcomes[id] = Math.max(outcomes[id] ?? 0, status);
  }
  const failed = Object.entries(outcomes).filter(([, status]) => status < 200 || status > 299);
  expect(failed).toEqual([]);
});

async function play(id: string): Promise<number> {
  const { method, path, operation } = operations.get(id)!;
  const filled = operation.parameters
    .filter((parameter) => parameter.in === 'path')
    .reduce((url, { name, schema }) => url.replace(`{${name}}`, String(schema.example)), path);
  if (operation.responses['200']?.content?.['text/event-stream'] !== undefined) return beginning(filled);
  const ask = () => request(application.url)[method.toLowerCase() as Verb](filled).query(queryOf(operation));
  const all = operation.requestBody?.content['application/json']?.examples ?? {};
  const examples = Object.keys(all).flatMap((name) => (name.startsWith(ELSEWHERE) ? [] : [all[name]!]));
  if (examples.length === 0) return (await ask()).status;
  const peer = id === 'startTls' ? peerOfStartTls() : null;
  const statuses: number[] = [];
  for (const { value } of examples) statuses.push((await ask().send(value as object)).status);
  await peer;
  return Math.max(...statuses);
}

/** It takes two to shake hands: the other end of the client is a connection of the listener. */
async function peerOfStartTls(): Promise<void> {
  const { body } = await request(application.url).get('/v1/listeners/demo/connections');
  const path = `/v1/sockets/${(body as SocketListDto).items.at(-1)!.id}`;
  await request(application.url).get(`${path}/data?waitMs=5000`);
  const asked = { role: 'client', tls: { insecure: true } };
  expect((await request(application.url).post(`${path}/starttls`).send(asked)).status).toBe(200);
}

/** The status of an answer that has no end. */
async function beginning(path: string): Promise<number> {
  const caller = new AbortController();
  const { status } = await fetch(`${application.url}${path}`, { signal: caller.signal });
  caller.abort();
  return status;
}

/** Swagger UI fills in the examples of query parameters, too; of a list it sends each by itself. */
function queryOf({ parameters }: Operation): string {
  const shown = parameters.filter(
    ({ in: place, schema }) => place === 'query' && schema.example !== undefined,
  );
  const pairs = shown.flatMap(({ name, schema }) =>
    [schema.example].flat().map((one): [string, string] => [name, String(one)]),
  );
  return new URLSearchParams(pairs).toString();
}
