import type { SocketListDto } from '../../src/modules/common/list.dto.js';
import type { ListenerDto } from '../../src/modules/common/listener.dto.js';
import type { SocketDto } from '../../src/modules/common/socket.dto.js';
import { AnswersByKey, REUSED, type Outcome } from '../../src/modules/idempotency/answers-by-key.js';
import { SocketError } from '../../src/sockets/index.js';
import { startApi, type Answer, type Api } from '../support/api.js';
import { portOf } from '../support/ends.js';
import { closePeers, freePort, PeerServer } from './peer.js';
import { listen } from './steps.js';

let api: Api;
beforeAll(async () => (api = await startApi()));
afterEach(closePeers);
afterAll(() => api.close());

let made = 0;
function newKey(): string {
  return `key ${String((made += 1))}`;
}

function post<T = ListenerDto>(path: string, body: object, key: string, more: Record<string, string> = {}) {
  return api.post<T>(path, body, { headers: { 'idempotency-key': key, ...more } });
}

async function count(label: string): Promise<number> {
  return (await api.get<SocketListDto>('/v1/sockets', { label })).body.items.length;
}

function replayed({ headers }: Answer<unknown>): boolean {
  return headers['idempotency-replayed'] === 'true';
}

describe('the same key and body', () => {
  it('get the same answer again, and nothing more is made', async () => {
    const key = newKey();
    const body = { labels: { run: 'again' } };
    const first = await post('/v1/listeners', body, key);
    const second = await post('/v1/listeners', body, key);
    expect([first.status, second.status]).toEqual([201, 201]);
    expect([first, second].map(replayed)).toEqual([false, true]);
    expect(second.body).toEqual(first.body);
    expect(second.headers.location).toBe(`/v1/listeners/${first.body.id}`);
    expect(await count('run=again')).toBe(1);
  });

  it('at the same time make one socket: who comes second waits for the answer', async () => {
    const key = newKey();
    const server = await PeerServer.open();
    const body = { host: 'localhost', port: server.port, family: 'ipv4', labels: { run: 'race' } };
    const answers = await Promise.all(
      Array.from({ length: 10 }, () => post<SocketDto>('/v1/clients', body, key)),
    );
    expect(answers.every(({ status }) => status === 201)).toBe(true);
    expect(new Set(answers.map((answer) => answer.body.id)).size).toBe(1);
    expect(answers.filter((answer) => !replayed(answer))).toHaveLength(1);
    expect(await count('run=race')).toBe(1);
  });

  it('are tried again after a refusal, which has made nothing: what was in the way may be gone', async () => {
    const key = newKey();
    const server = await PeerServer.open();
    const body = { port: server.port, name: 'wanted' };
    await listen(api, { name: 'wanted' });
    expect((await api.refused(post('/v1/listeners', body, key), 409, 'conflict')).code).toBe('NAME_TAKEN');
    await api.delete('/v1/listeners/wanted');
    await api.refused(post('/v1/listeners', body, key), 409, 'address-in-use');
    await server.close();
    const made = await post('/v1/listeners', body, key);
    expect([made.status, replayed(made)]).toEqual([201, false]);
    expect(replayed(await post('/v1/listeners', body, key))).toBe(true);
  });

  it('are tried again after a 5xx', async () => {
    const key = newKey();
    const port = await freePort();
    const body = { host: '127.0.0.1', port };
    await api.refused(post('/v1/clients', body, key), 502, 'connection-refused');
    const listener = await api.post<ListenerDto>('/v1/listeners', { port });
    const { status, headers } = await post<SocketDto>('/v1/clients', body, key);
    expect({ status, headers: headers['idempotency-replayed'] }).toEqual({ status: 201, headers: undefined });
    expect(portOf(listener.body)).toBe(port);
  });

  it('get the answer of then, whatever has become of the socket', async () => {
    const key = newKey();
    const { body } = await post('/v1/listeners', { name: 'then' }, key);
    await api.delete('/v1/listeners/then');
    const again = await post('/v1/listeners', { name: 'then' }, key);
    expect(again.body).toEqual(body);
    await api.refused(api.get(`/v1/listeners/${again.body.id}`), 410, 'gone');
  });
});

describe('a key', () => {
  it('with another body is refused with 422, and what it made is untouched', async () => {
    const key = newKey();
    const { body } = await post('/v1/listeners', { labels: { run: 'one' } }, key);
    for (const other of [
      { labels: { run: 'two' } },
      {},
      { labels: { run: 'one' }, port: 0 },
      { port: 'none' },
    ])
      await api.refused(post('/v1/listeners', other, key), 422, 'idempotency-key-reused');
    expect(await count('run=two')).toBe(0);
    expect((await api.get<SocketDto>(`/v1/sockets/${body.id}`)).body.state).toBe('listening');
  });

  it('counts for one route only', async () => {
    const key = newKey();
    const server = await PeerServer.open();
    const listener = await post('/v1/listeners', {}, key);
    const client = await post<SocketDto>('/v1/clients', { host: '127.0.0.1', port: server.port }, key);
    expect([listener.status, client.status]).toEqual([201, 201]);
    expect(replayed(client)).toBe(false);
  });

  it('is 1 to 255 printable characters', async () => {
    for (const key of ['', ' ', 'a'.repeat(256), 'tab\there']) {
      const problem = await api.refused(post('/v1/listeners', {}, key), 400, 'validation-failed');
      expect(problem.errors?.[0]?.pointer).toBe('/Idempotency-Key');
    }
    expect((await post('/v1/listeners', {}, '"8e03978e-40d5-43dd-bc93-6894a57f9324"')).status).toBe(201);
  });

  it('counts for one caller only', async () => {
    const keys = ['ann.0123456789abcdef', 'bob.0123456789abcdef'];
    const guarded = await startApi({ SOCKEYE_API_KEYS: keys.join(',') });
    try {
      const ids = new Set<string>();
      for (const token of [...keys, ...keys]) {
        const headers = { 'idempotency-key': 'shared', authorization: `Bearer ${token}` };
        const { status, body } = await guarded.post<ListenerDto>('/v1/listeners', {}, { headers });
        expect(status).toBe(201);
        ids.add(body.id);
      }
      expect(ids.size).toBe(2);
      const [id, secret] = keys[0]!.split('.');
      const basic = `Basic ${Buffer.from(`${id}:${secret}`).toString('base64')}`;
      const headers = { 'idempotency-key': 'shared', authorization: basic };
      const { body } = await guarded.post<ListenerDto>('/v1/listeners', {}, { headers });
      expect(ids.has(body.id)).toBe(true);
    } finally {
      await guarded.close();
    }
  });
});

describe('what is kept', () => {
  const done = (body: unknown): Outcome => ({
    failed: false,
    answer: { status: 201, location: undefined, body },
  });
  const bounds = { maxKeys: 100, maxBytes: 1_000_000, keepMs: 60_000 };

  it('is bounded in number, the oldest go first; what is at work stays', async () => {
    const answers = new AnswersByKey({ ...bounds, maxKeys: 3 });
    let finish: (outcome: Outcome) => void = () => undefined;
    const slow = answers.answer('slow', 'f', () => new Promise((resolve) => (finish = resolve)));
    for (let i = 0; i < 10; i += 1) await answers.answer(`k${i}`, 'f', () => Promise.resolve(done(i)));
    expect(answers.size).toBe(3);
    const again = await answers.answer('k9', 'f', () => Promise.reject(new Error('done twice')));
    expect(again).toEqual({ outcome: done(9), replayed: true });
    const waiting = answers.answer('slow', 'f', () => Promise.reject(new Error('done twice')));
    finish(done('slow'));
    expect(await slow).toEqual({ outcome: done('slow'), replayed: false });
    expect(await waiting).toEqual({ outcome: done('slow'), replayed: true });
  });

  it('is bounded in time', async () => {
    let now = 0;
    const answers = new AnswersByKey({ ...bounds, keepMs: 1000 }, () => now);
    await answers.answer('a', 'f', () => Promise.resolve(done(1)));
    now = 999;
    expect(await answers.answer('a', 'other', () => Promise.resolve(done(2)))).toBe(REUSED);
    now = 1000;
    const fresh = await answers.answer('a', 'other', () => Promise.resolve(done(2)));
    expect(fresh).toEqual({ outcome: done(2), replayed: false });
    expect(answers.size).toBe(1);
  });

  it('is bounded in bytes, the oldest go first; an answer larger than all of it leaves the others', async () => {
    const answers = new AnswersByKey({ ...bounds, maxBytes: 1000 });
    const give = (key: string, characters: number) =>
      answers.answer(key, 'f', () => Promise.resolve(done('é'.repeat(characters / 2))));
    for (let i = 0; i < 10; i += 1) await give(`k${i}`, 300);
    expect([answers.size, answers.keptBytes]).toEqual([3, 3 * 302]);
    await give('large', 1000);
    expect([answers.size, answers.keptBytes]).toEqual([3, 3 * 302]);
    expect(await give('k7', 0)).toEqual({ outcome: done('é'.repeat(150)), replayed: true });
    await give('k0', 998);
    expect([answers.size, answers.keptBytes]).toEqual([1, 1000]);
  });

  it('cannot be changed by who has it', async () => {
    const answers = new AnswersByKey(bounds);
    const body = { name: 'first' };
    await answers.answer('a', 'f', () => Promise.resolve(done(body)));
    body.name = 'changed';
    const again = await answers.answer('a', 'f', () => Promise.reject(new Error('done twice')));
    expect(again).toEqual({ outcome: done({ name: 'first' }), replayed: true });
  });

  it('is no failure: who waited for it has it, too, and the next request is a new attempt', async () => {
    const answers = new AnswersByKey(bounds);
    const failures = [
      new Error('ours'),
      new SocketError('QUOTA_EXCEEDED', 'too many'),
      new SocketError('ETIMEDOUT', 'late'),
      new SocketError('NAME_TAKEN', 'taken'),
      new SocketError('EADDRINUSE', 'in use'),
      new SocketError('EADDRNOTAVAIL', 'not here'),
      new SocketError('TLS_INVALID', 'no certificate'),
    ];
    for (const error of failures) {
      const failed: Outcome = { failed: true, error };
      const both = [1, 2].map(() => answers.answer('a', 'f', () => Promise.resolve(failed)));
      expect(await Promise.all(both)).toEqual([
        { outcome: failed, replayed: false },
        { outcome: failed, replayed: true },
      ]);
      expect(answers.size).toBe(0);
    }
  });
});
