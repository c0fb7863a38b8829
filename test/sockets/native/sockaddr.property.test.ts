import fc from 'fast-check';
import { SocketAddress } from 'node:net';
import { decodeSockaddr, encodeSockaddr } from '../../../src/sockets/native/sockaddr.js';
import { bind, close, getsockname, socket } from '../../../src/sockets/native/syscalls.js';

const port = fc.integer({ min: 0, max: 65_535 });

test('an IPv4 end comes back from its sockaddr_in', () => {
  fc.assert(
    fc.property(fc.ipV4(), port, (address, port) => {
      const end = { address, port, family: 'ipv4' } as const;
      const bytes = encodeSockaddr(end);
      expect(decodeSockaddr(bytes, bytes.length)).toEqual(end);
    }),
  );
});

test('an IPv6 end comes back as Node spells it', () => {
  fc.assert(
    fc.property(fc.ipV6(), port, (address, port) => {
      const bytes = encodeSockaddr({ address, port, family: 'ipv6' });
      const shown = decodeSockaddr(bytes, bytes.length);
      const spelt = new SocketAddress({ address, family: 'ipv6' }).address;
      const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/.exec(spelt)?.[1];
      // inet_ntop(3) shows the last 32 bits of a compatible address dotted; the bytes are what counts.
      if (mapped !== undefined) expect(shown).toEqual({ address: mapped, port, family: 'ipv4' });
      else expect(encodeSockaddr(shown)).toEqual(encodeSockaddr({ address: spelt, port, family: 'ipv6' }));
    }),
  );
});

test('an IPv4 end on an IPv6 socket is mapped', () => {
  const bytes = encodeSockaddr({ address: '192.0.2.1', port: 80, family: 'ipv4' }, 'ipv6');
  expect(bytes.subarray(8, 24).toString('hex')).toBe('00000000000000000000ffffc0000201');
  expect(decodeSockaddr(bytes, bytes.length)).toEqual({ address: '192.0.2.1', port: 80, family: 'ipv4' });
});

test('an IPv6 end is none of an IPv4 socket, unless it is mapped', () => {
  const encode = (address: string) => encodeSockaddr({ address, port: 80, family: 'ipv6' }, 'ipv4');
  for (const address of ['fd00::192.0.2.1', '::192.0.2.1', '::ffff:0:192.0.2.1', '::1', 'fe80::1%lo'])
    expect(() => encode(address)).toThrow(expect.objectContaining({ code: 'EAFNOSUPPORT' }));
  const { address } = decodeSockaddr(encode('::ffff:192.0.2.1'), 16) as { address: string };
  expect(address).toBe('192.0.2.1');
});

test('a zone is the number of its interface, and comes back as its name', () => {
  const bytes = encodeSockaddr({ address: 'fe80::1%lo', port: 80, family: 'ipv6' });
  expect(bytes.readUInt32LE(24)).toBe(1);
  expect(decodeSockaddr(bytes, bytes.length)).toMatchObject({ address: 'fe80::1%lo' });
  expect(() => encodeSockaddr({ address: 'fe80::1%none0', port: 80, family: 'ipv6' })).toThrow('none0');
});

test('the kernel reads what was written, and says it back', () => {
  const fd = socket('ipv4', 'stream');
  bind(fd, { address: '127.0.0.3', port: 0, family: 'ipv4' });
  expect(getsockname(fd)).toMatchObject({ address: '127.0.0.3', family: 'ipv4' });
  close(fd);
});

test('what the kernel refuses has its errno, the call and the address', () => {
  const fd = socket('ipv4', 'stream');
  const elsewhere = { address: '192.0.2.1', port: 4000, family: 'ipv4' } as const;
  expect(() => bind(fd, elsewhere)).toThrow(
    expect.objectContaining({
      code: 'EADDRNOTAVAIL',
      errno: 99,
      message: 'bind EADDRNOTAVAIL 192.0.2.1:4000',
    }),
  );
  close(fd);
});
