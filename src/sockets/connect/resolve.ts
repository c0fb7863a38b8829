import { lookup } from 'node:dns/promises';
import { endpointOf, scopedAddressBytes, type Family } from '../endpoint.js';
import { SocketError, type SocketErrorCode } from '../errors.js';
import { gethostbyname, type HostEntry } from '../native/hosts.js';

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
  if (!isHostSyntax(host)) {
    throw new SocketError('EINVAL', 'not a host name or address', { syscall: 'getaddrinfo', address: host });
  }
  if (scopedAddressBytes(host) !== null) return [numeric(host, family)];
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

/** By h_errno of netdb.h; the others are failures of the library itself. */
const CODE_OF_H_ERRNO = new Map<number, SocketErrorCode>([
  [1, 'EAI_NONAME'],
  [2, 'EAI_AGAIN'],
  [4, 'EAI_NONAME'],
]);

/**
 * gethostbyname(3): the canonical name, the aliases and the IPv4 addresses of a name, within `timeoutMs`.
 * Fails with EINVAL, EAI_NONAME, EAI_AGAIN, EAI_FAIL or ETIMEDOUT.
 */
export async function hostEntry(name: string, timeoutMs: number): Promise<HostEntry> {
  const what = { syscall: 'gethostbyname', address: name };
  if (!isHostSyntax(name)) throw new SocketError('EINVAL', 'not a host name or address', what);
  const found = await withDeadline(gethostbyname(name), timeoutMs, what);
  if (typeof found === 'object') return found;
  const code = CODE_OF_H_ERRNO.get(found) ?? 'EAI_FAIL';
  throw new SocketError(code, `gethostbyname ${code} ${name}`, what);
}

interface Question {
  syscall: string;
  address: string;
}

/** The resolver cannot be told to stop: past the deadline its answer is ignored. */
async function withDeadline<T>(work: Promise<T>, timeoutMs: number, what: Question): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => {
      reject(new SocketError('ETIMEDOUT', `${what.syscall} ETIMEDOUT ${what.address}`, { ...what }));
    }, timeoutMs);
  });
  try {
    return await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
  }
}
