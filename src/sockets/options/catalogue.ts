import { SocketError } from '../errors.js';
import { IPV4_LEVEL, IPV6_LEVEL } from './ip-level.js';
import type { SocketOption } from './option.js';
import { SOCKET_LEVEL } from './socket-level.js';
import { TCP_LEVEL } from './tcp-level.js';

/**
 * Every option there is. What is not here is left out for a reason: it would get around the policy
 * (SO_BINDTODEVICE, SO_MARK, IP_TRANSPARENT, IP_OPTIONS), say that a socket is connected when it is
 * not (TCP_FASTOPEN_CONNECT), fill an error queue that nobody empties (IP_RECVERR), or show only in
 * control messages, which are not handed out (SO_TIMESTAMP, SO_RXQ_OVFL, IP_RECVTTL).
 */
export const SOCKET_OPTIONS: readonly SocketOption[] = [
  ...SOCKET_LEVEL,
  ...TCP_LEVEL,
  ...IPV4_LEVEL,
  ...IPV6_LEVEL,
];

const BY_NAME = new Map(SOCKET_OPTIONS.map((option) => [option.name, option]));

/** Throws ENOPROTOOPT, as the kernel does for an option that it does not know. */
export function optionNamed(name: string, syscall: 'getsockopt' | 'setsockopt'): SocketOption {
  const option = BY_NAME.get(name);
  if (option !== undefined) return option;
  throw new SocketError('ENOPROTOOPT', `${syscall} ENOPROTOOPT: no option ${name.slice(0, 64)}`, { syscall });
}
