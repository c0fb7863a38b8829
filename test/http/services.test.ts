import type { ProtocolListDto, ServiceListDto } from '../../src/modules/services/services.dto.js';
import { startApi, type Api } from '../support/api.js';

let api: Api;
beforeAll(async () => (api = await startApi()));
afterAll(() => api.close());

async function list<T>(path: string, query: Record<string, string | number>): Promise<T> {
  const { status, body } = await api.get<T>(path, query);
  expect([query, status]).toEqual([query, 200]);
  return body;
}

async function services(query: Record<string, string | number>): Promise<ServiceListDto['items']> {
  return (await list<ServiceListDto>('/v1/services', query)).items;
}

async function protocols(query: Record<string, string | number>): Promise<ProtocolListDto['items']> {
  return (await list<ProtocolListDto>('/v1/protocols', query)).items;
}

/** Which names and aliases there are is the host's; these hold for any table. */
describe('services', () => {
  it('are found by name, alias and port', async () => {
    expect(await services({ name: 'http', protocol: 'tcp' })).toMatchObject([{ name: 'http', port: 80 }]);
    expect(await services({ name: 'www', protocol: 'tcp' })).toMatchObject([{ name: 'http', port: 80 }]);
    expect(await services({ port: 22, protocol: 'tcp' })).toMatchObject([{ name: 'ssh', protocol: 'tcp' }]);
    expect(await services({ name: 'ssh', port: 22, protocol: 'tcp' })).toHaveLength(1);
  });

  it('are asked about in every protocol where none is named, TCP first', async () => {
    const found = await services({ name: 'domain' });
    expect(found.slice(0, 2)).toMatchObject([
      { port: 53, protocol: 'tcp' },
      { port: 53, protocol: 'udp' },
    ]);
  });

  it('that hosts do not list are those of IANA, all ports of the name', async () => {
    expect(await services({ port: 47808, protocol: 'sctp' })).toEqual([]);
    expect(await services({ name: 'http-alt', protocol: 'udp' })).toMatchObject(
      [591, 8008, 8080].map((port) => ({ name: 'http-alt', port, source: 'iana' })),
    );
    expect(await services({ name: 'ircu', port: 6667, protocol: 'tcp' })).toEqual([
      { name: 'ircu', port: 6667, protocol: 'tcp', aliases: [], source: 'iana' },
    ]);
  });

  it('that nobody knows are an empty list', async () => {
    for (const query of [
      { name: 'no-such-service' },
      { port: 0 },
      { name: 'http', port: 81 },
      { name: 'http', protocol: 'nope' },
    ])
      expect(await services(query)).toEqual([]);
  });

  it('are paged, each once, in the order of their ports', async () => {
    const seen: ServiceListDto['items'] = [];
    let cursor: string | null = null;
    do {
      const query: Record<string, string | number> = { limit: 1000, ...(cursor === null ? {} : { cursor }) };
      const page: ServiceListDto = await list('/v1/services', query);
      seen.push(...page.items);
      cursor = page.nextCursor;
    } while (cursor !== null);
    expect(seen.length).toBeGreaterThan(10_000);
    const ports = seen.map(({ port }) => port);
    expect(ports).toEqual([...ports].sort((a, b) => a - b));
    const keys = seen.map(({ name, port, protocol }) => `${name} ${port}/${protocol}`);
    expect(new Set(keys).size).toBe(keys.length);
    expect(await services({ protocol: 'dccp', limit: 1000 })).toEqual(
      seen.filter(({ protocol }) => protocol === 'dccp'),
    );
  });

  it('asked for many at a time answer each its own', async () => {
    const ports = [22, 53, 80, 110, 123, 143, 443, 631];
    const asked = Array.from({ length: 80 }, (_, i) => ports[i % ports.length]!);
    const answers = await Promise.all(asked.map((port) => services({ port })));
    for (const [i, found] of answers.entries()) {
      expect(found.length).toBeGreaterThan(0);
      expect(found.every(({ port }) => port === asked[i])).toBe(true);
    }
  });

  it('are refused by the field that is wrong', async () => {
    const wrong: [Record<string, string | number>, string][] = [
      [{ port: 65_536 }, '/port'],
      [{ port: -1 }, '/port'],
      [{ port: 'http' }, '/port'],
      [{ name: '' }, '/name'],
      [{ name: 'a b' }, '/name'],
      [{ name: 'http\0x' }, '/name'],
      [{ name: 'x'.repeat(65) }, '/name'],
      [{ protocol: '' }, '/protocol'],
      [{ cursor: 'zzz' }, '/cursor'],
      [{ colour: 'red' }, '/colour'],
    ];
    for (const [query, pointer] of wrong) {
      const problem = await api.refused(api.get('/v1/services', query), 400, 'validation-failed');
      expect([query, problem.errors?.[0]?.pointer]).toEqual([query, pointer]);
    }
  });
});

describe('protocols', () => {
  it('are found by name, alias and number', async () => {
    expect(await protocols({ name: 'tcp' })).toMatchObject([{ name: 'tcp', number: 6, aliases: ['TCP'] }]);
    expect(await protocols({ name: 'UDP' })).toMatchObject([{ name: 'udp', number: 17 }]);
    expect(await protocols({ number: 1 })).toMatchObject([{ name: 'icmp' }]);
    expect(await protocols({ number: 146 })).toMatchObject([{ name: 'homa', aliases: ['Homa'] }]);
  });

  it('that nobody knows are an empty list', async () => {
    expect(await protocols({ name: 'nope' })).toEqual([]);
    expect(await protocols({ number: 252 })).toEqual([]);
    expect(await protocols({ name: 'tcp', number: 17 })).toEqual([]);
  });

  it('are a list with pages', async () => {
    const page = await list<ProtocolListDto>('/v1/protocols', { limit: 10 });
    expect(page.items).toHaveLength(10);
    expect(page.items[0]?.number).toBe(0);
    const next = await list<ProtocolListDto>('/v1/protocols', { limit: 10, cursor: page.nextCursor! });
    expect(next.items[0]!.number).toBeGreaterThanOrEqual(page.items[9]!.number);
  });

  it('are refused by the field that is wrong', async () => {
    for (const [query, pointer] of [
      [{ number: 65_536 }, '/number'],
      [{ name: 'a b' }, '/name'],
    ] as const) {
      const problem = await api.refused(api.get('/v1/protocols', query), 400, 'validation-failed');
      expect(problem.errors?.[0]?.pointer).toBe(pointer);
    }
  });
});
