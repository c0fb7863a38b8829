import type { LeaseDto } from '../../src/modules/common/lease.dto.js';
import type { ListenerDto } from '../../src/modules/common/listener.dto.js';
import type { SocketDto } from '../../src/modules/common/socket.dto.js';
import { startApi, type Api } from '../support/api.js';
import { portOf } from '../support/ends.js';
import { closePeers } from './peer.js';
import { accept, dial, inspect, inState, listen, polled } from './steps.js';

let api: Api;
beforeAll(async () => (api = await startApi()));
afterEach(closePeers);
afterAll(() => api.close());

/** Long enough for the next step of a test, whatever the machine does. */
const LONG_MS = 60_000;

function renew(idOrName: string, body?: object) {
  return api.put<LeaseDto>(`/v1/sockets/${idOrName}/lease`, body);
}

function msUntil(time: string | null): number {
  return Date.parse(time ?? '') - Date.now();
}

describe('a lease', () => {
  it('ends a client that nobody renews: FIN at the peer, `lease` as the reason', async () => {
    const { peer, client } = await dial(api, { leaseMs: 1 });
    expect(client.leaseMs).toBe(1);
    expect((await peer.rest()).ended).toBe('end');
    const closed = await inState(api, client.id, 'closed');
    expect(closed.closeReason).toBe('lease');
    expect(Date.parse(closed.closedAt ?? '')).toBeGreaterThanOrEqual(Date.parse(closed.leaseExpiresAt ?? ''));
  });

  it('of a listener takes the connections with it, frees port and name; unread bytes stay', async () => {
    const listener = await listen(api, { name: 'leased', leaseMs: LONG_MS });
    const { peer, connection } = await accept(api, listener);
    peer.send('unread');
    await renew('leased', { leaseMs: 1 });
    expect((await peer.rest()).ended).toBe('end');
    peer.finish();
    expect((await inState(api, listener.id, 'closed')).closeReason).toBe('lease');
    const ended = await inState(api, connection.id, 'closed');
    expect(ended).toMatchObject({ closeReason: 'listener-closed', leaseMs: null, leaseExpiresAt: null });
    expect((await api.get(`/v1/sockets/${connection.id}/data`)).body).toMatchObject({ data: 'unread' });
    await listen(api, { name: 'leased', port: portOf(listener) });
  });

  it('goes on from each renewal, for as long as before or as long as asked', async () => {
    const { client } = await dial(api, { leaseMs: LONG_MS });
    expect(client.leaseMs).toBe(LONG_MS);
    expect(msUntil(client.leaseExpiresAt)).toBeGreaterThan(LONG_MS / 2);
    const again = await renew(client.id);
    expect(again.status).toBe(200);
    expect(again.body.leaseMs).toBe(LONG_MS);
    expect(Date.parse(again.body.leaseExpiresAt ?? '')).toBeGreaterThanOrEqual(
      Date.parse(client.leaseExpiresAt ?? ''),
    );
    const longer = await renew(client.id, { leaseMs: 2 * LONG_MS });
    expect(msUntil(longer.body.leaseExpiresAt)).toBeGreaterThan(LONG_MS);
    expect(await inspect(api, client.id)).toMatchObject(longer.body);
  });

  it('outlived by a renewal does not end the socket', async () => {
    const kept = await dial(api, { leaseMs: 400 });
    const left = await dial(api, { leaseMs: 400 });
    const listener = await listen(api, { leaseMs: 400 });
    expect((await renew(kept.client.id, { leaseMs: LONG_MS })).status).toBe(200);
    expect((await renew(listener.id, { leaseMs: LONG_MS })).status).toBe(200);
    await inState(api, left.client.id, 'closed');
    expect((await inspect(api, kept.client.id)).state).toBe('open');
    expect((await inspect(api, listener.id)).state).toBe('listening');
  });

  it('is taken away with null, and given to any socket that had none', async () => {
    const listener = await listen(api, { leaseMs: LONG_MS });
    const { peer, connection } = await accept(api, listener);
    const none: LeaseDto = { leaseMs: null, leaseExpiresAt: null };
    expect((await renew(listener.id, { leaseMs: null })).body).toEqual(none);
    const problem = await api.refused(renew(listener.id), 400, 'validation-failed');
    expect(problem.errors?.[0]?.pointer).toBe('/leaseMs');
    await renew(connection.id, { leaseMs: 1 });
    expect((await peer.rest()).ended).toBe('end');
    peer.finish();
    expect((await inState(api, connection.id, 'closed')).closeReason).toBe('lease');
    expect((await api.get<ListenerDto>(`/v1/listeners/${listener.id}`)).body.openConnections).toBe(0);
  });

  it('that has run out is over, also while what is queued is sent: the reason is there, and no renewal', async () => {
    const { peer, client } = await dial(api, { stalled: true });
    const tooMuch = Buffer.alloc(15 * 1024 * 1024, 'x');
    const send = api.post(`/v1/sockets/${client.id}/data`, tooMuch);
    await polled('bytes wait', async () => (await inspect(api, client.id)).sent.queuedBytes > 0);
    await renew(client.id, { leaseMs: 1 });
    await polled('it ends', async () => (await inspect(api, client.id)).closeReason === 'lease');
    expect((await inspect(api, client.id)).state).toBe('open');
    for (const body of [{}, { leaseMs: LONG_MS }, { leaseMs: null }]) {
      const problem = await api.refused(renew(client.id, body), 410, 'gone');
      expect(problem.detail).toContain('has run out');
    }
    peer.read();
    await peer.received(tooMuch.length);
    expect((await send).status).toBe(200);
    peer.finish();
    expect((await inState(api, client.id, 'closed')).closeReason).toBe('lease');
  });

  it('cannot be renewed once it is over, nor for a socket that was closed or never was', async () => {
    const { client } = await dial(api, { leaseMs: 1 });
    await inState(api, client.id, 'closed');
    await api.refused(renew(client.id), 410, 'gone');
    const other = await dial(api, { leaseMs: LONG_MS });
    await api.delete(`/v1/clients/${other.client.id}`);
    await api.refused(renew(other.client.id), 410, 'gone');
    await api.refused(renew('cli_never'), 404, 'not-found');
  });

  it('is a whole number of milliseconds, from 1 to a day', async () => {
    const { client } = await dial(api);
    expect(client satisfies SocketDto).toMatchObject({ leaseMs: null, leaseExpiresAt: null });
    for (const leaseMs of [0, -1, 1.5, 86_400_001, '1000', {}, true]) {
      const create = await api.refused(api.post('/v1/listeners', { leaseMs }), 400, 'validation-failed');
      const change = await api.refused(renew(client.id, { leaseMs }), 400, 'validation-failed');
      for (const { errors } of [create, change]) expect(errors?.[0]?.pointer).toBe('/leaseMs');
    }
  });
});
