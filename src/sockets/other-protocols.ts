import { SocketError } from './errors.js';
import { close, socket, type SocketType } from './native/syscalls.js';

/** What a kernel may have and this service does not: socket(2) is asked all the same, for its own words. */
const OTHERS = {
  rdm: { type: 'rdm', number: 0 },
  raw: { type: 'raw', number: 255 },
  sctp: { type: 'stream', number: 132 },
  dccp: { type: 'dccp', number: 33 },
  mptcp: { type: 'stream', number: 262 },
} as const satisfies Record<string, { type: SocketType; number: number }>;

export const OTHER_PROTOCOLS = Object.keys(OTHERS);

/**
 * The refusal of a protocol that is not carried: ESOCKTNOSUPPORT, EPROTONOSUPPORT or EPERM where the
 * kernel refuses it, EOPNOTSUPP where only the service does.
 */
export function refusalOf(protocol: string): SocketError {
  const other = (OTHERS as Partial<Record<string, { type: SocketType; number: number }>>)[protocol];
  const unknown = `socket EPROTONOSUPPORT: ${protocol}`;
  if (other === undefined) return new SocketError('EPROTONOSUPPORT', unknown, { syscall: 'socket' });
  try {
    close(socket('ipv4', other.type, other.number));
  } catch (error) {
    return SocketError.fromSystem(error);
  }
  const message = `the kernel has ${protocol}, this service does not carry it`;
  return new SocketError('EOPNOTSUPP', message, { syscall: 'socket' });
}
