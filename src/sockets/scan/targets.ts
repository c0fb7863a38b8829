import { isHostSyntax, resolveHost, type FamilyChoice, type ResolvedAddress } from '../connect/resolve.js';
import { endpointOf, isMapped, parseNetwork } from '../endpoint.js';
import { SocketError } from '../errors.js';
import { MAX_SCAN_ADDRESSES } from '../limits.js';
import { addressText } from '../native/sockaddr.js';
import { blocked, type Policy } from '../policy.js';

/** What is scanned: names and addresses, or all addresses of a network. */
export type Where = { hosts: readonly string[] } | { cidr: string };

/** One address to scan, and what the caller called it. */
export interface ScanTarget extends ResolvedAddress {
  host: string;
  /** The port of the service itself there, which is never a target; null: it is not there. */
  ownPort: number | null;
}

/**
 * The addresses, each judged by the policy for all ports, before the first packet. Of a name it is one:
 * the first that may be dialled, an IPv4 one before the others. Fails with EINVAL, ADDRESS_BLOCKED (the
 * first address that may not be dialled), and as the resolver does.
 */
export async function scanTargets(
  where: Where,
  family: FamilyChoice,
  ports: readonly number[],
  policy: Policy,
  timeoutMs: number,
): Promise<ScanTarget[]> {
  const judged = (host: string, found: ResolvedAddress[]): ScanTarget => judge(host, found, ports, policy);
  if ('cidr' in where) return addressesOf(where.cidr).map((one) => judged(one.address, [one]));
  const deadline = Date.now() + timeoutMs;
  const targets: ScanTarget[] = [];
  // One name after the other: the resolver's threads are few, and others want them too.
  for (const host of where.hosts) {
    if (!isHostSyntax(host)) throw wrong('hosts', `${host} is not a host name or address`);
    const found = await resolveHost(host, family, Math.max(1, deadline - Date.now()));
    targets.push(
      judged(
        host,
        found.sort((a, b) => (a.family < b.family ? -1 : 1)),
      ),
    );
  }
  return targets;
}

function judge(
  host: string,
  found: readonly ResolvedAddress[],
  ports: readonly number[],
  policy: Policy,
): ScanTarget {
  let refusal = { port: ports[0] ?? 0, rule: 'no-address' };
  for (const one of found) {
    const ownPort = policy.ownPortAt(one.address);
    // The service's own port is left out of many; asked for alone, it is refused.
    const port = ports.find((each) => each !== ownPort) ?? refusal.port;
    const decision = policy.mayConnect(one.address, port);
    if (decision.allowed) return { ...one, host, ownPort };
    refusal = { port, rule: decision.rule };
  }
  throw blocked('connect', host, refusal.port, refusal.rule);
}

/** Every address of a network, those that routers take for it and for all of its hosts included. */
function addressesOf(cidr: string): ResolvedAddress[] {
  const network = parseNetwork(cidr);
  if (network === null) throw wrong('cidr', 'is not a network like 192.168.0.0/28');
  const count = 2 ** (128 - network.prefix);
  if (count > MAX_SCAN_ADDRESSES)
    throw wrong('cidr', `has more than ${String(MAX_SCAN_ADDRESSES)} addresses`);
  const bytes = Buffer.from(network.bytes);
  // At most 2^16 addresses: what differs between them is in the last two bytes.
  const first = Math.floor(bytes.readUInt16BE(14) / count) * count;
  return Array.from({ length: count }, (_, index) => {
    bytes.writeUInt16BE(first + index, 14);
    const { address, family } = endpointOf(addressText(isMapped(bytes) ? bytes.subarray(12) : bytes), 0);
    return { address, family };
  });
}

function wrong(field: 'cidr' | 'hosts', detail: string): SocketError {
  return new SocketError('EINVAL', detail, { field });
}
