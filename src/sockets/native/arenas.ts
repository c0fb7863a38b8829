import { DatagramArena } from './datagram-arena.js';
import type { SocketFamily } from './syscalls.js';

/**
 * The longest datagram: of UDP 64 KiB; of a Unix socket what its sender's SO_SNDBUF holds, 208 KiB
 * unless it was raised.
 */
const INTERNET = { count: 32, bytes: 64 * 1024 };
const UNIX = { count: 8, bytes: 256 * 1024 };

let internet: DatagramArena | null = null;
let unix: DatagramArena | null = null;

/** The memory that all sockets of a kind receive into, made when the first one opens. */
export function arenaFor(family: SocketFamily): DatagramArena {
  if (family === 'unix') return (unix ??= new DatagramArena(UNIX.count, UNIX.bytes));
  return (internet ??= new DatagramArena(INTERNET.count, INTERNET.bytes));
}
