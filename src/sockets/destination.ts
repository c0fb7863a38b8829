import { addressBytes, endpointOf, isMapped, splitZone, type InternetEndpoint } from './endpoint.js';
import { SocketError } from './errors.js';
import type { SocketFamily } from './native/syscalls.js';
import { blocked, type Policy } from './policy.js';
import { resolveHost } from './resolve.js';

/** Where one datagram goes: a numeric address or a name, and a port; or the file of a Unix socket. */
export type Destination = { host: string; port: number } | { path: string };

/** A numeric end that the policy lets a socket of that family send to. ADDRESS_BLOCKED, EAFNOSUPPORT. */
export function allowedDestination(
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
export async function resolveDestination(
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
