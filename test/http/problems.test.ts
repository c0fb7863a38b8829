import { connect } from 'node:net';
import type { ProblemDto } from '../../src/modules/problems/problem.dto.js';
import { startApi, type Answer, type Api } from '../support/api.js';
import { closePeers, within } from './peer.js';

let api: Api;
beforeAll(async () => (api = await startApi({ SOCKEYE_MAX_BODY_BYTES: '65536' })));
afterEach(closePeers);
afterAll(() => api.close());

const create = (body?: string | object, headers: Record<string, string> = {}) =>
  api.post('/v1/listeners', body, { headers });

async function listenersOpen(): Promise<number> {
  return (await api.get<{ items: unknown[] }>('/v1/listeners')).body.items.length;
}

describe('a problem', () => {
  it('says what it is, in the shape of RFC 9457, with an id that is its own', async () => {
    const first = await api.refused(api.get('/v1/sockets/nobody'), 404, 'not-found');
    expect(first).toEqual({
      type: 'https://sockeye.dev/problems/not-found',
      title: 'Not found',
      status: 404,
      detail: expect.stringContaining('nobody') as string,
      code: 'SOCKET_NOT_FOUND',
      requestId: expect.stringMatching(/^[0-9a-f-]{36}$/) as string,
    });
    const second = await api.refused(api.get('/v1/sockets/nobody'), 404, 'not-found');
    expect(second.requestId).not.toBe(first.requestId);
  });

  it('is the answer of every path and method that do not exist', async () => {
    const calls: [string, string][] = [
      ['GET', '/'],
      ['GET', '/v1'],
      ['GET', '/v2/sockets'],
      ['GET', '/v1/sockets/'],
      ['PUT', '/v1/sockets'],
      ['POST', '/v1/sockets/x'],
      ['DELETE', '/v1/listeners'],
      ['GET', '/v1/sockets/x/nothing'],
      ['GET', '/v1//sockets'],
      ['GET', '/openapi.json/x'],
    ];
    for (const [method, path] of calls) {
      await api.refused(api.call(method, path, undefined), 404, 'not-found');
    }
  });

  it('is the answer to a path that is not valid or too long', async () => {
    for (const part of ['%E0%A4%A', 'a'.repeat(5000)]) {
      await api.refused(api.get(`/v1/sockets/${part}`), 400, 'validation-failed');
    }
  });

  it('is the answer to what is not HTTP', async () => {
    expect(await raw('hello\r\n\r\n')).toMatchObject({ status: 400 });
    expect(await raw('GET http://127.0.0.1/v1/sockets HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n')).toMatchObject({
      status: 400,
      type: 'https://sockeye.dev/problems/bad-request',
    });
    expect(await raw(`GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nX: ${'x'.repeat(20_000)}\r\n\r\n`)).toMatchObject({
      type: 'https://sockeye.dev/problems/bad-request',
    });
  });
});

describe('a body that is not valid', () => {
  it('names every place by its pointer, and creates nothing', async () => {
    const before = await listenersOpen();
    const problem = await api.refused(
      create({
        port: 70_000,
        backlog: '511',
        colour: 'red',
        labels: { ok: 1 },
        limits: { maxConnections: 0, more: true },
        receive: { windowBytes: null, overflow: 'drop-all' },
        ipv6Only: 'yes',
        host: '127.0.0.1\u0000.example',
      }),
      400,
      'validation-failed',
    );
    const pointers = new Set(problem.errors?.map(({ pointer }) => pointer));
    expect([...pointers].sort()).toEqual([
      '/backlog',
      '/colour',
      '/host',
      '/ipv6Only',
      '/labels',
      '/limits/maxConnections',
      '/limits/more',
      '/port',
      '/receive/overflow',
      '/receive/windowBytes',
    ]);
    expect(await listenersOpen()).toBe(before);
  });

  it.each(['port', 'host', 'timeoutMs', 'family', 'protocol', 'receive', 'labels', 'idleTimeoutMs'])(
    'names /%s of a client when that is null or of another type',
    async (field) => {
      for (const value of [null, [], { x: 1 }, true]) {
        const body = { host: '127.0.0.1', port: 9, [field]: value };
        const problem = await api.refused(api.post('/v1/clients', body), 400, 'validation-failed');
        expect(problem.errors?.every(({ pointer }) => pointer.split('/')[1] === field)).toBe(true);
      }
    },
  );

  it('says once that what should be an object is none', async () => {
    const problem = await api.refused(create({ limits: 'many' }), 400, 'validation-failed');
    expect(problem.errors).toEqual([{ pointer: '/limits', detail: 'limits must be an object' }]);
  });

  it('says of a value of the wrong type that, and nothing about its size', async () => {
    const { errors } = await api.refused(create({ port: 'abc' }), 400, 'validation-failed');
    expect(errors).toEqual([{ pointer: '/port', detail: 'port must be an integer number' }]);
  });

  it('names what is missing', async () => {
    const problem = await api.refused(api.post('/v1/clients', {}), 400, 'validation-failed');
    const pointers = new Set(problem.errors?.map(({ pointer }) => pointer));
    expect([...pointers].sort()).toEqual(['/host', '/port']);
  });

  it('is anything but an object: the pointer is the whole', async () => {
    for (const body of ['[]', 'null', '42', '"text"', 'true', '[{}]']) {
      const problem = await api.refused(create(body), 400, 'validation-failed');
      expect(problem.errors).toEqual([{ pointer: '', detail: 'must be an object' }]);
    }
  });

  it('is left out where a field is needed: that is as good as an empty one', async () => {
    const problem = await api.refused(api.post('/v1/clients'), 400, 'validation-failed');
    expect(problem.errors?.map(({ pointer }) => pointer)).toEqual(expect.arrayContaining(['/host', '/port']));
    expect((await create()).status).toBe(201);
  });

  it('has a type and not a byte: that is none', async () => {
    const headers = { 'content-type': 'application/json' };
    expect((await create('', headers)).status).toBe(201);
    const made = await api.post<{ id: string }>('/v1/listeners', { leaseMs: 60_000 });
    expect((await api.put(`/v1/sockets/${made.body.id}/lease`, '', { headers })).status).toBe(200);
    await api.refused(api.post('/v1/sockets/x/receive', '', { headers }), 404, 'not-found');
    const commit = await api.refused(
      api.post('/v1/sockets/x/commit', '', { headers }),
      400,
      'validation-failed',
    );
    expect(commit.errors).toEqual([{ pointer: '/offset', detail: 'must be given' }]);
    expect(commit.detail).toBe('/offset: must be given');
  });

  it.each<[object, string[]]>([
    [{ protocol: 'udp', backlog: 5 }, ['/backlog']],
    [
      { protocol: 'udp', limits: { maxConnections: 3, acceptCount: 1, idleTimeoutMs: 9 } },
      ['/limits/maxConnections', '/limits/acceptCount'],
    ],
    [{ protocol: 'unix', path: 'a', host: '127.0.0.1', port: 0 }, ['/host', '/port']],
    [{ protocol: 'unix-datagram', path: 'a', port: 1, backlog: 5 }, ['/port', '/backlog']],
    [{ ipv6Only: true }, ['/ipv6Only']],
    [{ protocol: 'udp', host: '127.0.0.1', ipv6Only: true }, ['/ipv6Only']],
  ])('has fields that mean nothing there: %j', async (spec, pointers) => {
    const problem = await api.refused(create(spec), 400, 'validation-failed');
    expect(problem.errors?.map(({ pointer }) => pointer)).toEqual(pointers);
    expect(problem.detail).toContain('has no meaning with');
  });

  it('is JSON that is cut, doubled, or empty', async () => {
    for (const body of ['{', '{"port":0', '{"port":0}}', "{'port':0}", 'port=0', '{"port":NaN}']) {
      const problem = await api.refused(create(body), 400, 'validation-failed');
      expect(problem.errors?.map(({ pointer }) => pointer)).toEqual(['']);
    }
  });

  it('reaches for the prototype, or is too deep', async () => {
    const before = await listenersOpen();
    for (const body of ['{"__proto__":{"port":0}}', '{"labels":{"__proto__":{"a":"b"}}}']) {
      await api.refused(create(body), 400, 'validation-failed');
    }
    const deep = `{"labels":${'['.repeat(10_000)}${']'.repeat(10_000)}}`;
    await api.refused(create(deep), 400, 'validation-failed');
    expect(({} as Record<string, unknown>).port).toBeUndefined();
    expect(await listenersOpen()).toBe(before);
  });

  it.each(['toString', 'valueOf', 'constructor', 'hasOwnProperty', '__defineGetter__'])(
    'has a field named %s, as every object has one: it is named, not dropped',
    async (name) => {
      const before = await listenersOpen();
      const field = { [name]: 'x' };
      const refusals: [string, Promise<Answer<unknown>>][] = [
        ['', create(field)],
        ['/labels', create({ labels: { a: 'b', ...field } })],
        ['/options', create({ options: field })],
        ['/limits', create({ limits: field })],
        ['', api.patch('/v1/settings', field)],
        ['', api.patch('/v1/sockets/x/options', field)],
        ['', api.post('/v1/sockets/x/data', { data: 'x', ...field })],
        ['/to', api.post('/v1/sockets/x/data', { data: 'x', to: field })],
        ['', api.get('/v1/sockets', field)],
        ['', api.get('/v1/sockets', { [name]: ['x', 'y'] })],
      ];
      for (const [at, refusal] of refusals) {
        const { errors } = await api.refused(refusal, 400, 'validation-failed');
        expect(errors).toEqual([{ pointer: `${at}/${name}`, detail: 'cannot be used as a name' }]);
      }
      expect(await listenersOpen()).toBe(before);
    },
  );

  it('has no better luck with __proto__ in a query', async () => {
    const problem = await api.refused(api.get('/v1/sockets?__proto__=1'), 400, 'validation-failed');
    expect(problem.errors?.map(({ pointer }) => pointer)).toEqual(['/__proto__']);
  });

  it('is a form, a text, bare bytes where JSON is wanted, or of no known type: 415', async () => {
    const before = await listenersOpen();
    const types = [
      'application/x-www-form-urlencoded',
      'multipart/form-data; boundary=x',
      'text/plain',
      'application/xml',
      'application/octet-stream',
    ];
    for (const type of types) {
      await api.refused(create('port=0', { 'content-type': type }), 415, 'unsupported-media-type');
    }
    const form = api.post('/v1/sockets/x/data', 'data=x', { headers: { 'content-type': types[0] ?? '' } });
    await api.refused(form, 415, 'unsupported-media-type');
    expect(await listenersOpen()).toBe(before);
  });

  it('is too large: 413, on every route that takes a body', async () => {
    const body = { data: 'x'.repeat(65_536) };
    for (const path of ['/v1/listeners', '/v1/clients', '/v1/sockets/x/data', '/v1/sockets/x/receive']) {
      await api.refused(api.post(path, body), 413, 'payload-too-large');
    }
    for (const path of ['/v1/sockets/x/commit', '/v1/sockets/x/shutdown']) {
      await api.refused(api.post(path, body), 413, 'payload-too-large');
    }
    await api.refused(api.post('/v1/sockets/x/data', Buffer.alloc(65_537)), 413, 'payload-too-large');
  });
});

describe('sockets beyond the limit', () => {
  it('are refused with 503 resource-exhausted and a hint when to come back', async () => {
    const small = await startApi({ SOCKEYE_MAX_SOCKETS: '1' });
    try {
      expect((await small.post('/v1/listeners', {})).status).toBe(201);
      const answer = await small.post<ProblemDto>('/v1/listeners', {});
      expect(answer).toMatchObject({ status: 503, body: { code: 'LIMIT_REACHED' } });
      expect(Number(answer.headers['retry-after'])).toBeGreaterThan(0);
    } finally {
      await small.close();
    }
  });
});

/** What no HTTP client would send; answers the problem. */
async function raw(request: string): Promise<ProblemDto> {
  const socket = connect(api.application.port, '127.0.0.1');
  const parts: Buffer[] = [];
  socket.on('data', (chunk: Buffer) => parts.push(chunk));
  socket.write(request);
  await within('the answer', new Promise((resolve) => socket.once('close', resolve)));
  const [head = '', body = ''] = Buffer.concat(parts).toString().split('\r\n\r\n');
  expect(head).toMatch(/\r\ncontent-type: application\/problem\+json/i);
  return JSON.parse(body) as ProblemDto;
}
