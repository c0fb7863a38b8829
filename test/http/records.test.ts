import { createSocket } from 'node:dgram';
import type { RecordsDto, ServerAnswerDto } from '../../src/modules/dns/answer.dto.js';
import type { ProblemDto } from '../../src/modules/problems/problem.dto.js';
import { startApi, type Api } from '../support/api.js';
import { answerTo, DnsServer, withRcode, type Asked } from '../support/dns-server.js';

let api: Api;
beforeAll(async () => (api = await startApi({ SOCKEYE_EGRESS_DENY: '127.0.0.66/32' })));
afterAll(() => api.close());

type Query = Record<string, string | number | boolean | string[]>;
const PATH = '/v1/dns/records';

let server: DnsServer | undefined;
afterEach(async () => {
  await server?.close();
  server = undefined;
});

async function serve(answer: (asked: Asked) => void): Promise<DnsServer> {
  return (server = await DnsServer.start(answer));
}

async function ask(query: Query = {}): Promise<ServerAnswerDto> {
  const all = { name: 'x.test', server: server!.at, timeoutMs: 5000, ...query };
  const { status, body } = await api.get<RecordsDto>(PATH, all);
  expect([status, body]).toEqual([200, expect.anything()]);
  return body.answers[0]!;
}

function refused(status: number, type: string, query: Query = {}): Promise<ProblemDto> {
  const all = { name: 'x.test', server: server?.at ?? '127.0.0.1', timeoutMs: 300, ...query };
  return api.refused(api.get(PATH, all), status, type);
}

const GOOD = { rcode: 'NOERROR', records: [{ name: 'x.test', type: 'A', ttl: 60, text: '192.0.2.1' }] };

describe('what is no answer is ignored', () => {
  const others: Record<string, (asked: Asked) => Buffer> = {
    'another id': (asked) => answerTo({ ...asked, id: asked.id ^ 1 }),
    'another name': (asked) => answerTo(asked, { questions: [{ type: 'A', name: 'y.test' }] }),
    'another type': (asked) => answerTo(asked, { questions: [{ type: 'AAAA', name: 'x.test' }] }),
    'two questions': (asked) => answerTo(asked, { questions: Array(2).fill(asked.query.questions![0]) }),
    'no question': (asked) => answerTo(asked, { questions: [] }),
    'the question itself': (asked) => asked.bytes,
    nothing: () => Buffer.alloc(0),
    'half a header': (asked) => answerTo(asked).subarray(0, 7),
    'half a record': (asked) => answerTo(asked).subarray(0, -3),
    'an address of five bytes': (asked) => {
      const message = Buffer.concat([answerTo(asked), Buffer.alloc(1)]);
      message.writeUInt16BE(5, message.length - 7);
      return message;
    },
    'a pointer to itself': (asked) => {
      const message = answerTo(asked);
      // The owner of the answer: after the header and the question.
      message.writeUInt16BE(0xc000 | (asked.bytes.indexOf(Buffer.from([0, 0, 1, 0, 1])) + 5), 24);
      return message;
    },
    'more records than there are': (asked) => {
      const message = answerTo(asked);
      message.writeUInt16BE(0xffff, 6);
      return message;
    },
  };

  it.each(Object.entries(others))('%s', async (_, other) => {
    await serve((asked) => {
      asked.reply(other(asked));
      asked.reply(answerTo(asked));
    });
    expect(await ask()).toMatchObject(GOOD);
    expect(server!.asked).toHaveLength(1);
  });

  it('and so is the right answer from another port, or too late', async () => {
    const stranger = createSocket('udp4');
    const late: (() => void)[] = [];
    await serve((asked) => {
      stranger.send(answerTo(asked), asked.port, '127.0.0.1');
      late.push(() => asked.reply(answerTo(asked)));
    });
    const said = await refused(504, 'timed-out', { attempts: 1 });
    expect(said).toMatchObject({ code: 'ETIMEDOUT', address: '127.0.0.1', port: server!.port });
    expect(said.detail).toMatch(/no answer$/);
    late.forEach((answer) => answer());
    stranger.close();
    expect((await api.get('/v1/time')).status).toBe(200);
  });

  it('the refusal says what was ignored', async () => {
    await serve((asked) => asked.reply(answerTo(asked, { questions: [{ type: 'A', name: 'y.test' }] })));
    const { detail } = await refused(504, 'timed-out', { attempts: 3 });
    expect(detail).toContain('ignored: 3 another question');
  });
});

describe('asking', () => {
  it('sends the same question again, in even steps, as often as it may', async () => {
    await serve((asked) => {
      if (server!.asked.length === 3) asked.reply(answerTo(asked));
    });
    expect(await ask({ timeoutMs: 600, attempts: 3 })).toMatchObject(GOOD);
    const [first, ...others] = server!.asked;
    expect(others.map(({ bytes }) => bytes.equals(first!.bytes))).toEqual([true, true]);
  });

  it('sets the bits that were asked for', async () => {
    await serve((asked) => asked.reply(answerTo(asked)));
    await ask();
    await ask({ recursion: false, checkingDisabled: true, dnssec: true });
    const bits = server!.asked.map(({ query }) => {
      const opt = query.additionals![0] as { udpPayloadSize: number; flag_do: boolean };
      return [query.flag_rd, query.flag_ad, query.flag_cd, opt.flag_do, opt.udpPayloadSize];
    });
    expect(bits).toEqual([
      [true, true, false, false, 1232],
      [false, true, true, true, 1232],
    ]);
    expect(server!.asked[0]!.id).not.toBe(server!.asked[1]!.id);
  });

  it('asks a server that knows no EDNS again without it', async () => {
    await serve((asked) => {
      const old = asked.query.additionals!.length > 0;
      const header = Buffer.alloc(12);
      asked.bytes.copy(header, 0, 0, 2);
      header[2] = 0x80;
      header[3] = 1;
      asked.reply(old ? header : answerTo(asked));
    });
    expect(await ask()).toMatchObject({ ...GOOD, edns: null });
    expect(server!.asked.map(({ query }) => query.additionals!.length)).toEqual([1, 0]);
  });

  it.each([
    [2, 'SERVFAIL'],
    [3, 'NXDOMAIN'],
    [4, 'NOTIMP'],
    [5, 'REFUSED'],
    [15, 'RCODE15'],
  ])('any rcode is an answer: %i is %s', async (rcode, name) => {
    await serve((asked) => asked.reply(withRcode(answerTo(asked, { answers: [] }), rcode)));
    expect(await ask()).toMatchObject({ rcode: name, noData: false, records: [] });
  });

  it('takes 300 addresses in one datagram, and goes to TCP for what was truncated', async () => {
    const answers = Array.from({ length: 300 }, (_, i) => ({
      ...{ type: 'A' as const, name: 'x.test', ttl: 1 },
      data: `10.0.${i >> 8}.${i & 255}`,
    }));
    await serve((asked) => {
      const flags = asked.over === 'udp' && asked.query.questions![0]!.name === 'cut.test' ? 0x200 : 0;
      asked.reply(answerTo(asked, { answers, flags }));
    });
    expect(await ask()).toMatchObject({ transport: 'udp' });
    expect((await ask()).records).toHaveLength(300);
    expect(await ask({ name: 'cut.test' })).toMatchObject({ transport: 'tcp', flags: { truncated: false } });
    expect(await ask({ name: 'cut.test', transport: 'udp' })).toMatchObject({ flags: { truncated: true } });
  });

  it('a connection that ends early, or carries something else first', async () => {
    await serve((asked) => {
      if (asked.query.questions![0]!.name === 'gone.test') return asked.hangUp();
      asked.reply(Buffer.alloc(3));
      asked.reply(answerTo({ ...asked, id: asked.id ^ 1 }));
      asked.reply(answerTo(asked));
    });
    expect(await ask({ transport: 'tcp' })).toMatchObject({ ...GOOD, transport: 'tcp' });
    await refused(502, 'connection-reset', { transport: 'tcp', name: 'gone.test' });
  });
});

describe('servers', () => {
  it('are judged by the policy, whatever goes there', async () => {
    for (const transport of ['udp', 'tcp', 'tls', 'https']) {
      const denied = await refused(403, 'blocked-by-policy', { server: '127.0.0.66', transport });
      expect(denied.rule).toBe('egress-deny 127.0.0.66/32');
      const { port } = new URL(api.application.url);
      const control = await refused(403, 'blocked-by-policy', { server: `127.0.0.1:${port}`, transport });
      expect(control.rule).toBe('control-port');
    }
    const metadata = await refused(403, 'blocked-by-policy', { server: '169.254.169.254' });
    expect(metadata.rule).toContain('metadata');
  });

  it('that are not there refuse', async () => {
    for (const transport of ['udp', 'tcp', 'tls', 'https'])
      expect(await refused(502, 'connection-refused', { server: '127.0.0.1:9', transport })).toMatchObject({
        code: 'ECONNREFUSED',
        errno: 111,
        port: 9,
      });
  });

  it('are named with or without a port', async () => {
    await serve((asked) => asked.reply(answerTo(asked)));
    const { port } = server!;
    expect(await ask({ server: '127.0.0.1', port })).toMatchObject({ server: '127.0.0.1', port });
    expect(await ask({ server: 'localhost', port })).toMatchObject({
      server: 'localhost',
      address: '127.0.0.1',
    });
    expect(await ask({ server: `[127.0.0.1]:${port}`, port: 9 })).toMatchObject({ port });
  });

  it('of several each has its entry', async () => {
    await serve((asked) => asked.reply(answerTo(asked)));
    const { body } = await api.get<RecordsDto>(PATH, {
      name: 'x.test',
      server: [server!.at, '127.0.0.66', '127.0.0.1:9'],
      timeoutMs: 2000,
    });
    expect(body.agree).toBeNull();
    expect(body.answers).toMatchObject([
      { ...GOOD, error: null },
      { server: '127.0.0.66', error: { code: 'ADDRESS_BLOCKED' }, rcode: null, records: [] },
      { port: 9, error: { code: 'ECONNREFUSED' } },
    ]);
  });
});

describe('is refused before anything is sent', () => {
  it.each([
    {},
    { name: '' },
    { name: 'a b' },
    { name: 'a..b' },
    { name: '.a' },
    { name: 'x\0.test' },
    { name: `${'a'.repeat(64)}.test` },
    { name: `${'a.'.repeat(127)}b` },
    { name: `${'ü'.repeat(60)}.test` },
    { name: 'x%2e' },
    { name: 'x', type: 'NOPE' },
    { name: 'x', type: 'TYPE0' },
    { name: 'x', type: 'TYPE65536' },
    { name: 'x', type: 'toString' },
    { name: 'x', server: '' },
    { name: 'x', server: 'a b' },
    { name: 'x', server: '127.0.0.1:0' },
    { name: 'x', server: '127.0.0.1:65536' },
    { name: 'x', server: '[::1' },
    { name: 'x', server: Array.from({ length: 9 }, (_, i) => `127.0.0.${i}`) },
    { name: 'x', transport: 'smoke' },
    { name: 'x', servername: 'y' },
    { name: 'x', transport: 'tls', path: '/dns-query' },
    { name: 'x', transport: 'tls', ca: 'not PEM' },
    { name: 'x', transport: 'https', path: 'no-slash' },
    { name: 'x', attempts: 0 },
    { name: 'x', timeoutMs: 0 },
    { name: 'x', timeoutMs: 100_000 },
    { name: 'x', clazz: 'CH' },
  ] as Query[])('%j', async (query) => {
    await api.refused(api.get(PATH, { server: '127.0.0.1:9', ...query }), 400, 'validation-failed');
  });

  it.each(['ANY', 'any', 'AXFR', 'TYPE255', 'OPT'])('%s, which is no type of records', async (type) => {
    const { detail } = await api.refused(api.get(PATH, { name: 'x.test', type }), 422, 'not-supported');
    expect(detail).toContain('RFC 8482');
  });
});
