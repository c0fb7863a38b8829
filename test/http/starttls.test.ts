import type { SocketDto } from '../../src/modules/common/socket.dto.js';
import type { DataAnswer } from '../../src/modules/sockets/data.dto.js';
import { startApi, type Api } from '../support/api.js';
import { Authority, describeWithOpenssl, identityOf, type Certificate } from '../support/certificates.js';
import { portOf } from '../support/ends.js';
import { closePeers } from './peer.js';
import { dial, inspect, inState, listen } from './steps.js';

let api: Api;
beforeAll(async () => (api = await startApi()));
afterEach(closePeers);
afterAll(() => api.close());

let authority: Authority;
let server: Certificate;

async function received(id: string, waitMs = 5000): Promise<string> {
  return (await api.post<DataAnswer>(`/v1/sockets/${id}/receive`, { waitMs })).body.data;
}

function hasBytes(id: string): Promise<unknown> {
  return api.get(`/v1/sockets/${id}/data`, { waitMs: 5000, encoding: 'hex' });
}
describeWithOpenssl('starttls', () => {
  beforeAll(() => {
    authority = new Authority('Test CA');
    server = authority.sign('localhost', { subjectAltName: 'DNS:localhost,IP:127.0.0.1' });
  });
  afterAll(() => authority.remove());

  const upgrade = (id: string, body: object) => api.post<SocketDto>(`/v1/sockets/${id}/starttls`, body);

  /** Two sockets of the service, connected to each other over plain TCP. */
  async function pair(): Promise<{ client: SocketDto; connection: SocketDto }> {
    const listener = await listen(api);
    const { body: client } = await api.post<SocketDto>('/v1/clients', {
      host: 'localhost',
      port: portOf(listener),
    });
    const connection = await api.application.eventually('it is accepted', async () => {
      const path = `/v1/listeners/${listener.id}/connections`;
      return (await api.get<{ items: SocketDto[] }>(path)).body.items[0] ?? null;
    });
    return { client, connection };
  }

  it('upgrades both ends; offsets go on, what was unread before stays readable', async () => {
    const { client, connection } = await pair();
    await api.post(`/v1/sockets/${client.id}/data`, Buffer.from('before '));
    await api.get(`/v1/sockets/${connection.id}/data`, { waitMs: 5000 });
    const [asServer, asClient] = await Promise.all([
      upgrade(connection.id, { role: 'server', tls: identityOf(server) }),
      upgrade(client.id, { role: 'client', tls: { ca: authority.ca } }),
    ]);
    expect(asServer.body).toMatchObject({
      protocol: 'tls',
      tls: { servername: 'localhost', authorized: false, peerCertificate: null },
    });
    expect(asClient.body).toMatchObject({
      protocol: 'tls',
      tls: { authorized: true, servername: 'localhost' },
    });
    await api.post(`/v1/sockets/${client.id}/data`, Buffer.from('after'));
    const query = { offset: 7, waitMs: 5000 };
    expect((await api.get<DataAnswer>(`/v1/sockets/${connection.id}/data`, query)).body).toMatchObject({
      offset: 7,
      data: 'after',
    });
    expect(await received(connection.id)).toBe('before after');
    expect((await inspect(api, client.id)).sent.bytes).toBe(12);
  });

  it('takes a paused socket: it stays paused, but for the handshake', async () => {
    const { client, connection } = await pair();
    await api.post(`/v1/sockets/${connection.id}/pause`);
    const asClient = upgrade(client.id, { role: 'client', tls: { ca: authority.ca } });
    expect((await upgrade(connection.id, { role: 'server', tls: identityOf(server) })).status).toBe(200);
    expect((await asClient).status).toBe(200);
    await api.post(`/v1/sockets/${client.id}/data`, Buffer.from('later'));
    expect((await inspect(api, connection.id)).received).toMatchObject({ bytes: 0, paused: true });
    await api.post(`/v1/sockets/${connection.id}/resume`);
    expect(await received(connection.id)).toBe('later');
  });

  it('answers 409 for a second one, while the first goes on and after it, and for sends meanwhile', async () => {
    const { client, connection } = await pair();
    const first = upgrade(client.id, { role: 'client', tls: { ca: authority.ca } });
    await hasBytes(connection.id);
    const meanwhile = await api.refused(upgrade(client.id, { role: 'client' }), 409, 'conflict');
    expect(meanwhile.code).toBe('EALREADY');
    const send = api.post(`/v1/sockets/${client.id}/data`, Buffer.from('x'));
    expect((await api.refused(send, 409, 'conflict')).code).toBe('EALREADY');
    await api.delete(`/v1/sockets/${connection.id}`);
    await first;

    const listener = await listen(api, { protocol: 'tls', tls: identityOf(server) });
    const { body: secured } = await api.post<SocketDto>('/v1/clients', {
      protocol: 'tls',
      host: 'localhost',
      port: portOf(listener),
      tls: { ca: authority.ca },
    });
    const again = await api.refused(upgrade(secured.id, { role: 'client' }), 409, 'conflict');
    expect(again.code).toBe('EISCONN');
  });

  it('answers 400 for what is wrong with the body, and leaves the connection as it is', async () => {
    const { peer, client } = await dial(api);
    const wrong: [object, string][] = [
      [{ role: 'server' }, '/tls/certificate'],
      [{ role: 'server', tls: { ...identityOf(server), key: authority.itself.key } }, '/tls/key'],
      [{ role: 'server', tls: { ...identityOf(server), servername: 'localhost' } }, '/tls/servername'],
      [{ role: 'client', tls: { ca: 'x' } }, '/tls/ca'],
      [{ role: 'neither' }, '/role'],
    ];
    for (const [body, pointer] of wrong) {
      const problem = await api.refused(upgrade(client.id, body), 400, 'validation-failed');
      expect(problem.errors?.map((error) => error.pointer)).toContain(pointer);
    }
    await api.post(`/v1/sockets/${client.id}/data`, Buffer.from('still plain'));
    expect((await peer.received(11)).toString()).toBe('still plain');
  });

  it('answers 409 for a socket that is half-closed, 410 for one that is closed, 404 for a listener', async () => {
    const { peer, client } = await dial(api);
    peer.finish();
    await inState(api, client.id, 'half-closed-remote');
    expect((await api.refused(upgrade(client.id, { role: 'client' }), 409, 'conflict')).code).toBe(
      'ENOTCONN',
    );
    const cut = await dial(api);
    cut.peer.reset();
    await inState(api, cut.client.id, 'failed');
    await api.refused(upgrade(cut.client.id, { role: 'client' }), 410, 'gone');
    const listener = await listen(api);
    await api.refused(upgrade(listener.id, { role: 'client' }), 404, 'not-found');
  });

  it('answers 422 for a socket that is no stream', async () => {
    const { id } = await listen(api, { protocol: 'udp' });
    const problem = await api.refused(upgrade(id, { role: 'client' }), 422, 'not-supported');
    expect(problem.code).toBe('EOPNOTSUPP');
  });

  it('closes the socket when the handshake fails, with the reason', async () => {
    const { peer, client } = await dial(api);
    const call = upgrade(client.id, { role: 'client', tls: { servername: 'a.test' } });
    await peer.received(1);
    peer.send('500 what is that?\r\n');
    expect((await api.refused(call, 502, 'tls-failed')).code).toBe('EPROTO');
    expect((await inState(api, client.id, 'failed')).closeReason).toMatchObject({
      code: 'EPROTO',
      errno: 71,
    });
  });

  it('answers 504 when the peer is silent, and the socket has failed', async () => {
    const { client } = await dial(api);
    const call = upgrade(client.id, { role: 'client', timeoutMs: 200 });
    await api.refused(call, 504, 'timed-out');
    expect((await inState(api, client.id, 'failed')).closeReason).toMatchObject({ code: 'ETIMEDOUT' });
  });

  it('ends when the socket is closed in the middle of it', async () => {
    const { peer, client } = await dial(api);
    const call = upgrade(client.id, { role: 'client' });
    await peer.received(1);
    await api.delete(`/v1/sockets/${client.id}`);
    await api.refused(call, 502, 'connection-reset');
  });
});
