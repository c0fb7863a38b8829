import {
  addressBytes,
  endpointOf,
  isMapped,
  splitZone,
  type Endpoint,
  type InternetEndpoint,
} from '../endpoint.js';
import { SocketError } from '../errors.js';
import { addressText } from '../native/sockaddr.js';
import type { SocketFamily } from '../native/syscalls.js';
import { blocked, type Policy } from '../policy.js';
import { resolveHost } from '../connect/resolve.js';
import type { Protocol } from '../socket.js';
import type { UnixFiles } from '../unix/unix-files.js';

/** Where one datagram goes: a numeric address or a name, and a port; or the file of a Unix socket. */
export type Destination = { host: string; port: number } | { path: string };

/** What decides where a datagram may go. */
export interface Ways {
  policy: Policy;
  unix: UnixFiles;
}

/** Where the datagrams of one socket may go. */
export class Destinations {
  constructor(
    private readonly family: SocketFamily,
    private readonly protocol: Protocol,
    private readonly ways: Ways,
  ) {}

  /** Resolved if need be. ADDRESS_BLOCKED, EAFNOSUPPORT, EISCONN, the resolver's errors. */
  find(to: Destination, timeoutMs: number): Endpoint | Promise<Endpoint> {
    if ('path' in to) return this.file(to.path);
    if (this.family === 'unix') throw this.otherFamily();
    this.refuseEcho();
    if (isNumeric(to.host)) return allowedDestination(to.host, to.port, this.family, this.ways.policy);
    return resolveDestination(to, this.family, this.ways.policy, timeoutMs);
  }

  /**
   * Who sent a datagram that came. EDESTADDRREQ when it has no address. An abstract name is nobody's to ask
   * for, but its owner can be answered: the kernel has told that it speaks.
   */
  ofSender(from: Endpoint | null): Endpoint {
    if (from === null || (from.family === 'unix' && from.path === ''))
      throw new SocketError('EDESTADDRREQ', 'the sender has no address', { syscall: 'sendto' });
    if (from.family !== 'unix')
      return allowedDestination(from.address, from.port, this.family, this.ways.policy);
    return from.path.startsWith('\0') ? from : this.file(from.path);
  }

  /** The address of a record: 4 or 16 bytes, or a path. */
  ofRecord(address: Buffer, port: number): Endpoint {
    if (this.family === 'unix') return this.file(address.toString());
    if (address.length !== 4 && address.length !== 16) throw this.otherFamily();
    this.refuseEcho();
    return allowedDestination(addressText(address), port, this.family, this.ways.policy);
  }

  private file(path: string): Endpoint {
    if (this.family !== 'unix') throw this.otherFamily();
    return this.ways.unix.endpoint(path, 'connect');
  }

  private refuseEcho(): void {
    if (this.protocol === 'icmp')
      throw new SocketError('EISCONN', 'sendto EISCONN: requests go to the peer', { syscall: 'sendto' });
  }

  private otherFamily(): SocketError {
    const detail = 'that is not an address of the family of this socket';
    return new SocketError('EAFNOSUPPORT', detail, { syscall: 'sendto' });
  }
}

/** A numeric end that the policy lets a socket of that family send to. ADDRESS_BLOCKED, EAFNOSUPPORT. */
function allowedDestination(
  address: string,
  port: number,
  family: SocketFamily,
  policy: Policy,
): InternetEndpoint {
  const decision = policy.mayConnect(splitZone(address).address, port);
  if (!decision.allowed) throw blocked('connect', address, port, decision.rule);
  const end = endpointOf(address, port);
  if (family === 'unix' || (family === 'ipv4' && end.family === 'ipv6'))
    throw new SocketError('EAFNOSUPPORT', `${address} is not an address of this socket's family`, {
      syscall: 'sendto',
      address,
    });
  return end;
}

/** A numeric address needs no resolver, and no promise: most datagrams go to one. */
export function isNumeric(host: string): boolean {
  return addressBytes(splitZone(host).address) !== null;
}

/** The first address of a name that the policy allows. Errors of the resolver, ADDRESS_BLOCKED. */
async function resolveDestination(
  { host, port }: { host: string; port: number },
  family: 'ipv4' | 'ipv6',
  policy: Policy,
  timeoutMs: number,
): Promise<InternetEndpoint> {
  // An IPv6 socket reaches IPv4 addresses too, in their mapped form.
  const found = await resolveHost(host, family === 'ipv4' ? 'ipv4' : 'any', timeoutMs);
  let rule = 'no-address';
  for (const { address } of found) {
    const decision = policy.mayConnect(address, port);
    if (decision.allowed) return endpointOf(address, port);
    rule = decision.rule;
  }
  throw blocked('connect', host, port, rule);
}

const MAX_IPV4_PAYLOAD = 65_507;
const MAX_IPV6_PAYLOAD = 65_527;

/** The longest payload of a UDP datagram to there: 65,535 without the headers, udp(7), RFC 8200. */
export function maxPayloadTo(end: InternetEndpoint): number {
  const bytes = addressBytes(splitZone(end.address).address);
  return bytes === null || isMapped(bytes) ? MAX_IPV4_PAYLOAD : MAX_IPV6_PAYLOAD;
}
