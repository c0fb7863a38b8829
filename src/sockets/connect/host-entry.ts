import type { InternetEndpoint } from '../endpoint.js';
import { SocketError, type SocketErrorCode } from '../errors.js';
import { gethostbyaddr, gethostbyname, getnameinfo, type HostEntry, type NameInfo } from '../native/hosts.js';
import { encodeSockaddr } from '../native/sockaddr.js';
import { lookupError } from './address-info.js';
import { ResolverGate, type Question } from './resolver-gate.js';
import { isHostSyntax } from './resolve.js';

/** One thread of Node's four: a resolver that hangs must leave some for files and for the names of clients. */
const threads = new ResolverGate(1);

/** By h_errno of netdb.h; the others are failures of the library itself. */
const CODE_OF_H_ERRNO = new Map<number, SocketErrorCode>([
  [1, 'EAI_NONAME'],
  [2, 'EAI_AGAIN'],
  [4, 'EAI_NONAME'],
]);

/**
 * gethostbyname(3): the canonical name, the aliases and the IPv4 addresses of a name, within `timeoutMs`.
 * Fails with EINVAL, EAI_NONAME, EAI_AGAIN, EAI_FAIL, ETIMEDOUT or LIMIT_REACHED.
 */
export async function hostEntry(name: string, timeoutMs: number): Promise<HostEntry> {
  const what = { syscall: 'gethostbyname', address: name };
  if (!isHostSyntax(name)) throw new SocketError('EINVAL', 'not a host name or address', what);
  return found(await threads.ask(() => gethostbyname(name), timeoutMs, what), what);
}

/** gethostbyaddr(3): the names of a numeric address. Fails as `hostEntry`. */
export async function reverseEntry(end: InternetEndpoint, timeoutMs: number): Promise<HostEntry> {
  const what = { syscall: 'gethostbyaddr', address: end.address };
  const sockaddr = encodeSockaddr(end);
  const packed = end.family === 'ipv4' ? sockaddr.subarray(4, 8) : sockaddr.subarray(8, 24);
  return found(await threads.ask(() => gethostbyaddr(packed), timeoutMs, what), what);
}

/** getnameinfo(3); `flags` in the numbers of netdb.h. Fails with the EAI codes, EINVAL, ETIMEDOUT and LIMIT_REACHED. */
export async function nameInfo(end: InternetEndpoint, flags: number, timeoutMs: number): Promise<NameInfo> {
  const what = { syscall: 'getnameinfo', address: end.address };
  const sockaddr = encodeSockaddr(end);
  const answer = await threads.ask(() => getnameinfo(sockaddr, flags), timeoutMs, what);
  if (typeof answer === 'object') return answer;
  throw lookupError(answer, what);
}

function found(answer: HostEntry | number, what: Question): HostEntry {
  if (typeof answer === 'object') return answer;
  const code = CODE_OF_H_ERRNO.get(answer) ?? 'EAI_FAIL';
  throw new SocketError(code, `${what.syscall} ${code} ${what.address}`, { ...what });
}
