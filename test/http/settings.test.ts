import type { SocketDto } from '../../src/modules/common/socket.dto.js';
import type { SettingsDto } from '../../src/modules/settings/settings.dto.js';
import { startApi, type Api } from '../support/api.js';
import { StreamClient, terminateClients } from '../support/ws-client.js';
import { closePeers } from './peer.js';
import { silentServer } from './silent-server.js';
import { accept, dial, inspect, listen } from './steps.js';

/** More than the buffers of both kernels hold for a peer that does not read. */
const TOO_MUCH = Buffer.alloc(15 * 1024 * 1024, 'x');

let api: Api;
beforeAll(async () => (api = await startApi()));
afterEach(async () => {
  terminateClients();
  closePeers();
  await change({ defaultTimeoutMs: null });
});
afterAll(() => api.close());

async function change(settings: object): Promise<SettingsDto> {
  const { status, body } = await api.call<SettingsDto>('PATCH', '/v1/settings', settings);
  expect(status).toBe(200);
  return body;
}

async function setTimeoutOf(id: string, timeoutMs: number | null): Promise<void> {
  const { status, body } = await api.put(`/v1/sockets/${id}/timeout`, { timeoutMs });
  expect([status, body]).toEqual([200, { timeoutMs }]);
}

/** How long an answer took, in milliseconds. */
async function timed(call: Promise<unknown>): Promise<number> {
  const start = performance.now();
  await call;
  return performance.now() - start;
}

describe('the settings of the process', () => {
  it('are there from the start, and change by what is given', async () => {
    const { body } = await api.get<SettingsDto>('/v1/settings');
    expect(body).toEqual({ defaultTimeoutMs: null });
    expect(await change({ defaultTimeoutMs: 1500 })).toEqual({ defaultTimeoutMs: 1500 });
    expect(await change({})).toEqual({ defaultTimeoutMs: 1500 });
    expect((await api.get('/v1/settings')).body).toEqual({ defaultTimeoutMs: 1500 });
    expect(await change({ defaultTimeoutMs: null })).toEqual({ defaultTimeoutMs: null });
  });

  it('are refused with the pointer where they cannot be meant, and stay as they are', async () => {
    const wrong: [object, string][] = [
      [{ defaultTimeoutMs: 0 }, '/defaultTimeoutMs'],
      [{ defaultTimeoutMs: -1 }, '/defaultTimeoutMs'],
      [{ defaultTimeoutMs: 1.5 }, '/defaultTimeoutMs'],
      [{ defaultTimeoutMs: '5' }, '/defaultTimeoutMs'],
      [{ defaultTimeoutMs: 86_400_001 }, '/defaultTimeoutMs'],
      [{ defaultTimeoutMs: [] }, '/defaultTimeoutMs'],
      [{ defaultTimeoutMs: 5, colour: 'red' }, '/colour'],
      [[], ''],
    ];
    for (const [body, pointer] of wrong) {
      const problem = await api.refused(api.call('PATCH', '/v1/settings', body), 400, 'validation-failed');
      expect(problem.errors?.[0]?.pointer).toBe(pointer);
    }
    expect((await api.get('/v1/settings')).body).toEqual({ defaultTimeoutMs: null });
  });

  it('defaultTimeoutMs is what sockets of every kind made from then on have; those that are there keep theirs', async () => {
    const before = await listen(api);
    expect(before.timeoutMs).toBeNull();
    await change({ defaultTimeoutMs: 2000 });
    const { connection } = await accept(api, before);
    const { client } = await dial(api);
    const after = await listen(api);
    const timeouts = [before, connection, client, after].map(
      async ({ id }) => (await inspect(api, id)).timeoutMs,
    );
    expect(await Promise.all(timeouts)).toEqual([null, 2000, 2000, 2000]);
    await change({ defaultTimeoutMs: null });
    expect((await inspect(api, client.id)).timeoutMs).toBe(2000);
  });

  it('defaultTimeoutMs is the deadline of a connect that gives none', async () => {
    const { port, stop } = await silentServer();
    await change({ defaultTimeoutMs: 200 });
    try {
      const call = (spec: object) => api.post('/v1/clients', { host: '127.0.0.1', port, ...spec });
      expect((await api.refused(call({}), 504, 'timed-out')).code).toBe('ETIMEDOUT');
      const tookMs = await timed(api.refused(call({ timeoutMs: 600 }), 504, 'timed-out'));
      expect(tookMs).toBeGreaterThan(500);
    } finally {
      stop();
    }
  });
});

describe('the timeout of a socket', () => {
  it('can be asked for, set and taken away; every answer shows it', async () => {
    const { client } = await dial(api, { name: 'timed' });
    expect((await api.get('/v1/sockets/timed/timeout')).body).toEqual({ timeoutMs: null });
    await setTimeoutOf('timed', 750);
    expect((await api.get(`/v1/sockets/${client.id}/timeout`)).body).toEqual({ timeoutMs: 750 });
    expect((await api.get<SocketDto>(`/v1/clients/timed`)).body.timeoutMs).toBe(750);
    await setTimeoutOf('timed', null);
    expect((await inspect(api, client.id)).timeoutMs).toBeNull();
  });

  it('ends a send to a peer that does not read with 504 and bytesSent, unless the call says otherwise', async () => {
    const { peer, client } = await dial(api, { stalled: true });
    await setTimeoutOf(client.id, 300);
    const path = `/v1/sockets/${client.id}/data`;
    const problem = await api.refused(api.post(path, TOO_MUCH), 504, 'timed-out');
    expect(problem).toMatchObject({ code: 'ETIMEDOUT', errno: 110, syscall: 'send' });
    expect(problem.bytesSent).toBeGreaterThan(0);
    const longer = api.post(path, TOO_MUCH, { query: { timeoutMs: 900 } });
    expect(await timed(api.refused(longer, 504, 'timed-out'))).toBeGreaterThan(800);
    peer.read();
    await peer.received(problem.bytesSent ?? -1);
  });

  it('holds for a send over WebSocket', async () => {
    const { client } = await dial(api, { stalled: true });
    await setTimeoutOf(client.id, 200);
    const ws = await StreamClient.open(api.application);
    const { channel } = await ws.attach({ socketId: client.id });
    const { data } = await ws.ask('send', { channel, data: 'x'.repeat(12 * 1024 * 1024) });
    expect(data).toMatchObject({ status: 504, code: 'ETIMEDOUT', channel });
  });

  it('does not make a receive wait: that is for waitMs to say', async () => {
    const { client } = await dial(api);
    await setTimeoutOf(client.id, 60_000);
    const { body } = await api.post(`/v1/sockets/${client.id}/receive`, {});
    expect(body).toMatchObject({ bytes: 0, eof: false });
  });

  it('is refused where it cannot be meant, and where there is no socket', async () => {
    const { client } = await dial(api);
    const path = `/v1/sockets/${client.id}/timeout`;
    for (const body of [{}, { timeoutMs: 0 }, { timeoutMs: -5 }, { timeoutMs: '5' }, { timeoutMs: 0.5 }]) {
      const problem = await api.refused(api.put(path, body), 400, 'validation-failed');
      expect(problem.errors?.[0]?.pointer).toBe('/timeoutMs');
    }
    await api.refused(api.put(path, { timeoutMs: 5, colour: 'red' }), 400, 'validation-failed');
    await api.refused(api.put(path, '[]'), 400, 'validation-failed');
    await api.refused(api.get('/v1/sockets/nobody/timeout'), 404, 'not-found');
    await api.delete(`/v1/sockets/${client.id}`);
    await api.refused(api.put(path, { timeoutMs: 5 }), 410, 'gone');
  });
});
