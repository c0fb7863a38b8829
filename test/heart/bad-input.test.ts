import { randomBytes } from 'node:crypto';
import { dial, type Peer, stopPrograms } from '../support/peers.js';
import { type Problem, type Service, startService } from '../support/service.js';
import { encode, PipeClient, StreamClient, terminateClients } from '../support/ws-client.js';

const MAX_BODY = 64 * 1024;

let service: Service;
let pid: number;
let canary: { peer: Peer; client: StreamClient; channel: number; id: string };

beforeAll(async () => {
  service = await startService({ SOCKEYE_MAX_BODY_BYTES: `${MAX_BODY}` });
  pid = service.pid;
  const listener = await service.listen();
  const peer = await dial(listener.port);
  const { id } = await service.connection(listener.id, peer.localPort);
  const client = await StreamClient.open(service);
  const { channel } = await client.attach({ socketId: id });
  canary = { peer, client, channel, id };
});

// Whatever a test has sent: the process is the same, and another open socket passes bytes both ways.
afterEach(async () => {
  const [inward, outward] = [randomBytes(64), randomBytes(64)];
  await canary.peer.send(inward);
  expect(await canary.client.bytes(canary.channel, 64)).toEqual(inward);
  canary.client.frame(canary.channel, outward);
  expect(await canary.peer.receive(64)).toEqual(outward);
  expect((await service.get('/health/live')).status).toBe(200);
  expect(service.pid).toBe(pid);
});

afterAll(async () => {
  expect(await service.stop()).toBe(0);
  terminateClients();
  await stopPrograms();
});

describe('over HTTP', () => {
  const good = { protocol: 'tcp', host: '127.0.0.1', port: 0 };

  async function send(path: string, body: string, type = 'application/json') {
    return service.call<Problem>(path, { method: 'POST', headers: { 'content-type': type }, body });
  }

  const bodies: [string, string, string | null][] = [
    ['malformed JSON', '{"protocol": "tcp",', null],
    ['no JSON at all', 'listen, please', null],
    ['an array', '[]', null],
    ['null', 'null', null],
    ['JSON a hundred thousand levels deep', '['.repeat(50_000), null],
    ['an unknown field', JSON.stringify({ ...good, colour: 'red' }), '/colour'],
    ['a prototype as a field', '{"protocol":"tcp","host":"127.0.0.1","port":0,"__proto__":{"a":1}}', null],
    ['a port of 70000', JSON.stringify({ ...good, port: 70_000 }), '/port'],
    ['a port below 0', JSON.stringify({ ...good, port: -1 }), '/port'],
    ['a port that is text', JSON.stringify({ ...good, port: '80' }), '/port'],
    ['a port that is no whole number', JSON.stringify({ ...good, port: 80.5 }), '/port'],
    ['a host that is a number', JSON.stringify({ ...good, host: 127 }), '/host'],
    ['labels that are a list', JSON.stringify({ ...good, labels: ['a'] }), '/labels'],
    ['a window of nothing', JSON.stringify({ ...good, receive: { windowBytes: 0 } }), '/receive/windowBytes'],
    ['a field unknown further in', JSON.stringify({ ...good, receive: { colour: 1 } }), '/receive/colour'],
  ];

  it.each(bodies)('%s is a 400 that says what is wrong', async (_, body, pointer) => {
    const answer = await send('/v1/listeners', body);
    expect(answer.status).toBe(400);
    expect(answer.headers.get('content-type')).toMatch(/^application\/problem\+json/);
    expect(answer.body).toMatchObject({ status: 400, type: expect.stringMatching(/\/validation-failed$/) });
    if (pointer) expect(answer.body.errors).toContainEqual({ pointer, detail: expect.any(String) });
  });

  it('a client port of 70000 is a 400', async () => {
    const answer = await send('/v1/clients', JSON.stringify({ ...good, port: 70_000 }));
    expect(answer.body.errors).toContainEqual({ pointer: '/port', detail: expect.any(String) });
  });

  it.each([
    ['offset=-1', 'offset'],
    ['offset=9007199254740993', 'offset'],
    ['maxBytes=many', 'maxBytes'],
    ['waitMs=1e9', 'waitMs'],
    ['colour=red', 'colour'],
    ['encoding=klingon', 'encoding'],
  ])('a read with %s is a 400', async (query) => {
    const answer = await service.get<Problem>(`/v1/sockets/${canary.id}/data?${query}`);
    expect(answer.status).toBe(400);
    expect(answer.body.type).toMatch(/\/validation-failed$/);
  });

  it.each([
    ['GET', '/v1/sockets/con_000000000000000000000000'],
    ['GET', '/v1/sockets/con_000000000000000000000000/data'],
    ['DELETE', '/v1/sockets/con_000000000000000000000000'],
    ['GET', '/v1/listeners/nobody'],
    ['GET', '/v1/sockets/..%2F..%2Fetc%2Fpasswd'],
    ['GET', '/v1/nothing'],
  ])('%s %s is a 404', async (method, path) => {
    const answer = await service.call<Problem>(path, { method });
    expect(answer.body).toMatchObject({ status: 404, type: expect.stringMatching(/\/not-found$/) });
    expect(answer.status).toBe(404);
  });

  it('a send to an unknown socket is a 404', async () => {
    const answer = await service.post('/v1/sockets/con_000000000000000000000000/data', Buffer.from('x'));
    expect(answer.status).toBe(404);
  });

  it.each(['application/octet-stream', 'application/json'])(
    'a body over the limit is a 413 (%s)',
    async (type) => {
      const answer = await send(`/v1/sockets/${canary.id}/data`, 'x'.repeat(MAX_BODY + 1), type);
      expect(answer.status).toBe(413);
      expect(answer.body.status).toBe(413);
    },
  );

  it.each(['text/plain', 'application/xml', 'multipart/form-data; boundary=x'])(
    'a body of type %s is a 415',
    async (type) => {
      const answer = await send(`/v1/sockets/${canary.id}/data`, 'x', type);
      expect(answer.status).toBe(415);
      expect(answer.body.status).toBe(415);
    },
  );

  it('hexadecimal that is none is a 400, and nothing is sent', async () => {
    const before = (await service.socket(canary.id)).sent.bytes;
    const answer = await send(
      `/v1/sockets/${canary.id}/data`,
      JSON.stringify({ data: 'zz', encoding: 'hex' }),
    );
    expect(answer.status).toBe(400);
    expect((await service.socket(canary.id)).sent.bytes).toBe(before);
  });
});

describe('on /v1/stream', () => {
  let client: StreamClient;

  beforeEach(async () => {
    client = await StreamClient.open(service);
  });

  /** The WebSocket goes on: it still answers. */
  afterEach(async () => {
    if (client.ws.readyState === client.ws.OPEN) {
      expect((await client.ask('ping', { still: 'here' })).data).toEqual({ still: 'here' });
      await client.close();
    }
  });

  it.each([
    ['malformed JSON', '{"event": "attach",'],
    ['no JSON at all', 'attach, please'],
    ['an empty message', ''],
    ['a list', '[]'],
    ['null', 'null'],
    ['a number', '5'],
    ['no event', '{"data": {}}'],
    ['an event that is a number', '{"event": 5}'],
    ['JSON thousands of levels deep', '['.repeat(20_000)],
  ])('%s is answered with an error', async (_, text) => {
    client.ws.send(text);
    const { data } = await client.message('error');
    expect(data).toMatchObject({ status: 400, type: expect.any(String), title: expect.any(String) });
  });

  const socketId = 'con_000000000000000000000000';
  it.each<[string, string, unknown, number]>([
    ['an unknown event', 'dance', {}, 400],
    ['an event of the prototype', 'constructor', {}, 400],
    ['an attach without data', 'attach', undefined, 400],
    ['an attach with data of the wrong type', 'attach', 'con_1', 400],
    ['an attach with an id of the wrong type', 'attach', { socketId: 5 }, 400],
    ['an attach with an unknown field', 'attach', { socketId, colour: 'red' }, 400],
    ['an attach with a field of the prototype', 'attach', { socketId, toString: 'x' }, 400],
    ['an attach in an unknown mode', 'attach', { socketId, mode: 'steal' }, 400],
    ['an attach from before the beginning', 'attach', { socketId, from: -1 }, 400],
    ['an attach with a window of text', 'attach', { socketId, windowBytes: 'all' }, 400],
    ['an attach to an unknown socket', 'attach', { socketId, mode: 'consume' }, 404],
    ['an attach to an unknown listener', 'attach', { listenerId: 'lsn_0', mode: 'consume' }, 404],
    ['a send of the wrong type', 'send', { channel: 'one', data: 5 }, 400],
  ])('%s is answered with an error that repeats ref', async (_, event, data, status) => {
    const answer = await client.ask(event, data);
    expect(answer.event).toBe('error');
    expect(answer.data.status).toBe(status);
    expect(answer.data.type).toMatch(status === 404 ? /\/not-found$/ : /\/validation-failed$/);
  });

  it.each([
    ['ack', { channel: 4242, offset: 0 }],
    ['send', { channel: 4242, data: 'x', encoding: 'utf8' }],
    ['shutdown', { channel: 4242 }],
    ['close', { channel: 4242 }],
    ['detach', { channel: 4242 }],
  ])('%s on an unknown channel is answered with an error that names it', async (event, data) => {
    const answer = await client.ask(event, data);
    expect(answer).toMatchObject({ event: 'error', data: { channel: 4242 } });
    expect(answer.data.status).toBeGreaterThanOrEqual(400);
  });

  it.each<[string, unknown]>([
    ['beyond what was sent', 10 ** 9],
    ['below 0', -1],
    ['with a fraction', 0.5],
    ['of text', '7'],
    ['of nothing', null],
  ])('an acknowledgement %s is answered with an error, and commits nothing', async (_, offset) => {
    const listener = await service.listen();
    const peer = await dial(listener.port);
    const { id } = await service.connection(listener.id, peer.localPort);
    const { channel } = await client.attach({ socketId: id });
    client.say('ack', { channel, offset }, 'late');
    const { data, ref } = await client.message('error');
    expect(data.status).toBe(400);
    expect(ref).toBe('late');
    expect((await service.socket(id)).received.committedOffset).toBe(0);
  });

  it.each<[string, Buffer]>([
    ['an empty binary frame', Buffer.alloc(0)],
    ['a frame of 3 bytes', Buffer.from([1, 0, 0])],
    ['a frame a byte too short for its header', encode(1, Buffer.alloc(0)).subarray(0, 15)],
    ['a frame of an unknown type', encode(1, Buffer.from('x'), 9)],
    ['a frame of datagrams for a stream', encode(1, Buffer.from('x'), 2)],
  ])('%s is answered with an error', async (_, frame) => {
    await client.attach({ socketId: canary.id, mode: 'observe', from: 'live' });
    client.ws.send(frame);
    const { data } = await client.message('error');
    expect(data).toMatchObject({ status: 400, type: expect.any(String), title: expect.any(String) });
  });

  it('a frame for an unknown channel is answered with an error that names it', async () => {
    client.frame(77, Buffer.from('x'));
    expect((await client.message('error', 77)).data.status).toBeGreaterThanOrEqual(400);
  });

  it('a text frame that is not UTF-8 closes the WebSocket with 1007', async () => {
    client.ws.send(Buffer.from([0x22, 0xc3, 0x28, 0x22]), { binary: false });
    expect((await client.closing()).code).toBe(1007);
  });

  it.each([true, false])(
    'a frame over the size limit closes the WebSocket with 1009 (binary: %s)',
    async (binary) => {
      client.ws.send(Buffer.alloc(2 * MAX_BODY, 0x20), { binary });
      expect((await client.closing()).code).toBe(1009);
    },
  );
});

describe('on /v1/pipe', () => {
  async function pipe(): Promise<PipeClient> {
    const listener = await service.listen();
    return PipeClient.open(service, `host=127.0.0.1&port=${listener.port}`);
  }

  it('a text frame closes it with 1003', async () => {
    const client = await pipe();
    client.ws.send('text');
    expect((await client.closing()).code).toBe(1003);
  });

  it('a text frame that is not UTF-8 closes it with 1007 or 1003', async () => {
    const client = await pipe();
    client.ws.send(Buffer.from([0xc3, 0x28]), { binary: false });
    expect([1003, 1007]).toContain((await client.closing()).code);
  });

  it('a frame over the size limit closes it with 1009', async () => {
    const client = await pipe();
    client.ws.send(Buffer.alloc(2 * MAX_BODY));
    expect((await client.closing()).code).toBe(1009);
  });

  it.each([
    ['an unknown socket', 'socketId=con_000000000000000000000000', 4404, /not-found$/],
    ['nothing to attach to', '', 4400, /validation-failed$/],
    ['a port of 70000', 'host=127.0.0.1&port=70000', 4400, /validation-failed$/],
    ['a host without a port', 'host=127.0.0.1', 4400, /validation-failed$/],
    ['an unknown parameter', 'host=127.0.0.1&port=1&colour=red', 4400, /validation-failed$/],
    ['a parameter of the prototype', 'host=127.0.0.1&port=1&valueOf=1', 4400, /validation-failed$/],
    ['a parameter __proto__', 'host=127.0.0.1&port=1&__proto__=1', 4400, /validation-failed$/],
    ['a socket and a host', 'socketId=con_0&host=127.0.0.1&port=1', 4400, /validation-failed$/],
    ['a port nobody listens on', 'host=127.0.0.1&port=1', 4502, /connection-refused$/],
  ])('%s closes it with the status of the problem', async (_, query, code, reason) => {
    const client = await PipeClient.open(service, query);
    expect(await client.closing()).toEqual({ code, reason: expect.stringMatching(reason) });
  });
});
