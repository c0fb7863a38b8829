import type { AddressFormsDto } from '../../src/modules/addresses/addresses.dto.js';
import type { NetworkDto } from '../../src/modules/addresses/networks.dto.js';
import { startApi, type Api } from '../support/api.js';

let api: Api;
beforeAll(async () => (api = await startApi()));
afterAll(() => api.close());

async function describeAddress(text: string): Promise<AddressFormsDto> {
  const { status, body } = await api.get<AddressFormsDto>(`/v1/addresses/${encodeURIComponent(text)}`);
  expect([text, status]).toEqual([text, 200]);
  return body;
}

describe('an address', () => {
  it('shows every form of it', async () => {
    expect(await describeAddress('151.101.76.223')).toEqual({
      address: '151.101.76.223',
      family: 'ipv4',
      zone: null,
      hex: '97654cdf',
      binary: '10010111011001010100110011011111',
      decimal: '2539998431',
      bytes: [151, 101, 76, 223],
      expanded: null,
      scope: 'global',
      multicastScope: null,
      special: null,
      reverseName: '223.76.101.151.in-addr.arpa',
      ipv6Mapped: '::ffff:151.101.76.223',
      embedded: null,
    });
  });

  it('is the same in every spelling that inet_aton takes', async () => {
    const spellings = [
      '127.0.0.1',
      '127.1',
      '127.0.1',
      '2130706433',
      '0x7f000001',
      '017700000001',
      '0x7f.1',
      '0177.1',
    ];
    for (const text of spellings)
      expect(await describeAddress(text)).toMatchObject({ address: '127.0.0.1', scope: 'loopback' });
  });

  it('of IPv6 is exact, with its expanded form and its zone', async () => {
    expect(await describeAddress('FE80:0:0:0:0:0:0:00A1%eth0')).toMatchObject({
      address: 'fe80::a1',
      zone: 'eth0',
      family: 'ipv6',
      decimal: '338288524927261089654018896841347694753',
      hex: 'fe8000000000000000000000000000a1',
      expanded: 'fe80:0000:0000:0000:0000:0000:0000:00a1',
      scope: 'link-local',
      reverseName: `1.a.${'0.'.repeat(26)}0.8.e.f.ip6.arpa`,
      ipv6Mapped: null,
    });
    expect((await describeAddress('2001:db8:0:0:1:0:0:1')).address).toBe('2001:db8::1:0:0:1');
  });

  it('names its scope and its entry in the registry', async () => {
    const scopes = {
      '0.0.0.0': 'unspecified',
      '0.1.2.3': 'special',
      '10.1.2.3': 'private',
      '100.64.0.1': 'shared',
      '169.254.1.1': 'link-local',
      '172.31.255.255': 'private',
      '172.32.0.0': 'global',
      '192.0.0.9': 'global',
      '192.0.2.1': 'documentation',
      '198.19.0.1': 'benchmarking',
      '240.0.0.1': 'reserved',
      '255.255.255.255': 'broadcast',
      '::': 'unspecified',
      '::1': 'loopback',
      '::ffff:10.0.0.1': 'private',
      '64:ff9b::1': 'global',
      '100::1': 'special',
      '2001:db8::1': 'documentation',
      '3fff::1': 'documentation',
      '2600::1': 'global',
      '4000::1': 'reserved',
      'fd00::1': 'private',
      'fec0::1': 'site-local',
    };
    for (const [text, scope] of Object.entries(scopes))
      expect([text, (await describeAddress(text)).scope]).toEqual([text, scope]);
    expect((await describeAddress('192.168.7.8')).special).toEqual({
      network: '192.168.0.0/16',
      name: 'Private-Use',
      reference: 'RFC 1918',
      globallyReachable: false,
    });
  });

  it('of a group names how far the group reaches', async () => {
    const groups = {
      '224.0.0.1': 'link-local',
      '224.0.1.1': 'global',
      '239.255.0.1': 'site-local',
      '239.192.0.1': 'organization-local',
      '239.1.1.1': 'admin-local',
      'ff01::1': 'interface-local',
      'ff02::1': 'link-local',
      'ff05::2': 'site-local',
      'ff08::1': 'organization-local',
      'ff0e::1': 'global',
      'ff06::1': 'unassigned',
      'ff00::1': 'reserved',
    };
    for (const [text, multicastScope] of Object.entries(groups))
      expect(await describeAddress(text)).toMatchObject({ scope: 'multicast', multicastScope });
  });

  it('shows the IPv4 address that it carries', async () => {
    const none = { server: null, port: null };
    const embedded = {
      '::ffff:192.0.2.45': { kind: 'ipv4-mapped', address: '192.0.2.45', ...none },
      '64:ff9b::c000:22d': { kind: 'nat64', address: '192.0.2.45', ...none },
      '2002:c000:22d::1': { kind: '6to4', address: '192.0.2.45', ...none },
      // The example of RFC 4380's description.
      '2001:0:4136:e378:8000:63bf:3fff:fdd2': {
        kind: 'teredo',
        address: '192.0.2.45',
        server: '65.54.227.120',
        port: 40_000,
      },
    };
    for (const [text, found] of Object.entries(embedded))
      expect((await describeAddress(text)).embedded).toEqual(found);
  });

  it('is refused with what is wrong', async () => {
    const wrong = {
      '1.2.3.256': '"256" is more than 255',
      '1.2.3.4.5': '5 parts',
      '1..2': 'a part is empty',
      '08.1': '"08" is not octal',
      localhost: '"localhost" is not a number',
      '4294967296': 'more than 4294967295',
      '1::2::3': '"::" can stand in it once',
      '1:2:3': '3 groups of 16 bits, not eight',
      '1:2:3:4:5:6:7:8:9': '9 groups',
      'fe80::12345': '"12345" is not one to four hexadecimal digits',
      '::1.2.3': '"1.2.3" is not four decimal numbers',
      'fe80::1%': 'zone',
      'fe80::1%a b': 'zone',
      ' 1.2.3.4': '" 1" is not a number',
      '1.2.3.4\0': '"4\0" is not a number',
      ['1'.repeat(65)]: 'longer than 64',
      '１２７.0.0.1': 'is not a number',
    };
    for (const [text, what] of Object.entries(wrong)) {
      const call = api.get(`/v1/addresses/${encodeURIComponent(text)}`);
      const problem = await api.refused(call, 400, 'validation-failed');
      expect(problem.errors).toEqual([
        { pointer: '/address', detail: expect.stringContaining(what) as string },
      ]);
    }
  });
});

describe('an address from its packed form', () => {
  async function convert(query: Record<string, string>): Promise<AddressFormsDto> {
    const { status, body } = await api.get<AddressFormsDto>('/v1/addresses', query);
    expect([query, status]).toEqual([query, 200]);
    return body;
  }

  it('is read from hexadecimal, binary and decimal digits', async () => {
    const shown = await describeAddress('151.101.76.223');
    expect(await convert({ hex: '97654cdf' })).toEqual(shown);
    expect(await convert({ hex: '0x97654CDF' })).toEqual(shown);
    expect(await convert({ binary: shown.binary })).toEqual(shown);
    expect(await convert({ decimal: '2539998431' })).toEqual(shown);
    const ipv6 = await describeAddress('2001:db8::ff00:42:8329');
    for (const form of ['hex', 'binary', 'decimal'] as const)
      expect(await convert({ [form]: ipv6[form] })).toEqual(ipv6);
  });

  it('of few digits is IPv4, unless the family says otherwise', async () => {
    expect((await convert({ decimal: '1' })).address).toBe('0.0.0.1');
    expect((await convert({ decimal: '1', family: 'ipv6' })).address).toBe('::1');
    expect((await convert({ decimal: '4294967296' })).address).toBe('::1:0:0');
  });

  it('is refused when it does not fit, and when there is not exactly one', async () => {
    const wrong: [Record<string, string>, string][] = [
      [{ hex: '7f0001' }, '/hex'],
      [{ hex: 'xyz' }, '/hex'],
      [{ hex: '7f000001', family: 'ipv6' }, '/hex'],
      [{ binary: '102' }, '/binary'],
      [{ decimal: '-1' }, '/decimal'],
      [{ decimal: '4294967296', family: 'ipv4' }, '/decimal'],
      [{ decimal: (2n ** 128n).toString() }, '/decimal'],
      [{ decimal: '1', family: 'ipx' }, '/family'],
      [{}, ''],
      [{ hex: '7f000001', decimal: '1' }, ''],
      [{ octal: '1' }, '/octal'],
    ];
    for (const [query, pointer] of wrong) {
      const problem = await api.refused(api.get('/v1/addresses', query), 400, 'validation-failed');
      expect([query, problem.errors?.[0]?.pointer]).toEqual([query, pointer]);
    }
  });
});

describe('a network', () => {
  async function network(query: Record<string, string | number>): Promise<NetworkDto> {
    const { status, body } = await api.get<NetworkDto>('/v1/addresses/networks', query);
    expect([query, status]).toEqual([query, 200]);
    return body;
  }

  it('shows its bounds and masks', async () => {
    expect(await network({ cidr: '192.0.2.77/24' })).toEqual({
      cidr: '192.0.2.0/24',
      family: 'ipv4',
      prefix: 24,
      first: '192.0.2.0',
      last: '192.0.2.255',
      broadcast: '192.0.2.255',
      size: '256',
      netmask: '255.255.255.0',
      wildcard: '0.0.0.255',
      contains: null,
      relation: null,
      subnets: null,
    });
    expect(await network({ cidr: '::/0' })).toMatchObject({ size: (2n ** 128n).toString(), broadcast: null });
    expect((await network({ cidr: '192.0.2.0/31' })).broadcast).toBeNull();
    expect(await network({ cidr: '192.0.2.1' })).toMatchObject({ prefix: 32, size: '1' });
  });

  it('says what is in it, and how it stands to another', async () => {
    const cidr = '10.0.0.0/8';
    expect((await network({ cidr, address: '10.255.255.255' })).contains).toBe(true);
    expect((await network({ cidr, address: '11.0.0.0' })).contains).toBe(false);
    expect((await network({ cidr, address: '::ffff:10.0.0.1' })).contains).toBe(false);
    const relations = {
      '10.0.0.0/8': 'equal',
      '10.1.0.0/16': 'contains',
      '0.0.0.0/0': 'within',
      '::/0': 'disjoint',
    };
    for (const [other, relation] of Object.entries(relations))
      expect((await network({ cidr, other })).relation).toBe(relation);
  });

  it('is split into pages of parts', async () => {
    const seen: string[] = [];
    let cursor: string | null = null;
    do {
      const query = { cidr: '192.0.2.0/24', newPrefix: 26, limit: 3, ...(cursor === null ? {} : { cursor }) };
      const { subnets }: NetworkDto = await network(query);
      expect(subnets).toMatchObject({ prefix: 26, count: '4' });
      seen.push(...subnets!.items);
      cursor = subnets!.nextCursor;
    } while (cursor !== null);
    expect(seen).toEqual(['192.0.2.0/26', '192.0.2.64/26', '192.0.2.128/26', '192.0.2.192/26']);
  });

  it('of 2^128 parts is paged from the last of them as from the first', async () => {
    const end = 2n ** 128n - 1n;
    const query = { cidr: '::/0', newPrefix: 128, cursor: `n${end.toString(16)}` };
    expect((await network(query)).subnets).toEqual({
      prefix: 128,
      count: (end + 1n).toString(),
      items: ['ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff/128'],
      nextCursor: null,
    });
  });

  it('is refused with what is wrong', async () => {
    const cidr = '192.0.2.0/24';
    const wrong: [Record<string, string | number>, string][] = [
      [{}, '/cidr'],
      [{ cidr: '192.0.2.0/33' }, '/cidr'],
      [{ cidr: '192.0.2.0/-1' }, '/cidr'],
      [{ cidr: '192.0.2.0/24/8' }, '/cidr'],
      [{ cidr: 'fe80::%eth0/64' }, '/cidr'],
      [{ cidr: '' }, '/cidr'],
      [{ cidr, address: 'x' }, '/address'],
      [{ cidr, other: '1.2.3.4/99' }, '/other'],
      [{ cidr, newPrefix: 23 }, '/newPrefix'],
      [{ cidr, newPrefix: 33 }, '/newPrefix'],
      [{ cidr, newPrefix: 26, cursor: 'n4' }, '/cursor'],
      [{ cidr, newPrefix: 26, cursor: 'x' }, '/cursor'],
      [{ cidr, newPrefix: 26, limit: 0 }, '/limit'],
    ];
    for (const [query, pointer] of wrong) {
      const problem = await api.refused(api.get('/v1/addresses/networks', query), 400, 'validation-failed');
      expect([query, problem.errors?.[0]?.pointer]).toEqual([query, pointer]);
    }
  });
});
