import { connect, createServer, type AddressInfo, type Server } from 'node:net';
import { once } from 'node:events';
import type {
  ScanDto,
  ScanListDto,
  ScanReportDto,
  ScanResultDto,
} from '../../src/modules/scans/scans.dto.js';
import { startApi, type Api } from '../support/api.js';
import { closePeers, freePort, PeerServer } from './peer.js';

let api: Api;
beforeAll(async () => (api = await startApi({ SOCKEYE_EGRESS_DENY: '127.0.0.66' })));
afterEach(closePeers);
afterAll(() => api.close());

async function scan(body: object, by: Api = api): Promise<ScanDto> {
  const answer = await by.post<ScanDto>('/v1/scans', body);
  expect(answer.status).toBe(202);
  expect(answer.headers.location).toBe(`/v1/scans/${answer.body.id}`);
  return answer.body;
}

interface Told {
  results: (ScanResultDto & { id: number })[];
  end: ScanDto;
}

/** The stream of a scan, once it has begun. */
async function follow(
  id: string,
  query = '',
  headers: Record<string, string> = {},
  by: Api = api,
): Promise<Response> {
  const answer = await fetch(`${by.application.url}/v1/scans/${id}/events${query}`, { headers });
  expect([answer.status, answer.headers.get('content-type')]).toEqual([200, 'text/event-stream']);
  return answer;
}

/** Everything that the stream of a scan tells, to its end. */
async function told(...asked: Parameters<typeof follow>): Promise<Told> {
  return toldBy(await follow(...asked));
}

async function toldBy(answer: Response): Promise<Told> {
  const results: Told['results'] = [];
  for (const block of (await answer.text()).split('\n\n')) {
    const [, number, name, data] = /^id: (\d+)\nevent: (\w+)\ndata: (.*)$/.exec(block) ?? [];
    if (name === 'result') results.push({ id: Number(number), ...(JSON.parse(data!) as ScanResultDto) });
    if (name === 'end') return { results, end: JSON.parse(data!) as ScanDto };
  }
  throw new Error('the stream ended before the scan');
}

async function report(id: string, query: Record<string, string | number> = {}): Promise<ScanReportDto> {
  const { status, body } = await api.get<ScanReportDto>(`/v1/scans/${id}`, query);
  expect(status).toBe(200);
  return body;
}

/** A scan that goes on for a quarter of an hour. */
const SLOW = { host: '127.0.0.1', ports: '20000-20999', ratePerSecond: 1 };

describe('a scan', () => {
  it('tells open ports from closed ones, with errno and the name of the service', async () => {
    const [open, closed] = [(await PeerServer.open()).port, await freePort()];
    const { id, progress } = await scan({ host: 'localhost', ports: `${open},${closed}` });
    expect(progress.total).toBe(2);
    await told(id);
    const { results, ...rest } = await report(id);
    expect(rest).toMatchObject({
      state: 'done',
      addresses: 1,
      progress: { done: 2, total: 2 },
      counts: { open: 1, closed: 1, filtered: 0 },
      nextCursor: null,
    });
    const common = { host: 'localhost', address: '127.0.0.1', banner: null };
    expect(
      results.map(({ service: _, ...result }) => result).sort((a) => (a.state === 'open' ? -1 : 1)),
    ).toEqual([
      { ...common, port: open, state: 'open', errno: null, code: null },
      { ...common, port: closed, state: 'closed', errno: 111, code: 'ECONNREFUSED' },
    ]);
    const { id: other } = await scan({ host: '127.0.0.9', ports: '22,80' });
    const { results: named } = await told(other);
    expect(named.map(({ port, service }) => [port, service])).toEqual([
      [22, 'ssh'],
      [80, 'http'],
    ]);
  });

  it('resets what it has connected to', async () => {
    const server = await PeerServer.open();
    await scan({ host: '127.0.0.1', ports: `${server.port}` });
    const peer = await server.next();
    expect((await peer.rest()).ended).toBe('ECONNRESET');
  });

  it('waits for the first words of an open port when it is asked to', async () => {
    const server = await PeerServer.open();
    const silent = await PeerServer.open();
    const ports = [server.port, silent.port];
    const { id } = await scan({ host: '127.0.0.1', ports: ports.join(','), banner: true, timeoutMs: 300 });
    const peer = await server.next();
    peer.send('220 at your service\r\n');
    const { results } = await told(id);
    const banners = Object.fromEntries(results.map(({ port, banner, state }) => [port, [state, banner]]));
    expect(banners).toEqual({
      [server.port]: ['open', '220 at your service\r\n'],
      [silent.port]: ['open', null],
    });
  });

  it('goes through all addresses of a network, and several hosts, each by its own name', async () => {
    const port = await freePort();
    const { id } = await scan({ cidr: '127.0.0.8/30', ports: `${port}` });
    const { results } = await told(id);
    expect(results.map(({ host, address }) => [host, address])).toEqual(
      [8, 9, 10, 11].map((last) => [`127.0.0.${last}`, `127.0.0.${last}`]),
    );
    const { id: other } = await scan({ hosts: ['localhost', '::1'], ports: `${port}` });
    expect((await told(other)).results.map(({ host, address }) => [host, address])).toEqual([
      ['localhost', '127.0.0.1'],
      ['::1', '::1'],
    ]);
    const { id: six } = await scan({ cidr: '::/127', ports: `${port}` }).catch(() => ({ id: '' }));
    expect(six).toBe(''); // `::` may not be dialled
  });

  it('is read in pages, of one state or of all, and has a next one for as long as it runs', async () => {
    const server = await PeerServer.open();
    const from = Math.max(1024, Math.min(65_000, server.port - 50));
    const { id } = await scan({ host: '127.0.0.1', ports: `${from}-${from + 99}`, name: 'pages' });
    await told(id);
    const ports: number[] = [];
    let cursor: string | null = '';
    while (cursor !== null) {
      const page: ScanReportDto = await report('pages', { limit: 33, ...(cursor === '' ? {} : { cursor }) });
      expect(page.results.length).toBeLessThanOrEqual(33);
      ports.push(...page.results.map(({ port }) => port));
      cursor = page.nextCursor;
    }
    expect(ports).toEqual(Array.from({ length: 100 }, (_, index) => from + index));
    const open = await report(id, { state: 'open' });
    expect(open.results.map(({ port }) => port)).toContain(server.port);
    expect(open.results).toHaveLength(open.counts.open);
    const { id: slow } = await scan(SLOW);
    expect((await report(slow)).nextCursor).not.toBeNull();
    await api.delete(`/v1/scans/${slow}`);
  });

  it('is followed from the result that a caller had last', async () => {
    const port = await freePort();
    const { id } = await scan({ cidr: '127.0.0.16/28', ports: `${port}` });
    const all = await told(id);
    expect(all.results.map((result) => result.id)).toEqual(Array.from({ length: 16 }, (_, i) => i + 1));
    const rest = await told(id, '', { 'last-event-id': '10' });
    expect(rest.results).toEqual(all.results.slice(10));
    expect(rest.end).toEqual(all.end);
    expect((await told(id, '?state=open')).results).toEqual([]);
    const wrong = await fetch(`${api.application.url}/v1/scans/${id}/events`, {
      headers: { 'last-event-id': 'x' },
    });
    expect(wrong.status).toBe(400);
  });

  it('keeps to the rate that was asked for', async () => {
    const before = Date.now();
    const { id } = await scan({ cidr: '127.0.1.0/28', ports: '1,2', ratePerSecond: 100 });
    const { end } = await told(id);
    expect(end.progress.done).toBe(32);
    expect(Date.now() - before).toBeGreaterThan(250); // 31 steps of 10 ms, 50 ms of which a late timer may make up for
  });

  it('is cancelled by the first DELETE, which leaves what is known, and forgotten by the second', async () => {
    const { id, name } = await scan({ ...SLOW, name: 'slow' });
    expect(name).toBe('slow');
    const following = told(id);
    expect((await api.delete(`/v1/scans/${id}`)).status).toBe(204);
    expect((await following).end.state).toBe('cancelled');
    const { state, progress, finishedAt, results, nextCursor } = await report('slow');
    expect({ state, total: progress.total, nextCursor }).toEqual({
      state: 'cancelled',
      total: 1000,
      nextCursor: null,
    });
    expect(results).toHaveLength(progress.done);
    expect(progress.done).toBeLessThan(100);
    expect(finishedAt).not.toBeNull();
    expect((await api.delete(`/v1/scans/${id}`)).status).toBe(204);
    for (const path of [`/v1/scans/${id}`, '/v1/scans/slow']) {
      await api.refused(api.get(path), 410, 'gone');
      await api.refused(api.delete(path), 410, 'gone');
    }
    await api.refused(api.get('/v1/scans/scn_never'), 404, 'not-found');
  });

  it('stands in the list, the oldest first, in pages', async () => {
    const ids: string[] = [];
    for (let i = 0; i < 3; i += 1) ids.push((await scan({ host: '127.0.0.1', ports: '1' })).id);
    const listed: string[] = [];
    let cursor: string | null = '';
    while (cursor !== null) {
      const query: Record<string, string | number> = { limit: 2, ...(cursor === '' ? {} : { cursor }) };
      const { body } = await api.get<ScanListDto>('/v1/scans', query);
      listed.push(...body.items.map(({ id }) => id));
      cursor = body.nextCursor;
    }
    expect(listed.slice(-3)).toEqual(ids);
  });

  it('is not begun again by a request that is sent again with its key', async () => {
    const body = { host: '127.0.0.1', ports: '1' };
    const options = { headers: { 'idempotency-key': 'scan once' } };
    const first = await api.post<ScanDto>('/v1/scans', body, options);
    const again = await api.post<ScanDto>('/v1/scans', body, options);
    expect([again.status, again.body.id]).toEqual([202, first.body.id]);
  });
});

describe('what is refused', () => {
  it.each<[string, object]>([
    ['/ports', { host: '127.0.0.1', ports: '80-' }],
    ['/ports', { host: '127.0.0.1', ports: '' }],
    ['/ports', { host: '127.0.0.1' }],
    ['/ports', { cidr: '127.0.4.0/24', ports: '1-65535' }],
    ['/cidr', { cidr: '127.0.0.0/8', ports: '80' }],
    ['/cidr', { cidr: '127.0.0.0/33', ports: '80' }],
    ['/cidr', { cidr: 'localhost', ports: '80' }],
    ['/host', { ports: '80' }],
    ['/host', { host: '127.0.0.1', hosts: ['127.0.0.2'], ports: '80' }],
    ['/host', { host: '127.0.0.1', cidr: '127.0.0.2', ports: '80' }],
    ['/host', { hosts: [], ports: '80' }],
    ['/host', { host: '127.0.0.1\u0000', ports: '80' }],
    ['/hosts', { hosts: ['127.0.0.1', 'not a host'], ports: '80' }],
    ['/hosts', { hosts: ['127.0.0.1', 'a..b%x'], ports: '80' }],
    ['/concurrency', { host: '127.0.0.1', ports: '80', concurrency: 0 }],
    ['/timeoutMs', { host: '127.0.0.1', ports: '1-65535', concurrency: 1, timeoutMs: 10_000 }],
    ['/ratePerSecond', { cidr: '127.0.4.0/30', ports: '1-65535', ratePerSecond: 1 }],
    ['/name', { host: '127.0.0.1', ports: '80', name: 'scn_1' }],
    ['/protocol', { host: '127.0.0.1', ports: '80', protocol: 'udp' }],
  ])('400, with the pointer %s', async (pointer, body) => {
    const { errors } = await api.refused(api.post('/v1/scans', body), 400, 'validation-failed');
    expect(errors?.map((error) => error.pointer)).toContain(pointer);
  });

  it('403 before the first packet, when one of the addresses may not be dialled', async () => {
    const server: Server = createServer();
    let accepted = 0;
    server.on('connection', () => (accepted += 1));
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    for (const where of [{ hosts: ['127.0.0.1', '127.0.0.66'] }, { cidr: '127.0.0.64/30' }]) {
      const { rule, address } = await api.refused(
        api.post('/v1/scans', { ...where, ports: `${port}` }),
        403,
        'blocked-by-policy',
      );
      expect({ rule, address }).toEqual({ rule: 'egress-deny 127.0.0.66', address: '127.0.0.66' });
    }
    const own = connect(port, '127.0.0.1');
    await once(server, 'connection');
    expect(accepted).toBe(1);
    own.destroy();
    server.close();
  });

  it('the port of the service itself: alone 403, among others without a packet', async () => {
    const { port } = api.application;
    const alone = api.post('/v1/scans', { host: '127.0.0.1', ports: `${port}` });
    expect((await api.refused(alone, 403, 'blocked-by-policy')).rule).toBe('control-port');
    const [from, to] = [Math.max(1, port - 1), Math.min(65_535, port + 1)];
    const { id } = await scan({ host: '127.0.0.1', ports: `${from}-${to}` });
    const { results } = await told(id);
    expect(results.find((result) => result.port === port)).toMatchObject({
      state: 'filtered',
      errno: null,
      code: 'ADDRESS_BLOCKED',
    });
  });

  it('409 for the name of a scan that runs, 503 for one scan too many', async () => {
    const running = await Promise.all(
      [1, 2, 3, 4].map((number) => scan({ ...SLOW, name: `slow-${number}` })),
    );
    await api.refused(api.post('/v1/scans', SLOW), 503, 'resource-exhausted');
    await api.delete(`/v1/scans/${running[3]!.id}`);
    await api.refused(api.post('/v1/scans', { ...SLOW, name: 'slow-1' }), 409, 'conflict');
    const again = await scan({ ...SLOW, name: 'slow-4' });
    for (const { id } of [...running.slice(0, 3), again]) await api.delete(`/v1/scans/${id}`);
  });

  it('503 where there are not enough descriptors left, which a scan gives back at its end', async () => {
    const small = await startApi({ SOCKEYE_MAX_SOCKETS: '4' });
    try {
      const body = { host: '127.0.0.1', ports: '1-100', concurrency: 4 };
      await small.refused(small.post('/v1/scans', { ...body, concurrency: 5 }), 503, 'resource-exhausted');
      const { id } = await scan({ ...body, ratePerSecond: 1 }, small);
      await small.refused(small.post('/v1/listeners', { port: 0 }), 503, 'resource-exhausted');
      await small.delete(`/v1/scans/${id}`);
      const { id: next } = await scan(body, small);
      expect((await told(next, '', {}, small)).end.state).toBe('done');
      expect((await small.post('/v1/listeners', { port: 0 })).status).toBe(201);
    } finally {
      await small.close();
    }
  });
});

it('a scan that runs is cancelled when the service stops', async () => {
  const other = await startApi();
  const { id } = await scan(SLOW, other);
  const following = await follow(id, '', {}, other);
  await other.close();
  expect((await toldBy(following)).end.state).toBe('cancelled');
});
