/** What an exchange answers that comes to no good end, and what becomes of its socket. */
import type { ExchangeDto } from '../../src/modules/exchanges/exchanges.dto.js';
import type { ProblemDto } from '../../src/modules/problems/problem.dto.js';
import type { SocketListDto } from '../../src/modules/common/list.dto.js';
import { startApi, type Answer, type Api } from '../support/api.js';
import { closePeers, freePort, PeerServer } from './peer.js';

let api: Api;
beforeAll(async () => (api = await startApi()));
afterEach(closePeers);
afterAll(() => api.close());

function exchange(body: object): Promise<Answer<ExchangeDto>> {
  return api.post<ExchangeDto>('/v1/exchanges', { host: '127.0.0.1', ...body });
}

function all(query: object = {}): Promise<Answer<SocketListDto>> {
  return api.get<SocketListDto>('/v1/clients', query as Record<string, string>);
}

describe('what goes wrong', () => {
  it('answers 504 on the deadline, with everything that came until then', async () => {
    const server = await PeerServer.open();
    const steps = [{ expect: { delimiter: '\n' } }, { send: 'more\n' }, { expect: { delimiter: '\n' } }];
    const call = exchange({ port: server.port, steps, timeoutMs: 300 });
    const peer = await server.next();
    peer.send('first\nsec');
    const problem = await api.refused(call, 504, 'timed-out');
    expect(problem).toMatchObject({
      code: 'ETIMEDOUT',
      errno: 110,
      data: 'first\nsec',
      bytes: 9,
      encoding: 'utf8',
    });
    expect(problem.transcript?.map(({ step, data, endedBy }) => [step, data, endedBy])).toEqual([
      ['expect', 'first\n', 'delimiter'],
      ['send', 'more\n', null],
      ['expect', 'sec', null],
    ]);
    expect(problem.timings?.totalMs).toBeGreaterThanOrEqual(299);
    expect((await peer.rest()).ended).toBe('ECONNRESET');
  });

  it('answers 504 where the peer takes nothing', async () => {
    const server = await PeerServer.open({ stalled: true });
    const call = exchange({ port: server.port, send: { data: 'x'.repeat(12_000_000) }, timeoutMs: 300 });
    await api.refused(call, 504, 'timed-out');
  });

  it('answers 502 on a reset, with what came before it', async () => {
    const server = await PeerServer.open();
    const call = exchange({
      port: server.port,
      steps: [{ expect: { bytes: 3 } }, { send: 'ok' }, { expect: { eof: true } }],
    });
    const peer = await server.next();
    peer.send('abc');
    await peer.received(2);
    peer.reset();
    expect(await api.refused(call, 502, 'connection-reset')).toMatchObject({
      code: 'ECONNRESET',
      data: 'abc',
    });
  });

  it('answers as connecting does where it cannot connect', async () => {
    const refused = exchange({ port: await freePort() });
    expect(await api.refused(refused, 502, 'connection-refused')).toMatchObject({
      code: 'ECONNREFUSED',
      errno: 111,
    });
    const own = exchange({ port: api.application.port });
    expect((await api.refused(own, 403, 'blocked-by-policy')).rule).toBe('control-port');
    await api.refused(exchange({ host: 'nobody.invalid', port: 1 }), 502, 'name-not-resolved');
  });

  it.each<[string, object]>([
    ['/until/matches', { until: { matches: '(' } }],
    ['/until/matches', { until: { matches: '(?=x)' } }],
    ['/until/matches', { until: { matches: `(${'a?'.repeat(400)}){100}` } }],
    ['/until/delimiter', { until: { delimiter: '' } }],
    ['/until/delimiter', { until: { delimiter: 'zz', encoding: 'hex' } }],
    ['/until', { until: {} }],
    ['/until', { until: { eof: false } }],
    ['/until', { until: { eof: true, bytes: 1 } }],
    ['/until', { until: { datagrams: 1 } }],
    ['/until', { protocol: 'udp', until: { eof: true } }],
    ['/until/bytes', { until: { bytes: 0 } }],
    ['/send/data', { send: { data: 'é', encoding: 'ascii' } }],
    ['/send/data', { send: {} }],
    ['/steps', { steps: [] }],
    ['/steps', { steps: ['send'] }],
    ['/steps', { steps: [{ send: 'a' }], send: { data: 'a' } }],
    ['/steps/0', { steps: [{}] }],
    ['/steps/1', { steps: [{ send: 'a' }, { send: 'a', expect: { eof: true } }] }],
    ['/steps/1', { steps: [{ send: 'a' }, { sleep: 5 }] }],
    ['/steps/0/send', { steps: [{ send: 5 }] }],
    ['/steps/0/send/data', { steps: [{ send: { data: 'x', encoding: 'hex' } }] }],
    ['/steps/0/expect/matches', { steps: [{ expect: { matches: '[' } }] }],
    ['/steps/0/expect', { steps: [{ expect: null }] }],
    ['/steps/0/starttls', { protocol: 'udp', steps: [{ starttls: {} }] }],
    ['/steps/0/starttls/ca', { steps: [{ starttls: { ca: 'no certificate' } }] }],
    ['/steps/0/starttls/constructor', { steps: [{ starttls: JSON.parse('{"constructor": 1}') as object }] }],
    ['/maxBytes', { maxBytes: 2 ** 30 }],
    ['/responseEncoding', { responseEncoding: 'klingon' }],
    ['/tls', { tls: {} }],
    ['/path', { path: 'x' }],
    ['/name', { name: 'x' }],
  ])('is a 400 before anything is dialled: %s, %j', async (pointer, body) => {
    // Nobody listens there: a 502 would be the answer to who dials first.
    const problem = await api.refused(
      exchange({ port: await freePort(), ...body }),
      400,
      'validation-failed',
    );
    expect(problem.errors?.map((error) => error.pointer)).toContain(pointer);
  });

  it('is a 400 without a place to connect to', async () => {
    const { errors } = await api.refused(api.post('/v1/exchanges', {}), 400, 'validation-failed');
    expect(errors?.map(({ pointer }) => pointer)).toEqual(['/host', '/port']);
  });
});

describe('the socket of an exchange', () => {
  it('is there while it runs, counts, and is gone with the answer', async () => {
    const small = await startApi({ SOCKEYE_MAX_SOCKETS: '1' });
    try {
      const server = await PeerServer.open();
      const body = { host: '127.0.0.1', port: server.port };
      const first = small.post<ExchangeDto>('/v1/exchanges', body);
      const peer = await server.next();
      const { body: during } = await small.get<SocketListDto>('/v1/clients');
      expect(during.items).toHaveLength(1);
      await small.refused(small.post('/v1/exchanges', body), 503, 'resource-exhausted');
      peer.finish('done');
      expect((await first).body.data).toBe('done');
      for (const state of ['open', 'half-closed-remote', 'closed', 'failed']) {
        const { body: after } = await small.get<SocketListDto>('/v1/sockets', { state });
        expect(after.items.filter(({ id }) => id === during.items[0]!.id)).toEqual([]);
      }
      await small.refused(small.get(`/v1/sockets/${during.items[0]!.id}`), 410, 'gone');
    } finally {
      await small.close();
    }
  });

  it('is closed when the caller goes away', async () => {
    const server = await PeerServer.open();
    const caller = new AbortController();
    const body = JSON.stringify({ host: '127.0.0.1', port: server.port, timeoutMs: 60_000 });
    const headers = { 'content-type': 'application/json' };
    const url = `${api.application.url}/v1/exchanges`;
    const call = fetch(url, { method: 'POST', headers, body, signal: caller.signal }).catch(() => null);
    const peer = await server.next();
    caller.abort();
    expect((await peer.rest()).ended).toBe('ECONNRESET');
    await call;
    const left = await api.application.eventually('no client', async () =>
      (await all()).body.items.length === 0 ? true : null,
    );
    expect(left).toBe(true);
  });

  it('is closed when the service stops: 503 with what came', async () => {
    const other = await startApi();
    const server = await PeerServer.open();
    const call = fetch(`${other.application.url}/v1/exchanges`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({
        host: '127.0.0.1',
        port: server.port,
        steps: [{ expect: { bytes: 1 } }, { send: 'a' }, { expect: { eof: true } }],
      }),
    });
    const peer = await server.next();
    peer.send('x');
    await peer.received(1);
    await other.close();
    const answer = await call;
    expect([answer.status, ((await answer.json()) as ProblemDto).data]).toEqual([503, 'x']);
  });
});
