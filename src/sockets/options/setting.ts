import { SocketError } from '../errors.js';
import { setsockopt } from '../native/syscalls.js';
import { optionNamed } from './catalogue.js';
import type { SocketOption } from './option.js';

/** An option and the value it shall have, as the kernel takes it. */
export interface OptionSetting {
  readonly option: SocketOption;
  readonly bytes: Uint8Array;
  /** Where it stood in the input, for errors. */
  readonly field: string;
}

/**
 * Options by name with values as they stand in JSON; `under` is the field that holds them, '' for the
 * whole body. Throws ENOPROTOOPT for a name that is not known, OPTION_INVALID for a value of another
 * type: before anything is opened or set.
 */
export function optionSettings(values: Readonly<Record<string, unknown>>, under = ''): OptionSetting[] {
  return Object.entries(values).map(([name, value]) => {
    const option = optionNamed(name, 'setsockopt');
    const field = `${under}${name}`;
    const bytes = option.settable === 'never' ? Buffer.alloc(4) : option.type.encode(value);
    if (bytes !== null) return { option, bytes, field };
    throw new SocketError('OPTION_INVALID', `${name} must be ${option.type.expects}`, { field });
  });
}

/** setsockopt(2), one after the other. The first that the kernel refuses ends it, with its errno. */
export function setOptions(fd: number, settings: Iterable<OptionSetting>): void {
  for (const setting of settings) setOption(fd, setting);
}

export function setOption(fd: number, { option, bytes, field }: OptionSetting): void {
  try {
    setsockopt(fd, option.level.number, option.number, bytes);
  } catch (error) {
    if (!(error instanceof SocketError)) throw error;
    throw new SocketError(error.code, `${error.message}: ${option.name}`, { ...error.details, field });
  }
}

/**
 * What a TCP socket has unless the caller asks otherwise. A listener's connections inherit it, so
 * nobody has to set it again for each of them.
 */
export function tcpDefaults(keepAliveMs: number): OptionSetting[] {
  return optionSettings({
    TCP_NODELAY: true,
    SO_KEEPALIVE: true,
    TCP_KEEPIDLE: Math.max(1, Math.trunc(keepAliveMs / 1000)),
    TCP_KEEPINTVL: 1,
    TCP_KEEPCNT: 10,
  });
}
