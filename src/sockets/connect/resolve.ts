import { lookup } from 'node:dns/promises';
import { endpointOf, scopedAddressBytes, type Family } from '../endpoint.js';
import { SocketError } from '../errors.js';
import { withDeadline } from './resolver-gate.js';

export type FamilyChoice = 'any' | Family;

export interface ResolvedAddress {
  address: string;
  family: Family;
}

const FAMILY_NUMBER = { any: 0, ipv4: 4, ipv6: 6 } as const;
const MAX_NAME_LENGTH = 253;

/** What may be asked of the resolver: it cuts a name at a NUL, so the syntax is checked before. */
export function isHostSyntax(host: string): boolean {
  if (scopedAddressBytes(host) !== null) return true;
  return host.length <= MAX_NAME_LENGTH && /^[A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9.])?$/.test(host);
}

/**
 * All addresses of a name, once, by getaddrinfo(3), within `timeoutMs`. A numeric address is itself, a
 * mapped one the IPv4 address that it stands for.
 * Fails with EINVAL, EAI_NONAME, EAI_AGAIN, EAI_FAIL, EAFNOSUPPORT or ETIMEDOUT.
 */
export async function resolveHost(
  host: string,
  family: FamilyChoice,
  timeoutMs: number,
): Promise<ResolvedAddress[]> {
  if (scopedAddressBytes(host) !== null) return [numeric(host, family)];
  if (!isHostSyntax(host)) {
    throw new SocketError('EINVAL', 'not a host name or address', { syscall: 'getaddrinfo', address: host });
  }
  const found = await withDeadline(
    lookup(host, { all: true, family: FAMILY_NUMBER[family], order: 'verbatim' }).catch((error: unknown) => {
      throw SocketError.fromSystem(error, { syscall: 'getaddrinfo', address: host });
    }),
    timeoutMs,
    { syscall: 'getaddrinfo', address: host },
  );
  return found.map((entry) => {
    const { address, family } = endpointOf(entry.address, 0);
    return { address, family };
  });
}

function numeric(address: string, family: FamilyChoice): ResolvedAddress {
  const end = endpointOf(address, 0);
  if (family !== 'any' && family !== end.family) {
    throw new SocketError('EAFNOSUPPORT', `${address} is not an ${family} address`, {
      syscall: 'getaddrinfo',
      address,
    });
  }
  return { address: end.address, family: end.family };
}
