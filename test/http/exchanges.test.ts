import { createSocket, type Socket as UdpSocket } from 'node:dgram';
import { once } from 'node:events';
import type { ExchangeDto } from '../../src/modules/exchanges/exchanges.dto.js';
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
