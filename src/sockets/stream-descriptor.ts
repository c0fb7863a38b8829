import type { InternetEndpoint } from './endpoint.js';
import {
  bind,
  close,
  IPPROTO_IPV6,
  IPV6_V6ONLY,
  setsockopt,
  SO_REUSEADDR,
  SO_REUSEPORT,
  socket,
  SOL_SOCKET,
} from './native/syscalls.js';

/** A stream socket before Node knows of it: the time for what must be set before bind and connect. */
export interface StreamDescriptorSettings {
  family: InternetEndpoint['family'];
  /** To bind; null: the kernel picks an end when the socket connects. */
  local: InternetEndpoint | null;
  ipv6Only?: boolean;
  reusePort?: boolean;
}

/**
 * socket(2) and bind(2). The descriptor is the caller's, to give to Node or to close; after an error
 * there is none. Fails with EADDRINUSE, EADDRNOTAVAIL, EACCES, EMFILE and the like.
 */
export function openStream(settings: StreamDescriptorSettings): number {
  const fd = socket(settings.family, 'stream');
  try {
    prepare(fd, settings);
    return fd;
  } catch (error) {
    close(fd);
    throw error;
  }
}

function prepare(fd: number, { family, local, ipv6Only, reusePort }: StreamDescriptorSettings): void {
  if (family === 'ipv6' && ipv6Only !== undefined)
    setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, ipv6Only ? 1 : 0);
  if (reusePort === true) setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, 1);
  // While the kernel looks for a free port, SO_REUSEADDR makes it search long among thousands: 1.8 ms a bind.
  if (local === null || local.port === 0) {
    if (local !== null) bind(fd, local);
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, 1);
  } else {
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, 1);
    bind(fd, local);
  }
}
