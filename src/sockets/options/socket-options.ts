import { SocketError } from '../errors.js';
import { getsockopt, setsockopt } from '../native/syscalls.js';
import type { ManagedSocket } from '../socket.js';
import { optionNamed, SOCKET_OPTIONS } from './catalogue.js';
import type { SocketOption } from './option.js';
import { setOption, type OptionSetting } from './setting.js';
import type { OptionValue } from './value-types.js';

/** An option of a socket, as the kernel has it now. */
export interface OptionReading {
  readonly option: SocketOption;
  readonly value: OptionValue;
}

/** getsockopt(2) by name. Throws ENOPROTOOPT, SOCKET_GONE, and what the kernel says. */
export function readOption(socket: ManagedSocket, name: string): OptionReading {
  const option = optionNamed(name, 'getsockopt');
  return reading(descriptorOf(socket, 'getsockopt'), option);
}

/** Every option that means something for the socket and that the kernel answers. */
export function readOptions(socket: ManagedSocket): OptionReading[] {
  const fd = descriptorOf(socket, 'getsockopt');
  return SOCKET_OPTIONS.flatMap((option) => {
    // To ask for SO_ERROR takes the error away from whoever reads from the socket next.
    if (option.name === 'SO_ERROR' || !option.protocols.includes(socket.protocol)) return [];
    try {
      return [reading(fd, option)];
    } catch (error) {
      // IPV6_V6ONLY of an IPv4 socket, IP_MTU of one that is not connected.
      if (error instanceof SocketError) return [];
      throw error;
    }
  });
}

/**
 * setsockopt(2), one after the other: all of them, or none. When the kernel refuses one, those before
 * it get back what they had, and its error is thrown. Answers what the kernel has made of them.
 */
export function changeOptions(socket: ManagedSocket, settings: readonly OptionSetting[]): OptionReading[] {
  const fd = descriptorOf(socket, 'setsockopt');
  const undo: (() => void)[] = [];
  for (const setting of settings) {
    const restore = restorer(fd, setting.option);
    try {
      setOption(fd, setting);
    } catch (error) {
      for (const step of undo.reverse()) attempt(step);
      throw error;
    }
    undo.push(restore);
  }
  return settings.map(({ option }) => reading(fd, option));
}

/** What can't be set back stays: the error that made us try is what counts. */
function attempt(step: () => void): void {
  try {
    step();
  } catch (error) {
    if (!(error instanceof SocketError)) throw error;
  }
}

function reading(fd: number, option: SocketOption): OptionReading {
  return { option, value: option.type.decode(valueBytes(fd, option)) };
}

function valueBytes(fd: number, option: SocketOption): Buffer {
  return getsockopt(fd, option.level.number, option.number, option.type.bytes);
}

const SO_BUF_LOCK = 72;
const TCP_MSS_DEFAULT = 536;

/** What sets the option back to what it is now. */
function restorer(fd: number, { level, number, name, type }: SocketOption): () => void {
  const set = (bytes: Buffer, what = number): void => {
    setsockopt(fd, level.number, what, bytes);
  };
  let before: Buffer;
  try {
    before = getsockopt(fd, level.number, number, type.bytes);
  } catch {
    return () => undefined; // what can't be read can't be set either: the kernel will say so
  }
  if (name === 'SO_SNDBUF' || name === 'SO_RCVBUF') {
    // The kernel doubles what it is given, and adapts no size that was set: both are taken back.
    const locks = bufferLocks(fd, level.number);
    before.writeInt32LE(before.readInt32LE(0) / 2);
    return () => {
      set(before);
      if (locks !== null) set(locks, SO_BUF_LOCK);
    };
  }
  // Shown for a socket that has no bound of its own; setting it would make it one.
  if (name === 'TCP_MAXSEG' && before.readInt32LE(0) === TCP_MSS_DEFAULT) before.writeInt32LE(0);
  return () => set(before);
}

/** Which buffers have a size that was set; null: the kernel is older than 5.14 and does not say. */
function bufferLocks(fd: number, level: number): Buffer | null {
  try {
    return getsockopt(fd, level, SO_BUF_LOCK);
  } catch {
    return null;
  }
}

function descriptorOf(socket: ManagedSocket, syscall: string): number {
  const fd = socket.fileno;
  if (fd !== null) return fd;
  if (socket.isClosed) throw new SocketError('SOCKET_GONE', `socket ${socket.id} is closed`, { syscall });
  throw new SocketError('ENOTCONN', `${syscall} ENOTCONN: the socket is being connected`, { syscall });
}
