import { SocketError, type SocketErrorCode } from '../errors.js';
import { LOOKUPS_AT_ONCE } from '../limits.js';
import { getaddrinfo, type AddressEntry, type AddressQuestion } from '../native/getaddrinfo.js';
import { ResolverGate, type Question } from './resolver-gate.js';

/** Errors of netdb.h, by their number without its sign. */
const CODE_OF_EAI: Readonly<Record<number, SocketErrorCode | undefined>> = {
  1: 'EAI_BADFLAGS',
  2: 'EAI_NONAME',
  3: 'EAI_AGAIN',
  4: 'EAI_FAIL',
  5: 'EAI_NODATA',
  6: 'EAI_FAMILY',
  7: 'EAI_SOCKTYPE',
  8: 'EAI_SERVICE',
  9: 'EAI_ADDRFAMILY',
  10: 'ENOMEM',
};

const lookups = new ResolverGate(LOOKUPS_AT_ONCE);

/**
 * getaddrinfo(3) as the C library answers it, in its order. C ends a text at a NUL: whoever calls has checked that
 * there is none. Fails with the EAI codes, ENOMEM, ETIMEDOUT and LIMIT_REACHED.
 */
export async function addressInfo(question: AddressQuestion, timeoutMs: number): Promise<AddressEntry[]> {
  const { host, service } = question;
  const what = { syscall: 'getaddrinfo', address: host ?? service ?? '' };
  const found = await lookups.ask(() => getaddrinfo(question), timeoutMs, what);
  if (typeof found === 'object') return found;
  throw lookupError(found, what);
}

/** An error of getaddrinfo and getnameinfo, gai_strerror(3). */
export function lookupError(eai: number, what: Question): SocketError {
  const code = CODE_OF_EAI[-eai] ?? 'EAI_FAIL';
  const field = code === 'EAI_BADFLAGS' ? 'flags' : undefined;
  return new SocketError(code, `${what.syscall} ${code} ${what.address}`, { ...what, field, errno: eai });
}
