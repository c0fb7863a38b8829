import type { Endpoint } from '../endpoint.js';
import { SocketError } from '../errors.js';
import { DATAGRAM_RECEIVE_BUFFER_BYTES } from '../limits.js';
import {
  bind,
  close,
  connect,
  getsockopt,
  IPPROTO_IPV6,
  IPV6_V6ONLY,
  recv,
  setsockopt,
  socket,
  SOL_SOCKET,
  type SocketFamily,
} from '../native/syscalls.js';
import { setOptions, type OptionSetting } from '../options/setting.js';

const SO_REUSEADDR = 2;
const SO_ERROR = 4;
const SO_RCVBUF = 8;
const SO_TIMESTAMP = 29;
const SO_RCVBUFFORCE = 33;
const SO_RXQ_OVFL = 40;
/** socket(7) does not name it, sock_diag(7) does: nine counters, the last one of dropped datagrams. */
const SO_MEMINFO = 55;
const MEMINFO_BYTES = 36;
const MEMINFO_DROPS_AT = 32;
const MSG_ERRQUEUE = 0x2000;
const MAX_QUEUED_ERRORS = 64;

export interface DatagramDescriptorSettings {
  family: SocketFamily;
  /** To bind; null: the kernel picks an end when the socket sends. */
  local: Endpoint | null;
  /** The peer to connect to; null: none. */
  remote: Endpoint | null;
  ipv6Only?: boolean;
  options: readonly OptionSetting[];
}

/**
 * socket(2), bind(2), connect(2). The descriptor is the caller's to close; after an error there is none.
 * The kernel is asked for the time of each datagram, and for how many it had to drop.
 */
export function openDatagram(settings: DatagramDescriptorSettings): number {
  const fd = socket(settings.family, 'datagram');
  try {
    prepare(fd, settings);
    const { family, local, remote } = settings;
    if (local !== null) bind(fd, local, family);
    if (remote !== null) connect(fd, remote, family);
    return fd;
  } catch (error) {
    close(fd);
    throw error;
  }
}

function prepare(fd: number, { family, ipv6Only, options }: DatagramDescriptorSettings): void {
  if (family === 'ipv6' && ipv6Only !== undefined)
    setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, ipv6Only ? 1 : 0);
  observeArrivals(fd);
  setOptions(fd, options);
}

/** What every socket that receives datagrams is asked: room, times, drops. */
export function observeArrivals(fd: number): void {
  growReceiveBuffer(fd);
  stampArrivals(fd);
  setsockopt(fd, SOL_SOCKET, SO_RXQ_OVFL, 1);
}

/** The kernel says with each message when it came. */
export function stampArrivals(fd: number): void {
  setsockopt(fd, SOL_SOCKET, SO_TIMESTAMP, 1);
}

/** Past net.core.rmem_max only for who has CAP_NET_ADMIN; for others the kernel gives what it may. */
function growReceiveBuffer(fd: number): void {
  try {
    setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, DATAGRAM_RECEIVE_BUFFER_BYTES);
  } catch (error) {
    if (!(error instanceof SocketError) || error.code !== 'EPERM') throw error;
    setsockopt(fd, SOL_SOCKET, SO_RCVBUF, DATAGRAM_RECEIVE_BUFFER_BYTES);
  }
}

/**
 * While two UDP sockets have SO_REUSEADDR, both can be bound to one port; the later gets what comes,
 * socket(7). It need not have been set before the first was bound. Answers how to have it as before.
 */
export function sharePort(fd: number): () => void {
  const before = getsockopt(fd, SOL_SOCKET, SO_REUSEADDR);
  setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, 1);
  return () => setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, before);
}

/** How many datagrams the kernel has dropped on this socket so far, modulo 2^32. */
export function kernelDropsOf(fd: number): number {
  return getsockopt(fd, SOL_SOCKET, SO_MEMINFO, MEMINFO_BYTES).readUInt32LE(MEMINFO_DROPS_AT);
}

/** The error that waits on a socket, taken off it; null when there is none. */
export function takeError(fd: number): SocketError | null {
  const waiting = getsockopt(fd, SOL_SOCKET, SO_ERROR).readInt32LE(0);
  dropQueuedErrors(fd);
  return waiting === 0 ? null : SocketError.fromErrno(waiting, 'recv');
}

/** With IP_RECVERR errors also queue up, and the descriptor would never be quiet again. */
function dropQueuedErrors(fd: number): void {
  const nothing = Buffer.alloc(1);
  for (let i = 0; i < MAX_QUEUED_ERRORS; i += 1) {
    try {
      if (recv(fd, nothing, MSG_ERRQUEUE) === null) return;
    } catch {
      return;
    }
  }
}
