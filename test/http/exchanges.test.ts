import { createSocket, type Socket as UdpSocket } from 'node:dgram';
import { once } from 'node:events';
import type { ExchangeDto } from '../../src/modules/exchanges/exchanges.dto.js';
import type { ProblemDto } from '../../src/modules/problems/problem.dto.js';
import type { SocketListDto } from '../../src/modules/common/list.dto.js';
import { startApi, type Answer, type Api } from '../support/api.js';
import { closePeers, freePort, PeerServer, type Peer } from './peer.js';

let api: Api;
beforeAll(async () => (api = await startApi()));
afterEach(closePeers);
afterAll(() => api.close());

function exchange(body: object): Promise<Answer<ExchangeDto>> {
  return api.post<ExchangeDto>('/v1/exchanges', { host: '127.0.0.1', ...body });
}

/** Of an exchange that came to an answer. */
async function answered(body: object): Promise<ExchangeDto> {
  const { status, body: answer } = await exchange(body);
  expect({ status, answer }).toMatchObject({ status: 200 });
  return answer;
}

/** An exchange with a server that does `serve`. */
async function withServer(body: object, serve: (peer: Peer) => unknown): Promise<ExchangeDto> {
  const server = await PeerServer.open();
  const answer = answered({ port: server.port, ...body });
  await serve(await server.next());
  return answer;
}

function all(query: object = {}): Promise<Answer<SocketListDto>> {
  return api.get<SocketListDto>('/v1/clients', query as Record<string, string>);
}

describe('one turn', () => {
  it('connects, sends, reads to the end, closes, and says how long each took', async () => {
    const server = await PeerServer.open();
    const asked = answered({ host: 'localhost', port: server.port, send: { data: 'GET /\r\n' } });
    const peer = await server.next();
    expect((await peer.received(7)).toString()).toBe('GET /\r\n');
    peer.finish('the document\n');
    const { timings, localAddress, ...answer } = await asked;
    expect(answer).toEqual({
      data: 'the document\n',
      encoding: 'utf8',
      lossy: false,
      bytes: 13,
      endedBy: 'eof',
      remoteAddress: { address: '127.0.0.1', port: server.port },
      tls: null,
      datagrams: null,
      transcript: null,
    });
    expect(localAddress).toMatchObject({ address: '127.0.0.1' });
    const { resolveMs, connectMs, tlsMs, firstByteMs, totalMs } = timings;
    expect(tlsMs).toBeNull();
    expect(resolveMs! + connectMs).toBeLessThanOrEqual(firstByteMs!);
    expect(firstByteMs).toBeLessThanOrEqual(totalMs);
    expect((await peer.rest()).ended).toBe('end');
  });

  it.each<[string, object, string, string]>([
    ['bytes', { bytes: 5 }, 'hello', 'bytes'],
    ['a delimiter', { delimiter: 'l' }, 'hel', 'delimiter'],
    ['a delimiter of several bytes', { delimiter: 'lo w' }, 'hello w', 'delimiter'],
    ['a delimiter that is not text', { delimiter: '6c6f', encoding: 'hex' }, 'hello', 'delimiter'],
    ['an expression', { matches: 'w.r' }, 'hello wor', 'matches'],
    ['an expression over several lines', { matches: '(?m)^second$' }, 'hello world\nsecond', 'matches'],
    ['silence', { idleMs: 100 }, 'hello world\nsecond\n', 'idle'],
  ])('ends with %s, wherever the segments end', async (_, until, data, endedBy) => {
    const answer = await withServer({ until }, async (peer) => {
      for (const part of ['h', 'ell', 'o w', 'orld\nsec', 'ond\n']) {
        peer.send(part);
        await new Promise((resolve) => setImmediate(resolve));
      }
    });
    expect(answer).toMatchObject({ data, endedBy, bytes: data.length });
  });

  it('says eof where the peer ended before', async () => {
    const answer = await withServer({ until: { delimiter: '\n' } }, (peer) => peer.finish('half a li'));
    expect(answer).toMatchObject({ data: 'half a li', endedBy: 'eof' });
  });

  it.each([1, 10, 70_000])('keeps %d bytes of a peer that sends more, and says so', async (maxBytes) => {
    const data = 'x'.repeat(maxBytes);
    const answer = await withServer({ maxBytes }, (peer) => peer.send(`${data}yz`));
    expect(answer).toMatchObject({ bytes: maxBytes, endedBy: 'maxBytes', data });
    const exact = await withServer({ maxBytes }, (peer) => peer.finish(data));
    expect(exact).toMatchObject({ bytes: maxBytes, endedBy: 'eof' });
    const counted = await withServer({ maxBytes, until: { bytes: maxBytes } }, (peer) =>
      peer.send(`${data}y`),
    );
    expect(counted).toMatchObject({ bytes: maxBytes, endedBy: 'bytes' });
  });

  it('answers in the encoding that was asked for, and sends in that of the payload', async () => {
    const body = { send: { data: 'ff00', encoding: 'hex' }, responseEncoding: 'base64' };
    const answer = await withServer(body, async (peer) => {
      expect(await peer.received(2)).toEqual(Buffer.from([0xff, 0]));
      peer.finish('\u00ff');
    });
    expect(answer).toMatchObject({ data: 'w78=', encoding: 'base64', bytes: 2 });
    const lossy = await withServer({}, (peer) => peer.finish(Buffer.from([0x61, 0xff]) as unknown as string));
    expect(lossy).toMatchObject({ data: 'a\uFFFD', lossy: true, bytes: 2 });
  });

  it('sends a megabyte and gets it back while it sends', async () => {
    const data = 'abcdefgh'.repeat(128 * 1024);
    const answer = await withServer({ send: { data }, until: { bytes: data.length } }, async (peer) => {
      peer.send(await peer.received(data.length));
    });
    expect(answer.data === data).toBe(true);
  });
});

describe('of datagrams', () => {
  let echo: UdpSocket;
  beforeEach(async () => {
    echo = createSocket('udp4', (message, { port }) => {
      for (const part of message.toString().split(' ')) echo.send(part, port, '127.0.0.1');
    });
    echo.bind(0, '127.0.0.1');
    await once(echo, 'listening');
  });
  afterEach(() => echo.close());

  it('waits for one, or for so many, or for silence, and shows each', async () => {
    const { port } = echo.address();
    const body = { protocol: 'udp', port, send: { data: 'one two three' } };
    const one = await answered({ ...body, send: { data: 'one' } });
    expect(one).toMatchObject({ data: 'one', endedBy: 'datagrams', bytes: 3 });
    const two = await answered({ ...body, until: { datagrams: 2 } });
    expect(two).toMatchObject({ data: 'onetwo', endedBy: 'datagrams' });
    expect(two.datagrams?.map(({ data, from }) => [data, from])).toEqual(
      ['one', 'two'].map((data) => [data, { address: '127.0.0.1', port }]),
    );
    const quiet = await answered({ ...body, until: { idleMs: 100 } });
    expect(quiet).toMatchObject({ data: 'onetwothree', endedBy: 'idle' });
    const bounded = await answered({ ...body, until: { datagrams: 3 }, maxBytes: 7 });
    expect(bounded).toMatchObject({ data: 'onetwo', endedBy: 'maxBytes' });
  });

  it('takes an empty one for something that came', async () => {
    const { port } = echo.address();
    const quiet = await answered({ protocol: 'udp', port, send: { data: '' }, until: { idleMs: 50 } });
    expect(quiet).toMatchObject({ endedBy: 'idle', bytes: 0, datagrams: [{ data: '' }] });
  });

  it('keeps 10,000 of them at most, however small they are', async () => {
    const { port } = echo.address();
    let isOver = false;
    echo.once('message', (_, peer) => {
      // Not from its callback, which Node calls in the same turn: nobody else would have one.
      const more = (): void => {
        if (isOver) return;
        echo.send('', peer.port, peer.address);
        setImmediate(more);
      };
      more();
    });
    const call = { protocol: 'udp', port, send: { data: 'go' }, until: { idleMs: 5_000 }, timeoutMs: 20_000 };
    const answer = await answered(call);
    isOver = true;
    expect(answer.endedBy).toBe('maxBytes');
    expect(answer.datagrams).toHaveLength(10_000);
  });

  it('takes the refusal of a port for an answer', async () => {
    const port = await freePort();
    const call = exchange({ protocol: 'udp', port, send: { data: 'hello' }, timeoutMs: 5000 });
    expect(await api.refused(call, 502, 'connection-refused')).toMatchObject({
      code: 'ECONNREFUSED',
      bytes: 0,
    });
  });
});

describe('a dialogue', () => {
  it('goes through its steps and shows each as it went', async () => {
    const steps = [
      { expect: { delimiter: '\n' } },
      { send: 'my name\n' },
      { expect: { matches: 'hello (\\w+)\\n' } },
      { send: { data: '0a', encoding: 'hex' } },
      { expect: { bytes: 3 } },
      { shutdown: 'write' },
      { expect: { eof: true } },
    ];
    const answer = await withServer({ steps }, async (peer) => {
      peer.send('who?\nmo');
      expect((await peer.received(8)).toString()).toBe('my name\n');
      peer.send('re\nhello Ada\n12');
      await peer.received(9);
      peer.send('34');
      expect((await peer.rest()).ended).toBe('end');
      peer.finish('bye');
    });
    expect(answer).toMatchObject({ data: 'who?\nmore\nhello Ada\n1234bye', endedBy: 'steps' });
    expect(answer.transcript?.map(({ step, data, endedBy }) => [step, data, endedBy])).toEqual([
      ['expect', 'who?\n', 'delimiter'],
      ['send', 'my name\n', null],
      ['expect', 'more\nhello Ada\n', 'matches'],
      ['send', '\n', null],
      ['expect', '123', 'bytes'],
      ['shutdown', '', null],
      ['expect', '4bye', 'eof'],
    ]);
    const times = answer.transcript!.map(({ atMs }) => atMs);
    expect([...times].sort((a, b) => a - b)).toEqual(times);
  });

  it('ends where the peer does, or says too much', async () => {
    const steps = [{ expect: { delimiter: '\n' } }, { send: 'and?\n' }, { expect: { delimiter: '\n' } }];
    const early = await withServer({ steps }, (peer) => peer.finish('one\ntw'));
    expect(early).toMatchObject({ data: 'one\ntw', endedBy: 'eof' });
    expect(early.transcript?.map(({ endedBy }) => endedBy)).toEqual(['delimiter', null, 'eof']);
    const much = await withServer({ steps, maxBytes: 6 }, (peer) => peer.send('one\ntwo too many'));
    expect(much).toMatchObject({ data: 'one\ntw', endedBy: 'maxBytes' });
    const done = await withServer({ steps }, (peer) => peer.send('one\ntwo\nthree\n'));
    expect(done).toMatchObject({ data: 'one\ntwo\n', endedBy: 'steps' });
  });

  it('does not begin TLS over bytes that nobody asked for', async () => {
    const server = await PeerServer.open();
    const steps = [{ expect: { delimiter: '\n' } }, { starttls: {} }];
    const call = exchange({ port: server.port, steps });
    (await server.next()).send('go ahead\nand believe this');
    const problem = await api.refused(call, 502, 'tls-failed');
    expect(problem).toMatchObject({ code: 'EPROTO', data: 'go ahead\nand believe this' });
  });

  it('searches the first 8 KiB for an expression, a fifth of the time at most', async () => {
    const steps = [{ expect: { matches: '(x+x+)+y' } }];
    const answer = await withServer({ steps }, async (peer) => {
      for (let sent = 0; sent < 80; sent += 1) peer.send('x'.repeat(1024));
    });
    expect(answer.endedBy).toBe('maxBytes');
    expect(answer.bytes).toBeGreaterThanOrEqual(8_192);
  });
});

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
