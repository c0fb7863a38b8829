import fc from 'fast-check';
import { addressBytes, contains, endpointOf, parseNetwork } from '../../src/sockets/endpoint.js';

const hex = (address: string): string | undefined => {
  const bytes = addressBytes(address);
  return bytes === null ? undefined : Buffer.from(bytes).toString('hex');
};

describe('the bytes of an address', () => {
  test.each([
    ['127.0.0.1', '00000000000000000000ffff7f000001'],
    ['::', '00000000000000000000000000000000'],
    ['::1', '00000000000000000000000000000001'],
    ['fe80::1', 'fe800000000000000000000000000001'],
    ['2001:db8:0:1:2:3:4:5', '20010db8000000010002000300040005'],
    ['::ffff:127.0.0.1', '00000000000000000000ffff7f000001'],
    ['64:ff9b::10.0.0.1', '0064ff9b00000000000000000a000001'],
    ['1::', '00010000000000000000000000000000'],
  ])('%s', (address, expected) => {
    expect(hex(address)).toBe(expected);
  });

  test.each([
    '',
    'localhost',
    '127.1',
    '0x7f000001',
    '2130706433',
    '127.0.0.1\0',
    'fe80::1%eth0',
    '１２７.0.0.1',
    '1.2.3.4.5',
  ])('are not read from %j', (text) => {
    expect(addressBytes(text)).toBeNull();
  });

  test('do not depend on how an IPv6 address is spelled', () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 16, maxLength: 16 }), (raw) => {
        const groups = Array.from({ length: 8 }, (_, i) => ((raw[i * 2] ?? 0) << 8) | (raw[i * 2 + 1] ?? 0));
        const long = groups.map((group) => group.toString(16).padStart(4, '0')).join(':');
        const short = long
          .replace(/\b0{1,3}/g, '')
          .replace(/\b0(:0)+\b/, ':')
          .replace(/:{3,}/, '::');
        expect(hex(long)).toBe(Buffer.from(raw).toString('hex'));
        if (short.includes('::')) expect(hex(short)).toBe(Buffer.from(raw).toString('hex'));
      }),
    );
  });
});

test('a network contains what shares its prefix', () => {
  const bytes = (text: string): Uint8Array => addressBytes(text) ?? new Uint8Array(16);
  const network = parseNetwork('172.16.0.0/12');
  expect(network).not.toBeNull();
  if (network === null) return;
  expect(contains(network, bytes('172.31.255.255'))).toBe(true);
  expect(contains(network, bytes('172.32.0.0'))).toBe(false);
  expect(['10.0.0.0/33', '10.0.0.0/', 'x/8', '10.0.0.0/8/8', '::/129'].map(parseNetwork)).toEqual([
    null,
    null,
    null,
    null,
    null,
  ]);
});

test('a v4-mapped peer is shown as the IPv4 address it is', () => {
  expect(endpointOf('::ffff:192.0.2.1', 80)).toEqual({ address: '192.0.2.1', port: 80, family: 'ipv4' });
  expect(endpointOf('::1', 80)).toEqual({ address: '::1', port: 80, family: 'ipv6' });
});
