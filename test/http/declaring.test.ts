import { createServer } from 'node:net';
import type { SocketListDto } from '../../src/modules/common/list.dto.js';
import type { ListenerDto } from '../../src/modules/common/listener.dto.js';
import { startApi, type Api } from '../support/api.js';
import { portOf } from '../support/ends.js';
import { closePeers, freePort, Peer, PeerServer } from './peer.js';
import { accept, dial, hasReceived, inspect, inState, listen } from './steps.js';

let api: Api;
/** The wildcard may be bound: it can be refused by the kernel, not by the policy. */
beforeAll(async () => (api = await startApi({ SOCKEYE_BIND_ALLOW: '0.0.0.0' })));
afterEach(closePeers);
afterAll(() => api.close());

let made = 0;
/** A name that no other test has used. */
function newName(): string {
  return `declared-${String((made += 1))}`;
}

function declare(name: string, spec?: object) {
  return api.put<ListenerDto>(`/v1/listeners/${name}`, spec);
}

async function declared(name: string, spec: object, status: number): Promise<ListenerDto> {
  const answer = await declare(name, spec);
  expect(answer.status).toBe(status);
  return answer.body;
}

async function named(name: string): Promise<ListenerDto> {
  const { status, body } = await api.get<ListenerDto>(`/v1/listeners/${name}`);
  expect(status).toBe(200);
  return body;
}

/** Accepts connections, under the very id. */
async function serves({ id }: ListenerDto): Promise<void> {
  const listener = (await api.get<ListenerDto>(`/v1/listeners/${id}`)).body;
  expect(listener.state).toBe('listening');
  await accept(api, listener);
}

describe('declaring a listener', () => {
  it('makes it the first time, and leaves it alone after that', async () => {
    const name = newName();
    const spec = { labels: { run: '7' }, limits: { maxConnections: 5 } };
    const { status, headers, body } = await declare(name, spec);
    expect(status).toBe(201);
    expect(body).toMatchObject({ name, kind: 'listener', state: 'listening', labels: { run: '7' } });
    expect(headers.location).toBe(`/v1/listeners/${body.id}`);
    const { peer } = await accept(api, body);
    const again = await declare(name, spec);
    expect(again.status).toBe(200);
    expect(again.headers.location).toBeUndefined();
    expect(again.body).toMatchObject({ id: body.id, localAddress: body.localAddress, openConnections: 1 });
    peer.send('x');
  });

  it('compares what is meant: defaults and the order of fields make no difference', async () => {
    const name = newName();
    const { id } = await declared(name, {}, 201);
    const spelled = { backlog: 511, port: 0, host: '127.0.0.1', name, protocol: 'tcp', labels: {} };
    expect((await declared(name, spelled, 200)).id).toBe(id);
    expect((await declared(name, { limits: {}, receive: { lingerMs: 60_000 } }, 200)).id).toBe(id);
  });

  it('compares what options come to: neither their order nor a default that is named makes a difference', async () => {
    const name = newName();
    const { id } = await declared(name, { options: { SO_RCVBUF: 65_536, IP_TOS: 16 } }, 201);
    const reordered = { IP_TOS: 16, TCP_NODELAY: true, SO_RCVBUF: 65_536 };
    expect((await declared(name, { options: reordered }, 200)).id).toBe(id);
    expect((await declared(name, { options: { ...reordered, IP_TOS: 8 } }, 200)).id).not.toBe(id);
  });

  it('takes what a POST has made under that name for its own', async () => {
    const name = newName();
    const { id } = await listen(api, { name, backlog: 7 });
    expect((await declared(name, { backlog: 7 }, 200)).id).toBe(id);
  });

  it('at the same time, many times, makes one', async () => {
    const name = newName();
    // The resolver takes its time: all are under way before one is done.
    const spec = { host: 'localhost', port: 0 };
    const answers = await Promise.all(Array.from({ length: 20 }, () => declare(name, spec)));
    expect(answers.map(({ status }) => status).sort()).toEqual([...Array<number>(19).fill(200), 201]);
    expect(new Set(answers.map(({ body }) => body.id)).size).toBe(1);
    const { body } = await api.get<SocketListDto>('/v1/listeners', { name });
    expect(body.items).toHaveLength(1);
  });

  it('at the same time, with specs that differ, ends with one of them', async () => {
    const name = newName();
    const port = await freePort();
    const answers = await Promise.all(
      Array.from({ length: 12 }, (_, i) => declare(name, { host: 'localhost', port, backlog: 10 + (i % 3) })),
    );
    expect(answers.filter(({ status }) => status === 201)).toHaveLength(1);
    expect(answers.every(({ status }) => status < 300)).toBe(true);
    const last = await named(name);
    expect(answers.map(({ body }) => body.id)).toContain(last.id);
    expect(portOf(last)).toBe(port);
    await serves(last);
    expect((await api.get<SocketListDto>('/v1/listeners', { name })).body.items).toHaveLength(1);
  });

  it('makes a new one where the old one is closed', async () => {
    const name = newName();
    const first = await declared(name, {}, 201);
    await api.delete(`/v1/listeners/${name}`);
    expect((await declared(name, {}, 201)).id).not.toBe(first.id);
  });

  it('renews its lease, and can change it without a new listener', async () => {
    const name = newName();
    const first = await declared(name, { leaseMs: 60_000 }, 201);
    const renewed = await declared(name, { leaseMs: 60_000 }, 200);
    expect(Date.parse(renewed.leaseExpiresAt ?? '')).toBeGreaterThanOrEqual(
      Date.parse(first.leaseExpiresAt ?? ''),
    );
    expect(await declared(name, { leaseMs: 90_000 }, 200)).toMatchObject({ id: first.id, leaseMs: 90_000 });
    expect(await declared(name, {}, 200)).toMatchObject({ id: first.id, leaseMs: null });
  });
});

describe('another spec', () => {
  it('replaces the listener on the same port; connections of the old one go on', async () => {
    const name = newName();
    const port = await freePort();
    const old = await declared(name, { port }, 201);
    const { peer, connection } = await accept(api, old);
    const replaced = await declared(name, { port, limits: { maxConnections: 1 } }, 200);
    expect(replaced).toMatchObject({ name, localAddress: { port }, openConnections: 0 });
    expect(replaced.id).not.toBe(old.id);
    expect((await named(name)).id).toBe(replaced.id);
    expect(await inspect(api, old.id)).toMatchObject({ state: 'closed', closeReason: 'replaced' });
    peer.send('still here');
    await hasReceived(api, connection.id, 10);
    await api.post(`/v1/sockets/${connection.id}/data`, Buffer.from('and here'));
    expect((await peer.received(8)).toString()).toBe('and here');
    await serves(replaced);
    expect((await declared(name, { port, limits: { maxConnections: 1 } }, 200)).id).toBe(replaced.id);
  });

  it('replaces it on another port; the old port is free', async () => {
    const name = newName();
    const old = await declared(name, {}, 201);
    const port = await freePort();
    const replaced = await declared(name, { port }, 200);
    expect(portOf(replaced)).toBe(port);
    await expect(Peer.connect(portOf(old))).rejects.toMatchObject({ code: 'ECONNREFUSED' });
    await serves(replaced);
  });

  it('that is not valid changes nothing: every field is checked before', async () => {
    const name = newName();
    const old = await declared(name, {}, 201);
    for (const spec of [
      { port: 70_000 },
      { backlog: 0 },
      { host: 'not a host' },
      { labels: { a: 1 } },
      { limits: { acceptCount: 0 } },
      { colour: 'red' },
    ]) {
      await api.refused(declare(name, spec), 400, 'validation-failed');
    }
    await api.refused(declare(name, { host: '192.0.2.1' }), 403, 'blocked-by-policy');
    await api.refused(declare(name, { port: 80 }), 403, 'blocked-by-policy');
    await api.refused(declare(name, { protocol: 'icmp' }), 422, 'not-supported');
    await api.refused(declare(name, { host: 'no-such-host.invalid' }), 502, 'name-not-resolved');
    expect((await named(name)).id).toBe(old.id);
    await serves(old);
  });

  it('that cannot be bound changes nothing', async () => {
    const name = newName();
    const old = await declared(name, {}, 201);
    const { port } = await PeerServer.open();
    await api.refused(declare(name, { port }), 409, 'address-in-use');
    expect((await named(name)).id).toBe(old.id);
    await serves(old);
  });

  it('that wants the same port and cannot be bound brings the old one back, as it was', async () => {
    const name = newName();
    const old = await declared(name, {}, 201);
    const port = portOf(old);
    const { peer, connection } = await accept(api, old);
    // Only once the old one has stepped aside does this one show itself to be in the way.
    const other = createServer().listen(port, '127.0.0.2');
    await new Promise((resolve) => other.once('listening', resolve));
    await api.refused(declare(name, { host: '0.0.0.0', port }), 409, 'address-in-use');
    expect(await named(name)).toMatchObject({ id: old.id, state: 'listening', openConnections: 1 });
    expect((await inspect(api, old.id)).fileno).not.toBeNull();
    peer.send('x');
    await hasReceived(api, connection.id, 1);
    await serves(old);
    await new Promise((resolve) => other.close(resolve));
    expect(await declared(name, { host: '0.0.0.0', port }, 200)).toMatchObject({
      localAddress: { address: '0.0.0.0', port },
    });
  });
});

describe('the name of a declaration', () => {
  it('in the body is that of the path, or left out', async () => {
    const name = newName();
    const problem = await api.refused(declare(name, { name: 'other' }), 400, 'validation-failed');
    expect(problem.errors?.[0]?.pointer).toBe('/name');
    await declared(name, { name }, 201);
  });

  it('is a name, not an id', async () => {
    for (const name of ['lsn_x', '.', 'a%20b', 'a'.repeat(65), '-a', '%00']) {
      if (name === '.') continue; // a client resolves it away
      const problem = await api.refused(declare(name, {}), 400, 'validation-failed');
      expect(problem.errors?.[0]?.pointer).toBe('/name');
    }
  });

  it('that a client has is taken', async () => {
    const name = newName();
    const { client } = await dial(api, { name });
    expect((await api.refused(declare(name, {}), 409, 'conflict')).code).toBe('NAME_TAKEN');
    await api.delete(`/v1/clients/${client.id}`);
    await declared(name, {}, 201);
  });

  it('is free again after a declaration that failed', async () => {
    const name = newName();
    const { port } = await PeerServer.open();
    await api.refused(declare(name, { port }), 409, 'address-in-use');
    await declared(name, {}, 201);
  });
});

it('a listener that is deleted while it is replaced is gone, and the new one is there', async () => {
  const name = newName();
  const port = await freePort();
  const old = await declared(name, { port }, 201);
  const [replaced] = await Promise.all([
    declare(name, { port, backlog: 3 }),
    api.delete(`/v1/sockets/${old.id}`),
  ]);
  expect([200, 201]).toContain(replaced.status);
  await api.refused(api.get(`/v1/sockets/${old.id}`), 410, 'gone');
  expect((await inState(api, replaced.body.id, 'listening')).localAddress).toMatchObject({ port });
});
