import type { Endpoint } from '../endpoint.js';
import { SocketError } from '../errors.js';
import { errno, libc } from './libc.js';
import { AF, decodeSockaddr, encodeSockaddr, SOCKADDR_BYTES } from './sockaddr.js';

/** Types of sys/socket.h, and the flags that every descriptor here is made with. */
const SOCK = { stream: 1, datagram: 2, raw: 3, rdm: 4, seqpacket: 5, dccp: 6 } as const;
const SOCK_NONBLOCK = 0o4000;
const SOCK_CLOEXEC = 0o2000000;

/** Option levels and names that the engine itself sets; the catalogue of options has the rest. */
export const SOL_SOCKET = 1;
const SO_ERROR = 4;
export const IPPROTO_IPV6 = 41;
export const IPV6_V6ONLY = 26;

const MSG_NOSIGNAL = 0x4000;
const MSG_OOB = 1;
const EAGAIN = 11;
const EALREADY = 114;
const EINPROGRESS = 115;

export type SocketFamily = keyof typeof AF;
export type SocketType = keyof typeof SOCK;

function check(result: number, syscall: string, end: Endpoint | null = null): number {
  if (result < 0) throw SocketError.fromErrno(errno(), syscall, end);
  return result;
}

/** socket(2): a descriptor that does not block and is not inherited. Who calls it closes it. */
export function socket(family: SocketFamily, type: SocketType, protocol = 0): number {
  return check(libc.socket(AF[family], SOCK[type] | SOCK_NONBLOCK | SOCK_CLOEXEC, protocol), 'socket');
}

/** bind(2). `family` is the socket's, which may be IPv6 while the address is an IPv4 one. */
export function bind(fd: number, end: Endpoint, family: SocketFamily = end.family): void {
  const address = encodeSockaddr(end, family);
  check(libc.bind(fd, address, address.length), 'bind', end);
}

/** bind(2) of a Unix socket to an abstract name of the kernel's choice, unix(7). */
export function autobind(fd: number): void {
  check(libc.bind(fd, Uint8Array.of(AF.unix, 0), 2), 'bind');
}

/** connect(2): true when connected at once, false when it goes on in the background (EINPROGRESS). */
export function connect(fd: number, end: Endpoint, family: SocketFamily = end.family): boolean {
  const address = encodeSockaddr(end, family);
  const result = libc.connect(fd, address, address.length);
  if (result < 0 && errno() === EINPROGRESS) return false;
  check(result, 'connect', end);
  return true;
}

/**
 * connect(2) without an exception, for who does it by the thousand: how it stands right after the call.
 * 0: connected; null: it goes on in the background; else errno(3). `address` is an encoded sockaddr.
 */
export function startConnect(fd: number, address: Uint8Array): number | null {
  if (libc.connect(fd, address, address.length) === 0) return 0;
  if (errno() !== EINPROGRESS) return errno();
  // Asked again, connect(2) tells how it stands; a socket that was refused can be connected anew after that.
  if (libc.connect(fd, address, address.length) === 0) return 0;
  return errno() === EALREADY ? null : errno();
}

/** How a connect stands that goes on in the background, as `startConnect` says it. */
export function connectOutcome(fd: number): number | null {
  const waiting = takeErrno(fd);
  if (waiting !== 0) return waiting;
  return hasPeer(fd) ? 0 : null;
}

/** listen(2). */
export function listen(fd: number, backlog: number): void {
  check(libc.listen(fd, backlog), 'listen');
}

/** accept4(2): the descriptor of a connection; null when there is none now (EAGAIN). */
export function accept(fd: number): number | null {
  return taken(libc.accept4(fd, null, null, SOCK_NONBLOCK | SOCK_CLOEXEC), 'accept');
}

/** shutdown(2). */
export function shutdown(fd: number, how: 'read' | 'write' | 'both'): void {
  check(libc.shutdown(fd, { read: 0, write: 1, both: 2 }[how]), 'shutdown');
}

/** close(2), of a descriptor that Node does not know. Its errors concern nobody: it is closed. */
export function close(fd: number): void {
  libc.close(fd);
}

/** getsockname(2). */
export function getsockname(fd: number): Endpoint {
  check(nameOf('getsockname', fd), 'getsockname');
  return decodeSockaddr(NAME, NAME_SIZE.readUInt32LE(0));
}

/** getpeername(2). ENOTCONN when there is none. */
export function getpeername(fd: number): Endpoint {
  check(nameOf('getpeername', fd), 'getpeername');
  return decodeSockaddr(NAME, NAME_SIZE.readUInt32LE(0));
}

/** Whether getpeername(2) has an answer: there is a connection, or was one until its EOF. */
export function hasPeer(fd: number): boolean {
  return nameOf('getpeername', fd) === 0;
}

/** Into `NAME`: memory that C has seen once costs nothing the next time, and it is read before anybody asks again. */
function nameOf(what: 'getsockname' | 'getpeername', fd: number): number {
  NAME_SIZE.writeUInt32LE(SOCKADDR_BYTES);
  return libc[what](fd, NAME, NAME_SIZE);
}

const NAME = Buffer.alloc(SOCKADDR_BYTES);
const NAME_SIZE = Buffer.alloc(4);

/** getsockopt(2): what the kernel says, as it lies in memory; at most `maxBytes`. */
export function getsockopt(fd: number, level: number, name: number, maxBytes = 4): Buffer {
  const bytes = Buffer.alloc(maxBytes);
  const size = Buffer.alloc(4);
  size.writeUInt32LE(maxBytes);
  check(libc.getsockopt(fd, level, name, bytes, size), 'getsockopt');
  return bytes.subarray(0, size.readUInt32LE(0));
}

/** SO_ERROR: the errno(3) that waits to be told, taken away; 0 when there is none. */
function takeErrno(fd: number): number {
  INT_SIZE.writeUInt32LE(4);
  check(libc.getsockopt(fd, SOL_SOCKET, SO_ERROR, INT, INT_SIZE), 'getsockopt');
  return INT.readInt32LE(0);
}

const INT = Buffer.alloc(4);
const INT_SIZE = Buffer.alloc(4);

/** As an error; null when there is none. */
export function takeError(fd: number, syscall: string): SocketError | null {
  const waiting = takeErrno(fd);
  return waiting === 0 ? null : SocketError.fromErrno(waiting, syscall);
}

/** setsockopt(2). A number is passed as an int. */
export function setsockopt(fd: number, level: number, name: number, value: number | Uint8Array): void {
  const bytes = typeof value === 'number' ? intBytes(value) : value;
  check(libc.setsockopt(fd, level, name, bytes, bytes.length), 'setsockopt');
}

/** send(2): how many bytes the kernel took; null when it takes none now (EAGAIN). */
export function send(fd: number, bytes: Uint8Array, flags = 0): number | null {
  return taken(libc.send(fd, bytes, bytes.length, flags | MSG_NOSIGNAL), 'send');
}

/** sendto(2), as `send`. `address` is an encoded sockaddr. */
export function sendto(fd: number, bytes: Uint8Array, address: Uint8Array, flags = 0): number | null {
  const all = flags | MSG_NOSIGNAL;
  return taken(libc.sendto(fd, bytes, bytes.length, all, address, address.length), 'sendto');
}

/** recv(2): how many bytes came, 0 at the end; null when there is nothing now (EAGAIN). */
export function recv(fd: number, into: Uint8Array, flags = 0): number | null {
  return taken(libc.recv(fd, into, into.length, flags), 'recv');
}

/** send(2) with MSG_OOB: the last byte is urgent, tcp(7). Otherwise as `send`. */
export function sendUrgent(fd: number, bytes: Uint8Array): number | null {
  return send(fd, bytes, MSG_OOB);
}

/** recv(2) with MSG_OOB: the urgent byte; null when it is announced and not here yet, EINVAL when there is none. */
export function recvUrgent(fd: number): Buffer | null {
  const byte = Buffer.alloc(1);
  const count = recv(fd, byte, MSG_OOB);
  return count === null ? null : byte.subarray(0, count);
}

function taken(result: number, syscall: string): number | null {
  if (result < 0 && errno() === EAGAIN) return null;
  return check(result, syscall);
}

function intBytes(value: number): Uint8Array {
  const bytes = Buffer.alloc(4);
  bytes.writeInt32LE(value);
  return bytes;
}
