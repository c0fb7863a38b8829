import type { LookupDto, ReverseDto } from '../../src/modules/dns/lookup.dto.js';
import { startApi, type Api } from '../support/api.js';

let api: Api;
beforeAll(async () => (api = await startApi()));
afterAll(() => api.close());

async function lookup(query: Record<string, string | number>): Promise<LookupDto> {
  const { status, body } = await api.get<LookupDto>('/v1/dns/lookup', query);
  expect([query, status]).toEqual([query, 200]);
  return body;
}

describe('lookup', () => {
  it('answers the 5-tuples of getaddrinfo, one for each type of socket', async () => {
    const { addresses, ...names } = await lookup({ host: 'localhost', service: '80', family: 'ipv4' });
    expect(names).toEqual({ host: 'localhost', asciiHost: 'localhost', canonicalName: 'localhost' });
    const here = { family: 'ipv4', address: '127.0.0.1', port: 80, flowInfo: null, scopeId: null };
    expect(addresses).toEqual([
      { ...here, type: 'stream', protocol: 'tcp' },
      { ...here, type: 'datagram', protocol: 'udp' },
      { ...here, type: 'raw', protocol: 'ip' },
    ]);
  });

  it('narrows by type and protocol', async () => {
    const stream = await lookup({ host: '127.0.0.1', type: 'stream' });
    expect(stream.addresses).toMatchObject([{ type: 'stream', protocol: 'tcp', port: 0 }]);
    const udp = await lookup({ host: '::1', service: '53', protocol: 'udp' });
    expect(udp.addresses).toMatchObject([
      { family: 'ipv6', type: 'datagram', address: '::1', port: 53, flowInfo: 0, scopeId: 0 },
    ]);
  });

  it('takes the flags of getaddrinfo', async () => {
    const passive = await lookup({ service: '7000', flags: 'AI_PASSIVE', family: 'ipv6', type: 'stream' });
    expect(passive).toMatchObject({ host: null, canonicalName: null, addresses: [{ address: '::' }] });
    const mapped = { host: '192.0.2.1', family: 'ipv6', flags: 'AI_V4MAPPED,AI_NUMERICHOST', type: 'raw' };
    expect((await lookup(mapped)).addresses).toMatchObject([{ family: 'ipv6', address: '::ffff:192.0.2.1' }]);
    expect((await lookup({ host: 'localhost', flags: '' })).canonicalName).toBeNull();
  });

  it('takes every spelling of an address, and a zone', async () => {
    expect((await lookup({ host: '0x7f.1', type: 'stream' })).addresses).toMatchObject([
      { address: '127.0.0.1' },
    ]);
    expect((await lookup({ host: 'fe80::1%lo', type: 'stream' })).addresses).toMatchObject([
      { address: 'fe80::1', scopeId: 1 },
    ]);
  });

  it('asks for A-labels where a name has other letters', async () => {
    const asked = { host: 'BÜCHER.invalid', flags: 'AI_NUMERICHOST' };
    const { detail } = await api.refused(api.get('/v1/dns/lookup', asked), 502, 'name-not-resolved');
    expect(detail).toBe('getaddrinfo EAI_NONAME xn--bcher-kva.invalid');
  });

  it.each([
    [{ host: 'no.such', flags: 'AI_NUMERICHOST' }, 502, 'name-not-resolved', 'EAI_NONAME', -2],
    [{ host: '127.0.0.1', family: 'ipv6' }, 502, 'name-not-resolved', 'EAI_ADDRFAMILY', -9],
    [{ host: '127.0.0.1', service: 'nope' }, 422, 'not-supported', 'EAI_SERVICE', -8],
    [{ host: '127.0.0.1', type: 'stream', protocol: 'udp' }, 422, 'not-supported', 'EAI_SOCKTYPE', -7],
    [{ service: '1', flags: 'AI_CANONNAME' }, 400, 'validation-failed', 'EAI_BADFLAGS', -1],
  ])('tells the code of the resolver: %j', async (query, status, type, code, errno) => {
    const said = await api.refused(api.get('/v1/dns/lookup', query), status, type);
    expect(said).toMatchObject({ code, errno, syscall: 'getaddrinfo' });
  });

  it.each([
    {},
    { host: '' },
    { host: 'a b' },
    { host: 'a..b' },
    { host: '-', flags: 'AI_NOPE' },
    { host: '127.0.0.1\0.allowed.example' },
    { host: `${'a'.repeat(64)}.example` },
    { host: `${'a.'.repeat(127)}b` },
    { host: 'a%00b' },
    { host: '::1%a\0b' },
    { host: 'localhost', service: 'a b' },
    { host: 'localhost', family: 'ipx' },
    { host: 'localhost', timeoutMs: 0 },
    { host: 'localhost', port: 80 },
  ])('refuses what cannot be asked: %j', async (query) => {
    await api.refused(api.get('/v1/dns/lookup', query), 400, 'validation-failed');
  });
});

describe('reverse', () => {
  it('answers the names of an address', async () => {
    const { status, body } = await api.get<ReverseDto>('/v1/dns/reverse', { address: '127.1' });
    expect(status).toBe(200);
    expect(body).toMatchObject({ address: '127.0.0.1', name: 'localhost', service: null });
    expect(body.addresses).toEqual(['127.0.0.1']);
  });

  it('with a port or flags is getnameinfo', async () => {
    const ask = async (query: Record<string, string | number>): Promise<ReverseDto> =>
      (await api.get<ReverseDto>('/v1/dns/reverse', query)).body;
    expect(await ask({ address: '127.0.0.1', port: 80 })).toMatchObject({
      name: 'localhost',
      service: 'http',
    });
    const digits = { address: '2001:db8::1', port: 53, flags: 'NI_NUMERICHOST,NI_DGRAM' };
    expect(await ask(digits)).toMatchObject({ name: '2001:db8::1', aliases: [], service: 'domain' });
    const named = { address: '::1', flags: 'NI_NUMERICHOST,NI_NAMEREQD' };
    await api.refused(api.get('/v1/dns/reverse', named), 502, 'name-not-resolved');
  });

  it.each([{}, { address: 'localhost' }, { address: '1.2.3.4', flags: 'AI_PASSIVE' }])(
    'refuses what is no address: %j',
    async (query) => {
      await api.refused(api.get('/v1/dns/reverse', query), 400, 'validation-failed');
    },
  );
});
