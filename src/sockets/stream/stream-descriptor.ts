import type { Endpoint, InternetEndpoint } from '../endpoint.js';
import { bind, close, IPPROTO_IPV6, IPV6_V6ONLY, setsockopt, socket } from '../native/syscalls.js';
import { optionSettings, setOptions, type OptionSetting } from '../options/setting.js';

/** A stream socket before Node knows of it: the time for what must be set before bind and connect. */
export interface StreamDescriptorSettings {
  family: Endpoint['family'];
  /** To bind; null: the kernel picks an end when the socket connects. */
  local: InternetEndpoint | null;
  ipv6Only?: boolean;
  options: readonly OptionSetting[];
}

/**
 * socket(2) and bind(2). The descriptor is the caller's, to give to Node or to close; after an error
 * there is none. Fails with EADDRINUSE, EADDRNOTAVAIL, EACCES, EMFILE and the like, or with what the
 * kernel says of an option.
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

function prepare(fd: number, { family, local, ipv6Only, options }: StreamDescriptorSettings): void {
  if (family === 'ipv6' && ipv6Only !== undefined)
    setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, ipv6Only ? 1 : 0);
  setOptions(fd, options);
  if (family === 'unix') return; // a file is bound by who keeps the files
  const reuse = options.some(({ option }) => option.name === 'SO_REUSEADDR') ? [] : REUSE_ADDRESS;
  // While the kernel looks for a free port, SO_REUSEADDR makes it search long among thousands: 1.8 ms a bind.
  if (local !== null && local.port === 0) bind(fd, local);
  setOptions(fd, reuse);
  if (local !== null && local.port !== 0) bind(fd, local);
}

const REUSE_ADDRESS = optionSettings({ SO_REUSEADDR: true });
