import type { SocketListDto } from '../../src/modules/common/list.dto.js';
import type { ListenerDto } from '../../src/modules/common/listener.dto.js';
import type { ClosedSocketsDto } from '../../src/modules/sockets/sockets.dto.js';
import { startApi, type Api } from '../support/api.js';
import { portOf } from '../support/ends.js';
import { closePeers, Peer } from './peer.js';
import { accept, dial, inspect, inState, listen, polled } from './steps.js';

let api: Api;
beforeAll(async () => (api = await startApi()));
afterEach(closePeers);
afterAll(() => api.close());

function forgotten(asked: Api, id: string): Promise<void> {
  return polled(`${id} is forgotten`, async () => (await asked.get(`/v1/sockets/${id}`)).status === 410);
}

async function closeAll(query: Record<string, string | string[]>): Promise<ClosedSocketsDto> {
  const { status, body } = await api.delete<ClosedSocketsDto>('/v1/sockets', query);
  expect(status).toBe(200);
  expect(body.count).toBe(body.ids.length);
  return body;
}

describe('closing by label', () => {
  it('closes what matches, says which, and nothing else', async () => {
    const mine = await dial(api, { labels: { run: 'a', part: '1' } });
    const listener = await listen(api, { labels: { run: 'a' } });
    const { peer, connection } = await accept(api, listener);
    const other = await dial(api, { labels: { run: 'b', part: '1' } });
    const { ids } = await closeAll({ label: 'run=a' });
    expect(ids).toEqual([mine.client.id, listener.id, connection.id]);
    expect((await mine.peer.rest()).ended).toBe('end');
    expect((await peer.rest()).ended).toBe('end');
    for (const id of ids) await api.refused(api.get(`/v1/sockets/${id}`), 410, 'gone');
    await expect(Peer.connect(portOf(listener))).rejects.toMatchObject({ code: 'ECONNREFUSED' });
    expect((await inspect(api, other.client.id)).state).toBe('open');
    expect(await closeAll({ label: 'run=a' })).toEqual({ count: 0, ids: [] });
  });

  it('asks for all labels that are given', async () => {
    const labels = { run: 'c', part: '2' };
    const both = await dial(api, { labels });
    const one = await dial(api, { labels: { run: 'c', part: '3' } });
    expect((await closeAll({ label: ['run=c', 'part=2'] })).ids).toEqual([both.client.id]);
    expect((await inspect(api, one.client.id)).state).toBe('open');
  });

  it('resets when asked to', async () => {
    const { peer } = await dial(api, { labels: { run: 'reset' } });
    await closeAll({ label: 'run=reset', mode: 'reset' });
    expect((await peer.rest()).ended).toBe('ECONNRESET');
  });

  it('names connections that go only because their listener does', async () => {
    const labels = { run: 'd' };
    const listener = await listen(api, { labels });
    const { peer, connection } = await accept(api, listener);
    const { ids } = await closeAll({ label: 'run=d', kind: 'listener' });
    expect(ids).toEqual([listener.id, connection.id]);
    expect((await peer.rest()).ended).toBe('end');
    peer.finish();
    expect((await inState(api, connection.id, 'closed')).closeReason).toBe('listener-closed');
  });

  it('can be narrowed to the connections of one listener, which goes on', async () => {
    const listener = await listen(api);
    const first = await accept(api, listener);
    const second = await accept(api, listener);
    const { ids } = await closeAll({ listenerId: listener.id });
    expect(ids).toEqual([first.connection.id, second.connection.id]);
    expect((await inspect(api, listener.id)).state).toBe('listening');
  });

  it('is refused without a filter, and with one that is not valid', async () => {
    const { client } = await dial(api);
    for (const query of [{}, { mode: 'reset' }]) {
      const problem = await api.refused(api.delete('/v1/sockets', query), 400, 'validation-failed');
      expect(problem.errors?.[0]?.pointer).toBe('/label');
    }
    for (const query of [
      { label: '' },
      { label: 'run' },
      { state: 'open' },
      { mode: 'hard' },
      { limit: '1' },
    ])
      await api.refused(api.delete('/v1/sockets', query), 400, 'validation-failed');
    expect((await inspect(api, client.id)).state).toBe('open');
  });
});

it('many DELETEs of one socket at once: one closes it, the others are told that it is gone', async () => {
  for (const make of [async () => (await dial(api)).client, () => listen(api)]) {
    const { id } = await make();
    const answers = await Promise.all(Array.from({ length: 30 }, () => api.delete(`/v1/sockets/${id}`)));
    expect(answers.map(({ status }) => status).sort()).toEqual([204, ...Array<number>(29).fill(410)]);
  }
});

describe('draining', () => {
  it('can be watched through the listener until it has ended, and not be asked for again', async () => {
    const listener = await listen(api, { name: 'watched' });
    const { peer, connection } = await accept(api, listener);
    const path = `/v1/listeners/${listener.id}`;
    const closing = api.delete(path, { drainMs: 60_000 });
    await inState(api, listener.id, 'closed');
    for (const watched of [path, '/v1/listeners/watched'])
      expect((await api.get<ListenerDto>(watched)).body).toMatchObject({
        closeReason: 'api',
        openConnections: 1,
      });
    const { body } = await api.get<SocketListDto>(`${path}/connections`);
    expect(body.items.map(({ id }) => id)).toEqual([connection.id]);
    await api.refused(api.delete(path), 410, 'gone');
    peer.reset();
    expect((await closing).status).toBe(204);
    for (const gone of [path, `${path}/connections`]) await api.refused(api.get(gone), 410, 'gone');
  });

  it('is over for a peer that has just closed', async () => {
    const listener = await listen(api);
    const before = await accept(api, listener);
    const meanwhile = await accept(api, listener);
    before.peer.finish();
    await inState(api, before.connection.id, 'half-closed-remote');
    const closing = api.delete(`/v1/listeners/${listener.id}`, { drainMs: 60_000 });
    await inState(api, listener.id, 'closed');
    meanwhile.peer.finish();
    for (const { peer, connection } of [before, meanwhile]) {
      expect((await peer.rest()).ended).toBe('end');
      expect((await inState(api, connection.id, 'closed')).closeReason).toBe('eof');
    }
    expect((await closing).status).toBe(204);
  });

  it('waits for the reader of what a peer has left', async () => {
    const listener = await listen(api);
    const { peer, connection } = await accept(api, listener);
    peer.finish('read me');
    await inState(api, connection.id, 'half-closed-remote');
    const closing = api.delete(`/v1/listeners/${listener.id}`, { drainMs: 60_000 });
    await inState(api, listener.id, 'closed');
    const swept = await dial(api, { leaseMs: 1 });
    await inState(api, swept.client.id, 'closed'); // deadlines were looked at meanwhile
    expect((await inspect(api, connection.id)).state).toBe('half-closed-remote');
    await api.post(`/v1/sockets/${connection.id}/receive`);
    expect((await peer.rest()).ended).toBe('end');
    expect((await closing).status).toBe(204);
  });

  it('waits for who finishes in time, and not longer', async () => {
    const listener = await listen(api);
    const first = await accept(api, listener);
    const second = await accept(api, listener);
    const closing = api.delete(`/v1/listeners/${listener.id}`, { drainMs: 60_000 });
    await inState(api, listener.id, 'closed');
    for (const { peer, connection } of [first, second]) {
      peer.finish('bye');
      await inState(api, connection.id, 'half-closed-remote');
      await api.post(`/v1/sockets/${connection.id}/shutdown`, { how: 'write' });
      expect((await peer.rest()).ended).toBe('end');
    }
    expect((await closing).status).toBe(204);
    for (const { connection } of [first, second]) {
      expect((await inspect(api, connection.id)).closeReason).toBe('eof');
      expect((await api.get(`/v1/sockets/${connection.id}/data`)).body).toMatchObject({ data: 'bye' });
    }
  });

  it('closes who does not finish, in the mode that was asked for', async () => {
    for (const [mode, ended] of [
      ['graceful', 'end'],
      ['reset', 'ECONNRESET'],
    ] as const) {
      const listener = await listen(api);
      const { peer, connection } = await accept(api, listener);
      const before = Date.now();
      const closing = api.delete(`/v1/listeners/${listener.id}`, { drainMs: 300, mode });
      expect((await peer.rest()).ended).toBe(ended);
      expect(Date.now() - before).toBeGreaterThanOrEqual(290);
      peer.finish();
      expect((await closing).status).toBe(204);
      const { closeReason } = await inspect(api, connection.id);
      expect(closeReason).toBe('listener-closed');
    }
  });
});

describe('what is closed', () => {
  it('answers 410 to whatever would act on it', async () => {
    const broken = await dial(api);
    broken.peer.reset();
    await inState(api, broken.client.id, 'failed');
    const ended = await dial(api);
    ended.peer.finish();
    await api.post(`/v1/sockets/${ended.client.id}/shutdown`, { how: 'write' });
    await inState(api, ended.client.id, 'closed');
    for (const { client } of [broken, ended]) {
      const path = `/v1/sockets/${client.id}`;
      const acts = [
        () => api.post(`${path}/data`, { data: 'late' }),
        () => api.post(`${path}/shutdown`, { how: 'write' }),
        () => api.post(`${path}/pause`),
        () => api.post(`${path}/resume`),
        () => api.post(`${path}/starttls`, { role: 'client' }),
        () => api.put(`${path}/timeout`, { timeoutMs: 1 }),
        () => api.put(`${path}/lease`, { leaseMs: 1 }),
        () => api.patch(`${path}/options`, { SO_RCVBUF: 4096 }),
      ];
      for (const act of acts) expect((await api.refused(act(), 410, 'gone')).code).toBe('SOCKET_GONE');
      expect((await api.get(path)).status).toBe(200);
    }
  });

  it('can be inspected for the retention, with its reason, and is gone after it by id and by name', async () => {
    const short = await startApi({ SOCKEYE_CLOSED_RETENTION_MS: '1' });
    try {
      const name = 'short-lived';
      const { peer, client } = await dial(short, { name });
      peer.finish();
      await inState(short, client.id, 'half-closed-remote');
      await short.post(`/v1/sockets/${client.id}/shutdown`, { how: 'write' });
      await forgotten(short, client.id);
      const { body } = await short.get<SocketListDto>('/v1/sockets', { state: 'closed' });
      expect(body.items).toEqual([]);
      await short.refused(short.get(`/v1/clients/${name}`), 410, 'gone');
      const next = await listen(short, { name });
      expect((await inspect(short, name)).id).toBe(next.id);
    } finally {
      await short.close();
    }
  });

  it('is a listener for as long as a connection of it is open: draining can be seen from outside', async () => {
    const short = await startApi({ SOCKEYE_CLOSED_RETENTION_MS: '1' });
    try {
      const listener = await listen(short, { limits: { acceptCount: 1 } });
      const { peer, connection } = await accept(short, listener);
      const path = `/v1/listeners/${listener.id}`;
      const left = await dial(short, { leaseMs: 1 });
      await forgotten(short, left.client.id); // a sweep has passed
      expect((await short.get<ListenerDto>(path)).body).toMatchObject({
        state: 'closed',
        closeReason: 'accept-count',
        openConnections: 1,
      });
      peer.reset();
      await forgotten(short, connection.id);
      await forgotten(short, listener.id);
    } finally {
      await short.close();
    }
  });
});

describe('closing at the same time', () => {
  it('answers one caller 204, and the others that it is gone', async () => {
    const listener = await listen(api);
    const { client } = await dial(api);
    const { connection } = await accept(api, await listen(api));
    const paths = [
      `/v1/listeners/${listener.id}`,
      `/v1/clients/${client.id}`,
      `/v1/sockets/${connection.id}`,
      `/v1/sockets/${(await dial(api)).client.id}?mode=reset`,
    ];
    for (const path of paths) {
      const [route = '', query = ''] = path.split('?');
      const asked = query === '' ? {} : { mode: 'reset' };
      const answers = await Promise.all(Array.from({ length: 5 }, () => api.delete(route, asked)));
      expect(answers.map(({ status }) => status).sort()).toEqual([204, 410, 410, 410, 410]);
    }
  });
});
