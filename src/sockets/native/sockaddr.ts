import { addressBytes, endpointOf, isMapped, splitZone, type Endpoint } from '../endpoint.js';
import { SocketError } from '../errors.js';
import { libc } from './libc.js';

/** Address families of sys/socket.h. */
export const AF = { unix: 1, ipv4: 2, ipv6: 10 } as const;

/** sizeof(struct sockaddr_storage): any address fits. */
export const SOCKADDR_BYTES = 128;

const UNIX_PATH_AT = 2;
const IPV6_ADDRESS_AT = 8;
const IPV6_SCOPE_AT = 24;
const IF_NAMESIZE = 16;

/**
 * An end as the kernel takes it: sockaddr_in, ip(7); sockaddr_in6, ipv6(7); sockaddr_un, unix(7). On
 * an IPv6 socket an IPv4 address is given in its mapped form. EINVAL for an interface there is not,
 * EAFNOSUPPORT for an IPv6 address on an IPv4 socket: its last four bytes would be another address.
 */
export function encodeSockaddr(end: Endpoint, socketFamily: keyof typeof AF = end.family): Buffer {
  if (end.family === 'unix') {
    const path = Buffer.from(end.path);
    // A path ends in NUL; all bytes of an abstract name count.
    const bytes = Buffer.alloc(UNIX_PATH_AT + path.length + (path[0] === 0 ? 0 : 1));
    bytes.writeUInt16LE(AF.unix, 0);
    path.copy(bytes, UNIX_PATH_AT);
    return bytes;
  }
  const { address, zone } = splitZone(end.address);
  const sixteen = addressBytes(address);
  if (sixteen === null) throw new SocketError('EINVAL', `not an address: ${end.address}`, { field: 'host' });
  if (socketFamily === 'ipv4') {
    if (!isMapped(sixteen))
      throw new SocketError('EAFNOSUPPORT', `${end.address} is not an IPv4 address`, {
        address: end.address,
      });
    const bytes = Buffer.alloc(16);
    bytes.writeUInt16LE(AF.ipv4, 0);
    bytes.writeUInt16BE(end.port, 2);
    bytes.set(sixteen.subarray(12), 4);
    return bytes;
  }
  const bytes = Buffer.alloc(28);
  bytes.writeUInt16LE(AF.ipv6, 0);
  bytes.writeUInt16BE(end.port, 2);
  bytes.set(sixteen, IPV6_ADDRESS_AT);
  if (zone !== null) bytes.writeUInt32LE(interfaceIndex(zone), IPV6_SCOPE_AT);
  return bytes;
}

/** What the kernel wrote, `length` bytes of it. An unnamed Unix socket has the path ''. */
export function decodeSockaddr(bytes: Buffer, length: number): Endpoint {
  const family = length < 2 ? AF.unix : bytes.readUInt16LE(0);
  if (family === AF.ipv4) return endpointOf(bytes.subarray(4, 8).join('.'), bytes.readUInt16BE(2));
  if (family === AF.ipv6) {
    const scope = bytes.readUInt32LE(IPV6_SCOPE_AT);
    const address = addressText(bytes.subarray(IPV6_ADDRESS_AT, IPV6_ADDRESS_AT + 16));
    const text = address + (scope === 0 ? '' : `%${interfaceName(scope)}`);
    return endpointOf(text, bytes.readUInt16BE(2));
  }
  const path = bytes.subarray(UNIX_PATH_AT, Math.max(UNIX_PATH_AT, length));
  const end = path.indexOf(0, path[0] === 0 ? 1 : 0);
  return { family: 'unix', path: path.toString('utf8', 0, end < 0 ? path.length : end) };
}

/** The 4 or 16 bytes of an address as text. */
export function addressText(bytes: Buffer): string {
  if (bytes.length === 4) return bytes.join('.');
  return compressed(Array.from({ length: 8 }, (_, i) => bytes.readUInt16BE(i * 2)));
}

/** The index of an interface by its name or number; EINVAL when there is none. */
export function interfaceIndex(name: string): number {
  const index = /^\d{1,9}$/.test(name) ? Number(name) : libc.if_nametoindex(name);
  if (index > 0) return index;
  throw new SocketError('EINVAL', `no interface ${name}`, { syscall: 'if_nametoindex', address: name });
}

/** The name of an interface, or its index where it has none. */
export function interfaceName(index: number): string {
  const name = Buffer.alloc(IF_NAMESIZE);
  return libc.if_indextoname(index, name) === 0 ? String(index) : name.toString('utf8', 0, name.indexOf(0));
}

/** RFC 5952: lower case, the longest run of two or more zero groups as `::`. */
function compressed(groups: readonly number[]): string {
  let best = { at: -1, length: 1 };
  for (let at = 0; at < groups.length; at += 1) {
    let length = 0;
    while (groups[at + length] === 0) length += 1;
    if (length > best.length) best = { at, length };
  }
  const text = (part: readonly number[]): string => part.map((group) => group.toString(16)).join(':');
  if (best.at < 0) return text(groups);
  return `${text(groups.slice(0, best.at))}::${text(groups.slice(best.at + best.length))}`;
}
