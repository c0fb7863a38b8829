import type { SocketDto } from '../../src/modules/common/socket.dto.js';
import type { SocketListDto } from '../../src/modules/common/list.dto.js';
import { startApi, type Api } from '../support/api.js';
import { closePeers } from './peer.js';
import { accept, dial, inState, listen } from './steps.js';

let api: Api;
beforeAll(async () => (api = await startApi()));
afterEach(closePeers);
afterAll(() => api.close());

async function list(
  path: string,
  query: Record<string, string | number | string[]> = {},
): Promise<SocketListDto> {
  const { status, body } = await api.get<SocketListDto>(path, query);
  expect(status).toBe(200);
  return body;
}

async function idsOf(
  path: string,
  query: Record<string, string | number | string[]> = {},
): Promise<string[]> {
  return (await list(path, query)).items.map(({ id }) => id);
}

async function listenTimes(count: number, run: string): Promise<string[]> {
  const ids: string[] = [];
  for (let i = 0; i < count; i += 1) ids.push((await listen(api, { labels: { run } })).id);
  return ids;
}

describe('pages of a list', () => {
  it('hold at most limit items, in the order of creation, and lead to the next one', async () => {
    const made = await listenTimes(5, 'pages');
    const seen: string[][] = [];
    let cursor: string | null = null;
    do {
      const query = { label: 'run=pages', limit: 2, ...(cursor === null ? {} : { cursor }) };
      const page: SocketListDto = await list('/v1/listeners', query);
      seen.push(page.items.map(({ id }) => id));
      cursor = page.nextCursor;
    } while (cursor !== null);
    expect(seen).toEqual([made.slice(0, 2), made.slice(2, 4), made.slice(4)]);
  });

  it('end without a cursor when the last one is just full', async () => {
    await listenTimes(2, 'full');
    const page = await list('/v1/sockets', { label: 'run=full', limit: 2 });
    expect(page.items).toHaveLength(2);
    expect(page.nextCursor).toBeNull();
  });

  it('show no socket twice and none too few when sockets close and open in between', async () => {
    const made = await listenTimes(6, 'moving');
    const first = await list('/v1/listeners', { label: 'run=moving', limit: 3 });
    // One that was seen, the very one that the cursor stands at, and one that is yet to come.
    for (const index of [0, 2, 4]) await api.delete(`/v1/sockets/${made[index] ?? ''}`);
    const [later] = await listenTimes(1, 'moving');
    const query = { label: 'run=moving', limit: 3, cursor: first.nextCursor ?? '' };
    expect(await idsOf('/v1/listeners', query)).toEqual([made[3], made[5], later]);
  });

  it('of connections stand on their own cursors', async () => {
    const listener = await listen(api);
    const ids: string[] = [];
    for (let i = 0; i < 3; i += 1) ids.push((await accept(api, listener)).connection.id);
    const path = `/v1/listeners/${listener.id}/connections`;
    const first = await list(path, { limit: 2 });
    expect(first.items.map(({ id }) => id)).toEqual(ids.slice(0, 2));
    expect(await idsOf(path, { limit: 2, cursor: first.nextCursor ?? '' })).toEqual(ids.slice(2));
  });

  it('are refused with the pointer when limit or cursor are wrong', async () => {
    for (const path of ['/v1/sockets', '/v1/listeners', '/v1/clients']) {
      for (const limit of ['0', '1001', '-1', '1.5', 'ten', '']) {
        const problem = await api.refused(api.get(path, { limit }), 400, 'validation-failed');
        expect(problem.errors?.every(({ pointer }) => pointer === '/limit')).toBe(true);
      }
      for (const cursor of ['x', 's', 's-1', '../1', 'lsn_1']) {
        const problem = await api.refused(api.get(path, { cursor }), 400, 'validation-failed');
        expect(problem.errors).toEqual([{ pointer: '/cursor', detail: expect.any(String) as string }]);
      }
    }
  });
});

describe('filters of a list', () => {
  it('by kind, listener and protocol', async () => {
    const labels = { run: 'kinds' };
    const listener = await listen(api, { labels });
    const { connection } = await accept(api, listener);
    const { client } = await dial(api, { labels });
    const label = 'run=kinds';
    expect(await idsOf('/v1/sockets', { label })).toEqual([listener.id, connection.id, client.id]);
    expect(await idsOf('/v1/sockets', { label, kind: 'listener' })).toEqual([listener.id]);
    expect(await idsOf('/v1/sockets', { label, kind: 'connection' })).toEqual([connection.id]);
    expect(await idsOf('/v1/sockets', { label, kind: 'client' })).toEqual([client.id]);
    expect(await idsOf('/v1/sockets', { listenerId: listener.id })).toEqual([connection.id]);
    expect(await idsOf('/v1/sockets', { listenerId: 'lsn_never' })).toEqual([]);
    expect(await idsOf('/v1/sockets', { label, protocol: 'tcp' })).toHaveLength(3);
  });

  it('by label: the exact value of one key, which may hold an equals sign', async () => {
    const { id } = await listen(api, { labels: { query: 'a=b', other: 'x' } });
    expect(await idsOf('/v1/sockets', { label: 'query=a=b' })).toEqual([id]);
    expect(await idsOf('/v1/sockets', { label: 'query=a' })).toEqual([]);
    expect(await idsOf('/v1/sockets', { label: 'other=' })).toEqual([]);
    await api.refused(api.get('/v1/sockets', { label: 'query' }), 400, 'validation-failed');
  });

  it('by several labels: a socket must have them all', async () => {
    const both = await listen(api, { labels: { team: 'red', floor: '2' } });
    await listen(api, { labels: { team: 'red', floor: '3' } });
    await listen(api, { labels: { team: 'blue', floor: '2' } });
    for (const path of ['/v1/sockets', '/v1/listeners'])
      expect(await idsOf(path, { label: ['team=red', 'floor=2'] })).toEqual([both.id]);
    expect(await idsOf('/v1/sockets', { label: ['team=red', 'team=blue'] })).toEqual([]);
    for (const label of [['team=red', 'floor'], ['', 'team=red'], Array<string>(33).fill('a=b')]) {
      const problem = await api.refused(api.get('/v1/sockets', { label }), 400, 'validation-failed');
      expect(problem.errors?.[0]?.pointer).toBe('/label');
    }
  });

  it('by name: the one that has it, and with the state those that had it', async () => {
    const first = await listen(api, { name: 'heir' });
    await api.delete('/v1/listeners/heir');
    const second = await listen(api, { name: 'heir' });
    expect(await idsOf('/v1/listeners', { name: 'heir' })).toEqual([second.id]);
    expect(await idsOf('/v1/sockets', { name: 'heir', state: 'closed' })).toEqual([first.id]);
    expect(await idsOf('/v1/clients', { name: 'heir' })).toEqual([]);
  });

  it('of the connections of one listener too', async () => {
    const listener = await listen(api, { labels: { run: 'inner' } });
    const staying = await accept(api, listener);
    const leaving = await accept(api, listener);
    leaving.peer.reset();
    await inState(api, leaving.connection.id, 'failed');
    const path = `/v1/listeners/${listener.id}/connections`;
    expect(await idsOf(path, { label: 'run=inner', protocol: 'tcp' })).toEqual([staying.connection.id]);
    expect(await idsOf(path, { label: 'run=other' })).toEqual([]);
    expect(await idsOf(path, { protocol: 'tls' })).toEqual([]);
    expect(await idsOf(path, { state: 'failed' })).toEqual([leaving.connection.id]);
  });

  it('by state; without it, what is closed is left out', async () => {
    const labels = { run: 'states' };
    const label = 'run=states';
    const open = await dial(api, { labels });
    const ended = await dial(api, { labels });
    const reset = await dial(api, { labels });
    ended.peer.finish();
    reset.peer.reset();
    await inState(api, ended.client.id, 'half-closed-remote');
    await inState(api, reset.client.id, 'failed');
    expect(await idsOf('/v1/clients', { label })).toEqual([open.client.id, ended.client.id]);
    expect(await idsOf('/v1/clients', { label, state: 'open' })).toEqual([open.client.id]);
    expect(await idsOf('/v1/clients', { label, state: 'half-closed-remote' })).toEqual([ended.client.id]);
    expect(await idsOf('/v1/sockets', { label, state: 'failed' })).toEqual([reset.client.id]);
    await api.delete(`/v1/sockets/${open.client.id}`);
    const closed = await list('/v1/sockets', { label, state: 'closed' });
    expect(closed.items).toMatchObject([
      { id: open.client.id, closeReason: 'api' } satisfies Partial<SocketDto>,
    ]);
  });

  it('refuse what is not a kind, a state, or a filter at all', async () => {
    for (const query of [{ kind: 'server' }, { state: 'shut' }, { protocol: 'tcp ' }, { colour: 'red' }]) {
      const problem = await api.refused(api.get('/v1/sockets', query), 400, 'validation-failed');
      expect(problem.errors?.[0]?.pointer).toBe(`/${Object.keys(query)[0] ?? ''}`);
    }
  });
});
