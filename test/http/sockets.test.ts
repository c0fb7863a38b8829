import type { SocketDto } from '../../src/modules/common/socket.dto.js';
import type { DataAnswer } from '../../src/modules/sockets/data.dto.js';
import { startApi, type Api } from '../support/api.js';
import { closePeers } from './peer.js';
import { accept, dial, hasReceived, inspect, inState, listen, observers } from './steps.js';

let api: Api;
beforeAll(async () => (api = await startApi()));
afterEach(closePeers);
afterAll(() => api.close());

describe('inspecting a socket', () => {
  it('shows live counters of both directions', async () => {
    const listener = await listen(api);
    const { peer, connection } = await accept(api, listener);
    peer.send('Hello world');
    await hasReceived(api, connection.id, 11);
    await api.post(`/v1/sockets/${connection.id}/data`, Buffer.from('bye'));
    const shown = await inspect(api, connection.id);
    expect(shown.received).toMatchObject({
      bytes: 11,
      earliestOffset: 0,
      committedOffset: 0,
      headOffset: 11,
      droppedBytes: 0,
      droppedDatagrams: 0,
      paused: false,
    });
    expect(shown.received.chunks).toBeGreaterThan(0);
    expect(shown.sent).toEqual({ bytes: 3, queuedBytes: 0 });
    expect(shown).toMatchObject({ owner: null, tls: null, closeReason: null, observers: 0 });
    expect(shown.idleMs).toBeGreaterThanOrEqual(0);
  });

  it('answers 404 for an id or name that never was', async () => {
    for (const id of ['con_000000000000000000000000', 'nobody', '%00', '__proto__', 'constructor']) {
      const problem = await api.refused(api.get(`/v1/sockets/${id}`), 404, 'not-found');
      expect(problem.code).toBe('SOCKET_NOT_FOUND');
    }
  });
});

describe('closing a socket', () => {
  it('is graceful by default: what was sent arrives, then EOF', async () => {
    const { peer, client } = await dial(api);
    const bytes = Buffer.alloc(300_000, 'x');
    await api.post(`/v1/sockets/${client.id}/data`, bytes);
    expect((await api.delete(`/v1/sockets/${client.id}`)).status).toBe(204);
    expect(await peer.rest()).toEqual({ bytes, ended: 'end' });
  });

  it('sends RST when asked to reset', async () => {
    const { peer, client } = await dial(api);
    expect((await api.delete(`/v1/sockets/${client.id}`, { mode: 'reset' })).status).toBe(204);
    expect((await peer.rest()).ended).toBe('ECONNRESET');
  });

  it('answers 204 once and 410 after that, for every call', async () => {
    const { client } = await dial(api);
    const path = `/v1/sockets/${client.id}`;
    expect((await api.delete(path)).status).toBe(204);
    await api.refused(api.delete(path), 410, 'gone');
    await api.refused(api.get(path), 410, 'gone');
    await api.refused(api.get(`${path}/data`), 410, 'gone');
    await api.refused(api.post(`${path}/data`, { data: 'x' }), 410, 'gone');
    await api.refused(api.post(`${path}/receive`, {}), 410, 'gone');
    await api.refused(api.post(`${path}/commit`, { offset: 0 }), 410, 'gone');
    await api.refused(api.post(`${path}/shutdown`, { how: 'both' }), 410, 'gone');
    await api.refused(api.post(`${path}/pause`), 410, 'gone');
    await api.refused(api.get(`${path}/readers`), 410, 'gone');
    await api.refused(api.delete(`${path}/readers/main`), 410, 'gone');
  });

  it('takes away what a socket that had ended by itself still held', async () => {
    const { peer, client } = await dial(api);
    peer.send('rest');
    await hasReceived(api, client.id, 4);
    peer.reset();
    await inState(api, client.id, 'failed');
    expect((await api.get<DataAnswer>(`/v1/sockets/${client.id}/data`)).body.data).toBe('rest');
    expect((await api.delete(`/v1/sockets/${client.id}`)).status).toBe(204);
    await api.refused(api.delete(`/v1/sockets/${client.id}`), 410, 'gone');
  });

  it('ends a read that waits, and is refused for a mode that does not exist', async () => {
    const { client } = await dial(api);
    const waiting = api.get(`/v1/sockets/${client.id}/data`, { waitMs: 60_000 });
    await observers(api, client.id, 1);
    await api.refused(api.delete(`/v1/sockets/${client.id}`, { mode: 'abort' }), 400, 'validation-failed');
    await api.delete(`/v1/sockets/${client.id}`);
    await api.refused(waiting, 410, 'gone');
  });
});

describe('shutdown', () => {
  const shutdown = (id: string, how: string) => api.post<SocketDto>(`/v1/sockets/${id}/shutdown`, { how });

  it('write: the peer gets what was sent, then EOF, and can go on sending', async () => {
    const { peer, client } = await dial(api);
    await api.post(`/v1/sockets/${client.id}/data`, Buffer.from('question'));
    expect((await shutdown(client.id, 'write')).body.state).toBe('half-closed-local');
    expect(await peer.rest()).toEqual({ bytes: Buffer.from('question'), ended: 'end' });
    peer.send('answer');
    await hasReceived(api, client.id, 6);
    const problem = await api.refused(
      api.post(`/v1/sockets/${client.id}/data`, Buffer.from('more')),
      409,
      'conflict',
    );
    expect(problem).toMatchObject({ code: 'EPIPE', errno: 32, syscall: 'send' });
    peer.finish();
    expect((await inState(api, client.id, 'closed')).closeReason).toBe('eof');
  });

  it('by the peer: half-closed-remote, and the other direction stays open', async () => {
    const { peer, client } = await dial(api);
    peer.finish('all');
    await inState(api, client.id, 'half-closed-remote');
    const { body } = await api.get<DataAnswer>(`/v1/sockets/${client.id}/data`);
    expect(body).toMatchObject({ data: 'all', nextOffset: 3, eof: true });
    await api.post(`/v1/sockets/${client.id}/data`, Buffer.from('thanks'));
    expect((await peer.received(6)).toString()).toBe('thanks');
  });

  it('read: what came before is readable to its end, what comes after is dropped', async () => {
    const { peer, client } = await dial(api);
    peer.send('before');
    await hasReceived(api, client.id, 6);
    expect((await shutdown(client.id, 'read')).status).toBe(200);
    peer.send('after');
    const { body } = await api.get<DataAnswer>(`/v1/sockets/${client.id}/data`);
    expect(body).toMatchObject({ data: 'before', nextOffset: 6, eof: true });
    await api.post(`/v1/sockets/${client.id}/data`, Buffer.from('still'));
    expect((await peer.received(5)).toString()).toBe('still');
  });

  it('both: EOF for the peer, and the end for readers', async () => {
    const { peer, client } = await dial(api);
    expect((await shutdown(client.id, 'both')).status).toBe(200);
    expect((await peer.rest()).ended).toBe('end');
    expect((await api.get<DataAnswer>(`/v1/sockets/${client.id}/data`)).body).toMatchObject({
      bytes: 0,
      eof: true,
    });
    peer.finish();
    await inState(api, client.id, 'closed');
    expect(await api.refused(shutdown(client.id, 'write'), 410, 'gone')).toMatchObject({
      code: 'SOCKET_GONE',
      syscall: 'shutdown',
    });
  });

  it('can be asked for twice, and needs one of three words', async () => {
    const { client } = await dial(api);
    await shutdown(client.id, 'write');
    expect((await shutdown(client.id, 'write')).status).toBe(200);
    for (const how of ['', 'half', 'WRITE']) {
      const problem = await api.refused(shutdown(client.id, how), 400, 'validation-failed');
      expect(problem.errors?.[0]?.pointer).toBe('/how');
    }
    await api.refused(api.post(`/v1/sockets/${client.id}/shutdown`, {}), 400, 'validation-failed');
  });
});

describe('pause and resume', () => {
  it('stop and start the reading from the peer', async () => {
    const { peer, client } = await dial(api);
    const paused = await api.post<SocketDto>(`/v1/sockets/${client.id}/pause`);
    expect(paused.body.received.paused).toBe(true);
    peer.send('while paused');
    // Its answer comes after whatever the service would have read by then.
    const during = await api.get<DataAnswer>(`/v1/sockets/${client.id}/data`, { waitMs: 100 });
    expect(during.body).toMatchObject({ bytes: 0, eof: false });
    const resumed = await api.post<SocketDto>(`/v1/sockets/${client.id}/resume`);
    expect(resumed.body.received.paused).toBe(false);
    await hasReceived(api, client.id, 12);
  });

  it('by themselves: a window full of uncommitted bytes pauses, a commit resumes', async () => {
    const { peer, client } = await dial(api, { receive: { windowBytes: 4096 } });
    peer.send(Buffer.alloc(10_000, 'x'));
    const full = await api.application.eventually('the window is full', async () => {
      const socket = await inspect(api, client.id);
      return socket.received.paused ? socket : null;
    });
    expect(full.received).toMatchObject({ headOffset: 4096, committedOffset: 0, droppedBytes: 0 });
    await api.post(`/v1/sockets/${client.id}/commit`, { offset: 4096 });
    await hasReceived(api, client.id, 8192, 4096);
    await api.post(`/v1/sockets/${client.id}/commit`, { offset: 8192 });
    await hasReceived(api, client.id, 10_000, 8192);
    const { received } = await inspect(api, client.id);
    expect(received).toMatchObject({ headOffset: 10_000, droppedBytes: 0, paused: false });
  });

  it('are for what carries bytes', async () => {
    const { id } = await listen(api);
    for (const call of ['pause', 'resume']) {
      await api.refused(api.post(`/v1/sockets/${id}/${call}`), 404, 'not-found');
    }
  });
});
