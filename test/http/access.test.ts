import { once } from 'node:events';
import { connect } from 'node:net';
import { request } from 'node:http';
import { text } from 'node:stream/consumers';
import { startApi, type Api } from '../support/api.js';
import { closePeers, within } from './peer.js';
import { listen } from './steps.js';

const KEY = 'ops.0123456789abcdef0123456789abcdef';
const OTHER = 'ci.fedcba9876543210fedcba9876543210';

let open: Api;
let locked: Api;
beforeAll(async () => {
  open = await startApi({
    SOCKEYE_ALLOWED_HOSTS: 'sockeye.example',
    SOCKEYE_ALLOWED_ORIGINS: 'https://app.example',
  });
  locked = await startApi({ SOCKEYE_API_KEYS: `${KEY},${OTHER}` });
});
afterEach(closePeers);
afterAll(async () => {
  await open.close();
  await locked.close();
});

const sockets = (api: Api, headers: Record<string, string>) => api.get('/v1/sockets', {}, headers);

describe('the Host of a request', () => {
  it('may be a name of this host, its address, or one that the operator allows', async () => {
    const { port } = open.application;
    for (const host of ['localhost', `localhost:${port}`, `127.0.0.1:${port}`, '[::1]:80', 'LOCALHOST']) {
      expect((await sockets(open, { host })).status).toBe(200);
    }
    expect((await sockets(open, { host: 'sockeye.example' })).status).toBe(200);
    expect((await sockets(open, { host: 'sockeye.example:8443' })).status).toBe(200);
  });

  it('is refused with 403 when it is anything else: a page may have re-pointed its name', async () => {
    const hosts = ['evil.example', 'localhost.evil.example', 'sockeye.example.evil', '127.0.0.2', '10.0.0.1'];
    for (const host of [...hosts, '2130706433', '127.0.0.1:x', 'a b', '127.0.0.1@evil.example']) {
      await open.refused(sockets(open, { host }), 403, 'forbidden');
    }
  });

  it('is refused on every path, the documents included', async () => {
    const headers = { host: 'evil.example' };
    for (const path of ['/openapi.json', '/docs/', '/health/live', '/nowhere']) {
      const { status } = await open.get(path, {}, headers);
      expect({ path, status }).toEqual({ path, status: 403 });
    }
  });
});

describe('the page that a request comes from', () => {
  it('may be of the service itself, or one that the operator allows', async () => {
    const { url } = open.application;
    for (const origin of [url, 'https://app.example']) {
      expect((await sockets(open, { origin })).status).toBe(200);
    }
    for (const site of ['same-origin', 'none']) {
      expect((await sockets(open, { 'sec-fetch-site': site })).status).toBe(200);
    }
  });

  it('is refused with 403 when it is any other, and nothing is created', async () => {
    const origins = ['https://evil.example', 'null', 'http://127.0.0.1', 'https://app.example.evil', ''];
    for (const origin of origins) {
      const call = open.post('/v1/listeners', { name: 'from-a-page' }, { headers: { origin } });
      await open.refused(call, 403, 'forbidden');
    }
    await open.refused(sockets(open, { 'sec-fetch-site': 'cross-site' }), 403, 'forbidden');
    await open.refused(open.get('/v1/listeners/from-a-page'), 404, 'not-found');
  });

  it('is never told that it may call: no CORS header', async () => {
    const { headers } = await sockets(open, { origin: 'https://app.example' });
    expect(Object.keys(headers).filter((name) => name.startsWith('access-control-'))).toEqual([]);
  });
});

describe('with keys, a request', () => {
  it('needs one: as a bearer token, or as user and password', async () => {
    const basic = Buffer.from(KEY.replace('.', ':')).toString('base64');
    for (const authorization of [`Bearer ${KEY}`, `bearer ${OTHER}`, `Basic ${basic}`]) {
      expect((await sockets(locked, { authorization })).status).toBe(200);
    }
  });

  it('is answered 401, with how to give a key, when it has none or a wrong one', async () => {
    const secret = KEY.slice(4);
    const tokens = ['', 'x', KEY.slice(0, -1), `${KEY}x`, `ci.${secret}`, `nobody.${secret}`, secret, '.'];
    for (const authorization of tokens.map((token) => `Bearer ${token}`).concat(KEY, `Digest ${KEY}`)) {
      await locked.refused(sockets(locked, { authorization }), 401, 'unauthorized');
    }
    const { status, headers } = await sockets(locked, {});
    expect(status).toBe(401);
    expect(headers['www-authenticate']).toBe('Bearer realm="sockeye", Basic realm="sockeye"');
  });

  it('needs one on every path, and the Host and Origin checks stay', async () => {
    for (const path of ['/openapi.json', '/asyncapi.json', '/docs/', '/health/live', '/nowhere']) {
      const { status } = await locked.get(path);
      expect({ path, status }).toEqual({ path, status: 401 });
    }
    const authorization = `Bearer ${KEY}`;
    await locked.refused(sockets(locked, { authorization, host: 'evil.example' }), 403, 'forbidden');
    await locked.refused(
      sockets(locked, { authorization, origin: 'https://evil.example' }),
      403,
      'forbidden',
    );
  });

  it('may not dial what only this host can reach: the caller may be elsewhere', async () => {
    const headers = { authorization: `Bearer ${KEY}` };
    for (const [host, rule] of [
      ['127.0.0.1', 'default 127.0.0.0/8'],
      ['10.1.2.3', 'default 10.0.0.0/8'],
      ['::1', 'default ::1'],
      ['::ffff:192.168.0.1', 'default 192.168.0.0/16'],
      ['169.254.169.254', 'metadata 169.254.169.254'],
    ]) {
      const call = locked.post('/v1/clients', { host, port: 80 }, { headers });
      expect((await locked.refused(call, 403, 'blocked-by-policy')).rule).toBe(rule);
    }
  });
});

describe('an upgrade to a WebSocket', () => {
  it('passes the same checks before it is answered', async () => {
    const { id } = await listen(open);
    const path = `/v1/pipe?socketId=${id}`;
    expect(await upgrade(open, path, { host: 'evil.example' })).toBe(403);
    expect(await upgrade(open, '/v1/stream', { origin: 'https://evil.example' })).toBe(403);
    expect(await upgrade(open, '/v1/nowhere', {})).toBe(404);
    expect(await upgrade(open, '/v1/stream', {})).toBe(101);
    expect(await upgrade(locked, '/v1/stream', {})).toBe(401);
    expect(await upgrade(locked, '/v1/stream', { authorization: `Bearer ${KEY}` })).toBe(101);
    const protocols = `sockeye.v1, sockeye.bearer.${KEY}`;
    expect(await upgrade(locked, '/v1/stream', { 'sec-websocket-protocol': protocols })).toBe(101);
  });
});

describe('a connection that asks for an upgrade', () => {
  it('is closed after the refusal, also when the client keeps it open', async () => {
    const { port } = open.application;
    const socket = connect({ port, host: '127.0.0.1', allowHalfOpen: true });
    const ended = once(socket.resume(), 'end');
    // By a reset, once it has written into what is closed.
    socket.on('error', () => undefined);
    const closed = new Promise((resolve) => socket.once('close', resolve));
    socket.write(
      'GET /v1/stream HTTP/1.1\r\nHost: evil.example\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n',
    );
    await within('the end of the answer', ended);
    // Only a write tells this side that nobody holds the other end any more.
    const writing = setInterval(() => socket.write('still here'), 20);
    await within('the close', closed).finally(() => clearInterval(writing));
  });

  it('is served as if it had not asked, where the protocol is not spoken', async () => {
    expect(await upgrade(open, '/health/live', { upgrade: 'h2c' })).toBe(200);
    expect(await upgrade(open, '/health/live', { upgrade: 'h2c', host: 'evil.example' })).toBe(403);
  });
});

describe('the type of an answer', () => {
  it('is not to be guessed, whoever answers', async () => {
    const { body } = await open.post<{ id: string }>('/v1/listeners', {});
    const answers = {
      'one with a body': await open.get('/v1/sockets'),
      'one without': await open.delete(`/v1/listeners/${body.id}`),
      'a problem': await open.get('/v1/sockets/lsn_0'),
      'a refusal': await open.get('/v1/sockets', {}, { host: 'evil.example' }),
    };
    for (const [what, { headers }] of Object.entries(answers))
      expect([what, headers['x-content-type-options']]).toEqual([what, 'nosniff']);
    const page = await fetch(`${open.application.url}/docs/`);
    expect(page.headers.get('x-content-type-options')).toBe('nosniff');
  });

  it.each([
    ['what is no HTTP', 'NONSENSE'],
    [
      'an upgrade that leads nowhere',
      'GET /v1/nowhere HTTP/1.1\r\nUpgrade: websocket\r\nConnection: Upgrade',
    ],
  ])('is not to be guessed where there is a connection and nothing else: %s', async (_, head) => {
    const socket = connect({ port: open.application.port, host: '127.0.0.1' });
    const answer = text(socket);
    socket.write(`${head}\r\nHost: localhost\r\n\r\n`);
    expect(await within('the answer', answer)).toMatch(
      /^HTTP\/1.1 4.*\r\nx-content-type-options: nosniff\r\n/s,
    );
  });
});

/** The status that an upgrade is answered with. */
function upgrade(api: Api, path: string, headers: Record<string, string>): Promise<number> {
  const asked = request(`${api.application.url}${path}`, {
    agent: false,
    headers: {
      connection: 'Upgrade',
      upgrade: 'websocket',
      'sec-websocket-version': '13',
      'sec-websocket-key': Buffer.alloc(16).toString('base64'),
      ...headers,
    },
  });
  const status = new Promise<number>((resolve, reject) => {
    asked.once('upgrade', (answer, socket) => {
      socket.destroy();
      resolve(answer.statusCode ?? 0);
    });
    asked.once('response', (answer) => {
      answer.resume();
      resolve(answer.statusCode ?? 0);
    });
    asked.once('error', reject);
  });
  asked.end();
  return within('the answer to the upgrade', status);
}
