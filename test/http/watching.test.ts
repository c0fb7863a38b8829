import { Ajv2020, type ValidateFunction } from 'ajv/dist/2020.js';
import formats from 'ajv-formats';
import type { SocketEventDto } from '../../src/modules/common/event.dto.js';
import { startApi, type Api } from '../support/api.js';
import { StreamClient, terminateClients, type Message } from '../support/ws-client.js';
import { closePeers } from './peer.js';
import { accept, dial, inState, listen } from './steps.js';

const ajv = new Ajv2020({ strict: false });
formats.default(ajv);
const checks = new Map<string, ValidateFunction>();

let api: Api;
let document: { channels: { stream: { messages: Record<string, { payload: object }> } }; components: object };
beforeAll(async () => {
  api = await startApi();
  document = api.application.documents.asyncApi() as typeof document;
});
afterEach(() => {
  terminateClients();
  closePeers();
});
afterAll(() => api.close());

function client(of: Api = api): Promise<StreamClient> {
  return StreamClient.open(of.application);
}

/** The message is one that the AsyncAPI document describes. */
function hold(message: Message): Message {
  const { kind, event, ...said } = message;
  const { payload } = document.channels.stream.messages[`${event}FromServer`]!;
  const check = checks.get(event) ?? ajv.compile({ ...payload, components: document.components });
  checks.set(event, check);
  if (!check({ event, ...said })) throw new Error(`${kind} ${event}: ${ajv.errorsText(check.errors)}`);
  return message;
}

/** The next `count` events, in their order. */
async function events(of: StreamClient, count: number): Promise<SocketEventDto[]> {
  const seen: SocketEventDto[] = [];
  while (seen.length < count) seen.push(hold(await of.message('event')).data as unknown as SocketEventDto);
  return seen;
}

async function watch(of: StreamClient, filter: object = {}): Promise<Message> {
  const answer = hold(await of.ask('watch', filter));
  expect(answer.event).toBe('watching');
  return answer;
}

function names(seen: SocketEventDto[]): string[] {
  return seen.map(({ name }) => name);
}

/** Nothing more has come: what the service has to say before the answer to a ping is here by then. */
async function quiet(of: StreamClient): Promise<void> {
  await of.ask('ping');
  expect(of.inbox.takeAll((item) => item.kind === 'message' && item.event === 'event')).toEqual([]);
}

it('watch tells the life of every socket, in order, with the socket as it was', async () => {
  const ws = await client();
  const { data } = await watch(ws);
  const listener = await listen(api, { name: 'watched' });
  const { peer, connection } = await accept(api, listener);
  peer.finish();
  await inState(api, connection.id, 'half-closed-remote');
  await api.delete(`/v1/sockets/${connection.id}`);
  await api.delete(`/v1/listeners/watched`);
  const seen = await events(ws, 5);
  expect(seen.map(({ id, name, socketId, socket }) => [id, name, socketId, socket.state])).toEqual(
    [
      ['created', listener.id, 'listening'],
      ['accepted', connection.id, 'open'],
      ['eof', connection.id, 'half-closed-remote'],
      ['closed', connection.id, 'closed'],
      ['closed', listener.id, 'closed'],
    ].map((event, i) => [(data.lastEventId as number) + 1 + i, ...event]),
  );
  expect(new Date(seen[0]!.time).toISOString()).toBe(seen[0]!.time);
  await quiet(ws);
});

it('watch has the filters kind, listenerId (id or name), label and events', async () => {
  const [byKind, byId, byName, byLabel, byEvents] = await Promise.all(
    Array.from({ length: 5 }, () => client()),
  );
  const other = await listen(api);
  const listener = await listen(api, { name: 'meters', labels: { run: 'ws' } });
  await watch(byKind!, { kind: 'client' });
  await watch(byId!, { listenerId: listener.id });
  await watch(byName!, { listenerId: 'meters', kind: 'connection' });
  await watch(byLabel!, { label: 'run=ws' });
  await watch(byEvents!, { events: ['connected', 'paused'] });
  const { connection } = await accept(api, listener);
  await accept(api, other);
  const { client: dialled } = await dial(api);
  await api.post(`/v1/sockets/${connection.id}/pause`);
  await api.delete('/v1/listeners/meters');
  expect((await events(byKind!, 1)).map(({ socketId }) => socketId)).toEqual([dialled.id]);
  expect(names(await events(byId!, 4))).toEqual(['accepted', 'paused', 'closed', 'closed']);
  expect(names(await events(byName!, 3))).toEqual(['accepted', 'paused', 'closed']);
  expect(names(await events(byLabel!, 4))).toEqual(['accepted', 'paused', 'closed', 'closed']);
  expect(names(await events(byEvents!, 2))).toEqual(['connected', 'paused']);
  for (const ws of [byKind, byId, byName, byLabel, byEvents]) await quiet(ws!);
});

it('an event that several watches want comes once; a filter that is watched already adds nothing', async () => {
  const ws = await client();
  expect((await watch(ws, { kind: 'listener', events: ['created', 'closed'] })).data.watches).toBe(1);
  expect((await watch(ws, { events: ['closed', 'created'], kind: 'listener' })).data.watches).toBe(1);
  expect((await watch(ws, { events: ['created'] })).data.watches).toBe(2);
  const { id } = await listen(api);
  await api.delete(`/v1/sockets/${id}`);
  expect(names(await events(ws, 2))).toEqual(['created', 'closed']);
  await quiet(ws);
});

it('unwatch ends the watch with that filter, and without a filter all of them', async () => {
  const ws = await client();
  await watch(ws, { kind: 'listener' });
  await watch(ws, { kind: 'client' });
  await watch(ws, { label: 'a=b' });
  expect(hold(await ws.ask('unwatch', { kind: 'listener' })).data.watches).toBe(2);
  await listen(api);
  await dial(api);
  expect(names(await events(ws, 1))).toEqual(['connected']);
  const unknown = hold(await ws.ask('unwatch', { kind: 'listener' }));
  expect([unknown.event, unknown.data.status]).toEqual(['error', 404]);
  expect((await ws.ask('unwatch', {})).data.watches).toBe(0);
  await dial(api);
  await quiet(ws);
  expect((await ws.ask('unwatch', {})).data.watches).toBe(0);
  await watch(ws, { kind: 'client' });
  await dial(api);
  expect(names(await events(ws, 1))).toEqual(['connected']);
});

it('a client that comes back goes on behind the event it had last', async () => {
  const before = await client();
  await watch(before, { kind: 'listener' });
  await listen(api);
  const [had] = await events(before, 1);
  before.terminate();
  const { id } = await listen(api);
  const after = await client();
  expect((await watch(after, { kind: 'listener', lastEventId: had!.id })).data.lastEventId).toBe(had!.id);
  const [next] = await events(after, 1);
  expect([next!.id, next!.socketId]).toEqual([had!.id + 1, id]);
});

it('events that are not remembered any more are told as missed, before those that are', async () => {
  const short = await startApi({ SOCKEYE_EVENT_HISTORY: '2' });
  const ws = await client(short);
  await listen(short);
  const { data } = await watch(ws);
  const had = data.lastEventId as number;
  for (let i = 0; i < 4; i += 1) await listen(short);
  await events(ws, 4);
  await watch(ws, { kind: 'listener', lastEventId: had });
  expect(hold(await ws.message('missed')).data).toEqual({ from: had + 1, to: had + 2 });
  expect((await events(ws, 2)).map(({ id }) => id)).toEqual([had + 3, had + 4]);
  ws.terminate();
  await short.close();
});

it('of a listener that there never was nothing could come: its id is 404; a name may be given first', async () => {
  const ws = await client();
  const never = 'lsn_000000000000000000000000';
  const refused = hold(await ws.ask('watch', { listenerId: never }));
  expect([refused.event, refused.data.status]).toEqual(['error', 404]);
  expect((await api.get(`/v1/events?listenerId=${never}`)).status).toBe(404);
  const { data } = await watch(ws, { listenerId: 'to-come' });
  const { id } = await listen(api, { name: 'to-come' });
  await api.delete(`/v1/sockets/${id}`);
  expect(names(await events(ws, 2))).toEqual(['created', 'closed']);
  // One that has gone is in the history still.
  await watch(ws, { listenerId: id, lastEventId: data.lastEventId });
  expect(names(await events(ws, 2))).toEqual(['created', 'closed']);
});

it('without data, everything is watched, and nothing any more', async () => {
  const ws = await client();
  expect(hold(await ws.ask('watch')).data.watches).toBe(1);
  const { id } = await listen(api);
  expect((await events(ws, 1))[0]!.socketId).toBe(id);
  expect(hold(await ws.ask('unwatch')).data.watches).toBe(0);
});

it('what cannot be watched is refused by name, and the WebSocket goes on', async () => {
  const ws = await client();
  const wrong: [object, string][] = [
    [{ kind: 'door' }, '/kind'],
    [{ label: 'novalue' }, '/label'],
    [{ listenerId: 5 }, '/listenerId'],
    [{ events: 'closed' }, '/events'],
    [{ events: [] }, '/events'],
    [{ events: ['opened'] }, '/events'],
    [{ events: ['eof', 'eof'] }, '/events'],
    [{ lastEventId: '1' }, '/lastEventId'],
    [{ lastEventId: -1 }, '/lastEventId'],
    [{ lastEventId: Number.MAX_SAFE_INTEGER }, '/lastEventId'],
    [{ colour: 'red' }, '/colour'],
  ];
  for (const event of ['watch', 'unwatch']) {
    for (const [data, pointer] of wrong) {
      const { data: problem } = hold(await ws.ask(event, data));
      if (event === 'unwatch' && pointer === '/lastEventId') expect(problem.status).toBe(400);
      else expect([problem.status, problem.errors?.[0]?.pointer]).toEqual([400, pointer]);
    }
  }
  for (const data of [null, [], 'all']) expect((await ws.ask('watch', data)).data.status).toBe(400);
  expect((await ws.ask('watch', { kind: 'client' })).data.watches).toBe(1);
});

it('the number of watches on one WebSocket is bounded', async () => {
  const ws = await client();
  for (let i = 0; i < 64; i += 1) await watch(ws, { label: `n=${i}` });
  expect((await ws.ask('watch', { label: 'n=64' })).data.status).toBe(429);
  expect((await watch(ws, { label: 'n=0' })).data.watches).toBe(64);
});
