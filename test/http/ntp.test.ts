/** NTP against a server whose every byte the test decides. */
import { createSocket, type RemoteInfo, type Socket } from 'node:dgram';
import type { NtpDto } from '../../src/modules/time/ntp.dto.js';
import type { ProblemDto } from '../../src/modules/problems/problem.dto.js';
import { startApi, type Api } from '../support/api.js';
import { freeUdpPort } from '../support/free-port.js';
import { ntpAnswer, type NtpFields } from '../support/time-servers.js';

let api: Api;
const servers: Socket[] = [];
beforeAll(async () => (api = await startApi()));
afterEach(async () => {
  await Promise.all(servers.splice(0).map((server) => new Promise<void>((done) => server.close(done))));
});
afterAll(() => api.close());

type Answers = (question: Buffer, from: RemoteInfo, server: Socket) => Buffer[];

async function serve(answers: Answers): Promise<number> {
  const server = createSocket('udp4');
  servers.push(server);
  server.on('message', (question, from) => {
    for (const answer of answers(question, from, server)) server.send(answer, from.port, from.address);
  });
  await new Promise<void>((resolve) => server.bind(0, '127.0.0.1', resolve));
  return server.address().port;
}

const ask = <T = NtpDto>(port: number, query: Record<string, string | number | string[]> = {}) =>
  api.get<T>('/v1/time/ntp', { server: '127.0.0.1', port, timeoutMs: 5000, ...query });

const RANDOM = Buffer.from('00112233445566', 'hex');
const HOUR = 3_600_000;

it('tells how far the server is ahead, and all it says of itself', async () => {
  const port = await serve((question) => [ntpAnswer(question, { time: Date.now() + HOUR })]);
  const { status, body } = await ask(port, { samples: 3, intervalMs: 0 });
  expect(status).toBe(200);
  expect(Math.abs(body.offsetMs - HOUR)).toBeLessThan(100);
  expect(body).toMatchObject({
    server: '127.0.0.1',
    address: '127.0.0.1',
    port,
    stratum: 1,
    referenceId: 'GPS',
    referenceIdHex: '47505300',
    leap: 'none',
    version: 4,
    rootDelayMs: 500,
    rootDispersionMs: 0,
    pollSeconds: 64,
    lost: 0,
    ignored: 0,
  });
  expect(body.samples).toHaveLength(3);
  expect(body.delayMs).toBe(Math.min(...body.samples.map(({ delayMs }) => delayMs)));
  expect(body.rootDistanceMs).toBeGreaterThan(250);
  expect(Math.abs(Date.parse(body.serverTime) - Date.now() - HOUR)).toBeLessThan(20_000);
  expect(Date.parse(body.referenceTime!)).toBeLessThan(Date.parse(body.serverTime));
});

it('reads a time after the end of era 0 as what it is', async () => {
  const time = Date.parse('2036-02-08T00:00:00.500Z');
  const port = await serve((question) => [ntpAnswer(question, { time })]);
  const { body } = await ask(port);
  expect(body.serverTime).toBe('2036-02-08T00:00:00.500000Z');
  expect(Math.abs(body.offsetMs - (time - Date.now()))).toBeLessThan(1000);
});

it('asks in the version it is told to, and says nothing of its own clock', async () => {
  const questions: Buffer[] = [];
  const port = await serve((question) => {
    questions.push(question);
    return [ntpAnswer(question, { version: (question[0]! >> 3) & 7 })];
  });
  expect((await ask(port, { version: 3 })).body.version).toBe(3);
  expect((await ask(port)).body.version).toBe(4);
  const [first, second] = questions as [Buffer, Buffer];
  expect(first.subarray(0, 40).toString('hex')).toBe(`1b${'00'.repeat(39)}`);
  expect(first.subarray(40)).not.toEqual(second.subarray(40));
});

it('passes over what is no answer to its question, and takes the one that is', async () => {
  let before = Buffer.alloc(8);
  const port = await serve((question) => {
    const late = ntpAnswer(question, { origin: before, time: 0 });
    before = Buffer.from(question.subarray(40, 48));
    return [
      Buffer.alloc(0),
      RANDOM,
      ntpAnswer(question, { origin: Buffer.alloc(8), time: 0 }),
      ntpAnswer(question, { mode: 5, time: 0 }),
      question,
      late,
      ntpAnswer(question, { origin: Buffer.from('0123456789abcdef', 'hex'), stratum: 0 }),
      ntpAnswer(question),
    ];
  });
  const { body } = await ask(port, { samples: 2, intervalMs: 0 });
  expect(Math.abs(body.offsetMs)).toBeLessThan(1000);
  expect([body.ignored, body.samples.length]).toEqual([14, 2]);
});

it('does not listen to anybody else than the server', async () => {
  const stranger = createSocket('udp4');
  servers.push(stranger);
  await new Promise<void>((resolve) => stranger.bind(0, '127.0.0.1', resolve));
  const port = await serve((question, from, server) => {
    const wrong = ntpAnswer(question, { time: 0 });
    stranger.send(wrong, from.port, from.address, () =>
      server.send(ntpAnswer(question), from.port, from.address),
    );
    return [];
  });
  const { body } = await ask(port);
  expect([Math.abs(body.offsetMs) < 1000, body.ignored]).toEqual([true, 0]);
});

it.each<[string, NtpFields, string]>([
  ['stratum 16', { stratum: 16 }, 'not-synchronized'],
  ['a leap indicator of 3', { leap: 3 }, 'not-synchronized'],
  ['no time of sending', { transmit: Buffer.alloc(8) }, 'not-synchronized'],
  ['a reference clock that is too far away', { rootDispersionSeconds: 16 }, 'not-synchronized'],
  ['a kiss of death', { stratum: 0, referenceId: Buffer.from('DENY') }, 'kiss-of-death'],
])('an answer with %s is no time to go by', async (_, fields, type) => {
  const port = await serve((question) => [ntpAnswer(question, fields)]);
  const { status, body } = await ask<ProblemDto>(port);
  expect([status, body.type, body.port]).toEqual([502, `https://sockeye.dev/problems/${type}`, port]);
});

it('a kiss of death is told by its code, and ends the questions', async () => {
  let asked = 0;
  const port = await serve((question) => {
    asked += 1;
    return [ntpAnswer(question, { stratum: 0, referenceId: Buffer.from('RATE') })];
  });
  const { body } = await ask<ProblemDto>(port, { samples: 4, intervalMs: 0 });
  expect([body.kissCode, body.detail.includes('rate exceeded'), asked]).toEqual(['RATE', true, 1]);
});

it('a kiss of death after a good answer leaves that, and is told', async () => {
  let asked = 0;
  const kiss: NtpFields = { stratum: 0, referenceId: Buffer.from('RATE') };
  const port = await serve((question) => [ntpAnswer(question, ++asked === 1 ? {} : kiss)]);
  const { status, body } = await ask(port, { samples: 4, intervalMs: 0 });
  expect([status, body.samples.length, body.lost, asked]).toEqual([200, 1, 0, 2]);
  expect(body.endedBy).toMatchObject({ code: 'KISS_OF_DEATH', message: expect.stringContaining('RATE') });
});

it('asks nothing that there is no time to answer, and does not wait for it', async () => {
  let asked = 0;
  const port = await serve((question) => [ntpAnswer(question, ++asked === 1 ? {} : { stratum: 16 })]);
  const startedAt = Date.now();
  const { body } = await ask(port, { samples: 8, intervalMs: 10_000, timeoutMs: 10_000 });
  expect([body.samples.length, body.lost, asked, body.endedBy]).toEqual([1, 0, 1, null]);
  expect(Date.now() - startedAt).toBeLessThan(9000);
});

it('a question that stays without an answer is lost, the others count', async () => {
  let asked = 0;
  const port = await serve((question) => (++asked === 1 ? [] : [ntpAnswer(question)]));
  const { body } = await ask(port, { samples: 2, intervalMs: 0, timeoutMs: 400 });
  expect([body.lost, body.samples.length]).toEqual([1, 1]);
});

it('a server that says nothing: 504; a port without one: 502 with the errno', async () => {
  const silent = await serve(() => []);
  const late = await ask<ProblemDto>(silent, { timeoutMs: 50 });
  expect([late.status, late.body.code, late.body.port]).toEqual([504, 'ETIMEDOUT', silent]);
  const port = await freeUdpPort();
  const closed = await ask<ProblemDto>(port);
  expect([closed.status, closed.body.code, closed.body.errno]).toEqual([502, 'ECONNREFUSED', 111]);
  expect([closed.body.address, closed.body.port]).toEqual(['127.0.0.1', port]);
});

it('several servers: the surest is told, each stands in the list, and one that fails harms nobody', async () => {
  const port = await serve((question, { address }) => {
    const isSure = address === '127.0.0.1';
    return [ntpAnswer(question, { rootDispersionSeconds: isSure ? 1 : 2 })];
  });
  const { body } = await ask(port, { server: ['::1', '127.0.0.1'] });
  expect([body.server, body.servers.map(({ server }) => server)]).toEqual([
    '127.0.0.1',
    ['::1', '127.0.0.1'],
  ]);
  expect(body.servers[0]).toMatchObject({ reading: null, error: { code: 'ECONNREFUSED', errno: 111 } });
  expect(body.servers[1]).toMatchObject({ reading: { rootDispersionMs: 1000 }, error: null });
});

it('asks each server at its own port where it names one, and at `port` where it names none', async () => {
  const [first, second] = [
    await serve((question) => [ntpAnswer(question, { stratum: 1 })]),
    await serve((question) => [ntpAnswer(question, { stratum: 2 })]),
  ];
  const { body } = await ask(first, { server: [`127.0.0.1:${second}`, '127.0.0.1'] });
  expect(body.servers.map(({ server, port, reading }) => [server, port, reading?.stratum])).toEqual([
    ['127.0.0.1', second, 2],
    ['127.0.0.1', first, 1],
  ]);
});

it('takes an IPv6 address in brackets, with its port', async () => {
  const port = await freeUdpPort();
  const { status, body } = await api.get<ProblemDto>('/v1/time/ntp', { server: `[::1]:${port}` });
  expect([status, body.code, body.address, body.port]).toEqual([502, 'ECONNREFUSED', '::1', port]);
});

it('only where the policy lets a socket go, and nothing of the question stays among the sockets', async () => {
  const { status, body } = await ask<ProblemDto>(123, { server: '192.0.2.1' });
  expect([status, body.type]).toEqual([403, 'https://sockeye.dev/problems/blocked-by-policy']);
  await ask(await serve((question) => [ntpAnswer(question)]));
  for (const state of ['open', 'closed']) {
    const { body: list } = await api.get<{ items: unknown[] }>('/v1/sockets', { state });
    expect(list.items).toEqual([]);
  }
});

it.each([
  ['server=127.0.0.1;x', '/server'],
  ['server=', '/server'],
  ['server=127.0.0.1:0', '/server'],
  ['server=127.0.0.1:65536', '/server'],
  ['server=127.0.0.1:ntp', '/server'],
  ['server=[::1', '/server'],
  ['server=a&server=a', '/server'],
  ['', '/server'],
  [`server=a&${Array.from({ length: 8 }, (_, i) => `server=b${i}`).join('&')}`, '/server'],
  ['server=a&port=0', '/port'],
  ['server=a&port=65536', '/port'],
  ['server=a&version=5', '/version'],
  ['server=a&samples=0', '/samples'],
  ['server=a&timeoutMs=60001', '/timeoutMs'],
  ['server=a&stratum=1', '/stratum'],
])('%s is refused', async (query, pointer) => {
  const { status, body } = await api.get<ProblemDto>(`/v1/time/ntp?${query}`);
  expect([status, body.errors?.[0]?.pointer]).toEqual([400, pointer]);
});
