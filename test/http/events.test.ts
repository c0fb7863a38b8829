import { SOCKET_EVENTS } from '../../src/sockets/index.js';
import { startApi, type Api } from '../support/api.js';
import { Authority, describeWithOpenssl } from '../support/certificates.js';
import { portOf } from '../support/ends.js';
import { EventSource, type ServerSentEvent } from '../support/event-source.js';
import { closePeers, within } from './peer.js';
import { accept, dial, hasReceived, inState, listen } from './steps.js';

let api: Api;
const open: EventSource[] = [];
beforeAll(async () => (api = await startApi()));
afterEach(() => {
  for (const source of open.splice(0)) source.close();
  closePeers();
});
afterAll(() => api.close());

async function events(query = '', headers: Record<string, string> = {}): Promise<EventSource> {
  const source = await EventSource.open(api.application.url, query, headers);
  open.push(source);
  return source;
}

/** The names of the next events, in their order. */
async function names(source: EventSource, count: number): Promise<string[]> {
  return (await source.take(count)).map(({ event }) => event);
}

describe('the stream of events', () => {
  it('is documented, and says that it is a stream of events which nobody may keep', async () => {
    const caller = new AbortController();
    const { headers } = await api.open('/v1/events', caller.signal);
    caller.abort();
    expect(headers.get('content-type')).toBe('text/event-stream');
    expect(headers.get('cache-control')).toBe('no-store');
  });

  it('answers HEAD without a body', async () => {
    const answer = await within('HEAD', fetch(`${api.application.url}/v1/events`, { method: 'HEAD' }));
    expect([answer.status, answer.headers.get('content-type')]).toEqual([200, 'text/event-stream']);
  });

  it('tells the life of a connection in order, each event once, with the socket as it was', async () => {
    const source = await events();
    const listener = await listen(api, { labels: { run: 'life' } });
    const { peer, connection } = await accept(api, listener);
    peer.finish('bye');
    await inState(api, connection.id, 'half-closed-remote');
    await api.delete(`/v1/sockets/${connection.id}`);
    await api.delete(`/v1/listeners/${listener.id}`);
    const seen = await source.take(6);
    expect(seen.map(({ event, data }) => [event, data.socketId, data.socket.state])).toEqual([
      ['created', listener.id, 'listening'],
      ['accepted', connection.id, 'open'],
      ['eof', connection.id, 'half-closed-remote'],
      // What nobody had read went with the socket.
      ['gap', connection.id, 'half-closed-remote'],
      ['closed', connection.id, 'closed'],
      ['closed', listener.id, 'closed'],
    ]);
    const first = seen[0]!.id;
    expect(seen.map(({ id, data }) => [id, data.id])).toEqual(seen.map((_, i) => [first + i, first + i]));
    expect(seen.map(({ data }) => data.name)).toEqual(seen.map(({ event }) => event));
    expect(seen[3]!.data.gap).toEqual({ from: 0, to: 3, dropped: 3 });
    expect(seen[4]!.data).toMatchObject({
      gap: null,
      socket: { closeReason: 'api', labels: { run: 'life' } },
    });
    expect(seen[4]!.data.time).toBe(seen[4]!.data.socket.closedAt);
    expect(source.waiting).toBe(0);
  });

  it('tells what becomes of a client: connected, and failed when its peer resets', async () => {
    const source = await events('kind=client');
    const { peer, client } = await dial(api);
    peer.reset();
    const [connected, failed] = await source.take(2);
    expect([connected!.event, connected!.data.socket.state]).toEqual(['connected', 'open']);
    expect([failed!.event, failed!.data.socketId]).toEqual(['failed', client.id]);
    expect(failed!.data.socket).toMatchObject({
      state: 'failed',
      closeReason: { code: 'ECONNRESET', errno: 104 },
    });
  });

  it('tells of each pause and resume that somebody asks for, and of none that changes nothing', async () => {
    const { client } = await dial(api);
    const source = await events('events=paused,resumed');
    for (const step of ['resume', 'pause', 'pause', 'resume', 'pause', 'resume', 'resume'])
      await api.post(`/v1/sockets/${client.id}/${step}`);
    expect(await names(source, 4)).toEqual(['paused', 'resumed', 'paused', 'resumed']);
    await api.post(`/v1/sockets/${client.id}/pause`);
    expect((await source.next()).data.socket.received.paused).toBe(true);
  });

  it('tells that a full window stops the reading, and that it goes on', async () => {
    const source = await events('events=paused,resumed');
    const { peer, client } = await dial(api, { receive: { windowBytes: 1024 } });
    peer.send('x'.repeat(2000));
    const paused = await source.next('paused');
    expect(paused.data).toMatchObject({ socketId: client.id, socket: { received: { paused: true } } });
    await api.post(`/v1/sockets/${client.id}/receive`, {});
    expect((await source.next()).event).toBe('resumed');
  });

  it('tells which bytes a live feed dropped before they were read; a flood of gaps as few', async () => {
    const source = await events('events=gap');
    const { peer, client } = await dial(api, { receive: { windowBytes: 1000, overflow: 'drop-oldest' } });
    peer.send('x'.repeat(1500));
    await hasReceived(api, client.id, 1500, 1000);
    for (let head = 1500; head < 11_500; head += 100) {
      peer.send('y'.repeat(100));
      await hasReceived(api, client.id, head + 100, head);
    }
    const gaps: ServerSentEvent[] = [];
    do gaps.push(await source.next());
    while (gaps.at(-1)!.data.gap!.to < 10_500);
    // Together they name every byte that is gone, once.
    expect(gaps[0]!.data.gap!.from).toBe(0);
    gaps.slice(1).forEach(({ data }, i) => expect(data.gap!.from).toBe(gaps[i]!.data.gap!.to));
    expect(gaps.reduce((sum, { data }) => sum + data.gap!.dropped, 0)).toBe(10_500);
    expect(gaps.length).toBeLessThan(50);
  });
});

describe('filters of events', () => {
  it('by kind, listener (its id or its name), label and name of the event', async () => {
    const all = await events();
    const byKind = await events('kind=listener');
    const byName = await events('listenerId=filtered');
    const byLabel = await events('label=run%3Dfilter');
    const byEvents = await events('events=accepted,eof');
    const listener = await listen(api, { name: 'filtered', labels: { run: 'filter' } });
    const byId = await events(`listenerId=${listener.id}&events=closed`);
    const { peer, connection } = await accept(api, listener);
    await dial(api);
    peer.finish();
    await inState(api, connection.id, 'half-closed-remote');
    await api.delete(`/v1/listeners/filtered`);
    const last = await listen(api, { labels: { run: 'filter' } });
    expect(await names(all, 7)).toEqual([
      ...['created', 'accepted', 'connected', 'eof', 'closed', 'closed', 'created'],
    ]);
    expect(await names(byKind, 3)).toEqual(['created', 'closed', 'created']);
    expect(await names(byName, 5)).toEqual(['created', 'accepted', 'eof', 'closed', 'closed']);
    // A connection has the labels of its listener.
    expect(await names(byLabel, 6)).toEqual(['created', 'accepted', 'eof', 'closed', 'closed', 'created']);
    expect(await names(byEvents, 2)).toEqual(['accepted', 'eof']);
    expect((await byId.take(2)).map(({ data }) => data.socketId)).toEqual([listener.id, connection.id]);
    expect([byName.waiting, byEvents.waiting, byId.waiting]).toEqual([0, 0, 0]);
    await api.delete(`/v1/sockets/${last.id}`);
  });

  it('are refused with the pointer where they cannot be meant', async () => {
    const wrong: [string, string][] = [
      ['kind', 'door'],
      ['label', 'novalue'],
      ['events', 'opened'],
      ['events', 'closed,,eof'],
      ['events', ''],
      ['lastEventId', '-1'],
      ['lastEventId', 'x'],
      ['lastEventId', '9007199254740991'],
      ['colour', 'red'],
    ];
    for (const [field, value] of wrong) {
      const problem = await api.refused(api.get('/v1/events', { [field]: value }), 400, 'validation-failed');
      expect(problem.errors?.[0]?.pointer).toBe(`/${field}`);
    }
    const header = api.get('/v1/events', {}, { 'last-event-id': 'yesterday' });
    await api.refused(header, 400, 'validation-failed');
  });

  it('know every name there is', async () => {
    const source = await events(`events=${SOCKET_EVENTS.join(',')}`);
    await listen(api);
    expect((await source.next()).event).toBe('created');
  });
});

describe('coming back', () => {
  it('goes on behind the event that was had last, by header or query', async () => {
    const before = await events('kind=listener');
    const ids = [(await listen(api)).id, (await listen(api)).id, (await listen(api)).id];
    const [first] = await before.take(1);
    before.close();
    const byHeader = await events('kind=listener', { 'last-event-id': String(first!.id) });
    expect((await byHeader.take(2)).map(({ data }) => data.socketId)).toEqual(ids.slice(1));
    const byQuery = await events(`kind=listener&lastEventId=${first!.id}`);
    expect((await byQuery.take(2)).map(({ data }) => data.socketId)).toEqual(ids.slice(1));
    const both = await events(`lastEventId=0&kind=listener`, { 'last-event-id': String(first!.id) });
    expect((await both.next()).data.socketId).toBe(ids[1]);
  });

  it('knows its place before there was any event', async () => {
    const before = await events('kind=client');
    const { id } = await listen(api);
    while (before.lastEventId === '') await listen(api);
    before.close();
    const after = await events('', { 'last-event-id': before.lastEventId });
    expect((await after.next()).data.socketId).toBe(id);
  });

  it('shows sockets as they were when it happened, not as they are', async () => {
    const { id } = await listen(api, { name: 'was' });
    await api.delete(`/v1/sockets/${id}`);
    const source = await events('lastEventId=0&listenerId=was');
    const [created, closed] = await source.take(2);
    expect([created!.data.socket.state, created!.data.socket.closedAt]).toEqual(['listening', null]);
    expect(closed!.data.socket.state).toBe('closed');
  });
});

describe('a history that is too short', () => {
  let short: Api;
  beforeAll(async () => (short = await startApi({ SOCKEYE_EVENT_HISTORY: '3' })));
  afterAll(() => short.close());

  it('says first which events are missing, then goes on with those that are there', async () => {
    const before = await EventSource.open(short.application.url);
    await listen(short);
    const { id: had } = await before.next();
    before.close();
    for (let i = 0; i < 5; i += 1) await listen(short);
    const source = await EventSource.open(short.application.url, '', { 'last-event-id': String(had) });
    const [missed, ...rest] = await source.take(4);
    expect([missed!.event, missed!.data]).toEqual(['missed', { from: had + 1, to: had + 2 }]);
    expect(missed!.id).toBe(had + 2);
    expect(rest.map(({ event, id }) => [event, id])).toEqual([3, 4, 5].map((i) => ['created', had + i]));
    source.close();
  });

  it('says so to a client of an earlier process, too', async () => {
    const source = await EventSource.open(short.application.url, 'lastEventId=5&events=created');
    const missed = await source.next();
    expect([missed.event, missed.data.from]).toEqual(['missed', 6]);
    expect((await source.next()).id).toBe(missed.data.to + 1);
    source.close();
  });
});

describeWithOpenssl('events of sockets that speak TLS', () => {
  it('tell all of it but the certificates, which may be long', async () => {
    const authority = new Authority('Events CA');
    try {
      const { certificate, key } = authority.sign('localhost', { subjectAltName: 'DNS:localhost' });
      const source = await events('events=created,accepted,connected');
      const listener = await listen(api, { protocol: 'tls', tls: { certificate, key } });
      const tls = { ca: authority.ca, servername: 'localhost' };
      const spec = { protocol: 'tls', host: '127.0.0.1', port: portOf(listener), tls };
      expect((await api.post('/v1/clients', spec)).body).toMatchObject({
        tls: { peerCertificate: { pem: certificate } },
      });
      const seen = await source.take(3);
      const tlsOf = (name: string) => seen.find(({ event }) => event === name)?.data.socket.tls;
      expect(tlsOf('created')).toMatchObject({ certificate: null, minVersion: 'TLSv1.2' });
      expect(tlsOf('connected')).toMatchObject({ peerCertificate: null, authorized: true });
      expect(JSON.stringify(seen)).not.toContain('CERTIFICATE');
    } finally {
      authority.remove();
    }
  });
});

it('a stop of the service ends the stream cleanly, with all that happened before', async () => {
  const stopped = await startApi();
  const source = await EventSource.open(stopped.application.url);
  const { id } = await listen(stopped);
  await within('the stop', stopped.close());
  await within('the end of the stream', source.ended);
  const seen = await source.take(2);
  expect(seen.map(({ event, data }) => [event, data.socketId])).toEqual([
    ['created', id],
    ['closed', id],
  ]);
});
