import { readSync } from 'node:fs';
import net from 'node:net';
import { constants } from 'node:os';
import type { TLSSocket } from 'node:tls';
import { hasPeer } from '../native/syscalls.js';
import { takeOffLinger } from '../options/linger.js';
import { acknowledgedBytes } from '../options/tcp-info.js';

/**
 * The part of Node's stream handle that has no public door. `onread` (public) lets the caller give
 * the memory for each read, but only for sockets it constructs, and only right after a read: an
 * accepted or a connected socket has to be wrapped anew.
 */
interface StreamHandle {
  readonly fd: number;
  /** Of a TCP socket: close with RST. */
  reset?: unknown;
  useUserBuffer(memory: Uint8Array): void;
  /** Node's own note that it has asked for reads, and not stopped them since. */
  reading: boolean;
  readStart(): number;
  readStop(): number;
  /** All that was written, and what of it waits for the kernel; both to the byte. */
  readonly bytesWritten: number;
  readonly writeQueueSize: number;
}

/** What libuv answers to a second start. */
const UV_EALREADY = -constants.errno.EALREADY;

interface WithHandle {
  _handle: StreamHandle | null;
  /** The listener that counts this socket among its connections. */
  _server?: unknown;
  /** Of a TLS socket: the one it reads from and writes to. */
  _parent?: net.Socket;
}

export interface ReadSide {
  /** Memory for the next read; never empty. */
  memory: () => Buffer;
  /** `count` bytes were read into what `memory` gave last; false stops the reading. */
  filled: (count: number) => boolean;
}

/**
 * close(2) of a socket with a linger time waits in this thread until the peer has acknowledged, and
 * every other socket with it: whoever ends such a socket, the time is taken off before.
 */
class StreamSocket extends net.Socket {
  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    const fd = filenoOf(this);
    if (fd !== null) takeOffLinger(fd);
    super._destroy(error, done);
  }
}

/** A descriptor, connected or not yet, as a socket of Node that reads nothing by itself (`manualStart`). */
export function socketOver(fd: number): net.Socket {
  const options = { fd, manualStart: true, allowHalfOpen: true };
  return new StreamSocket(options);
}

/** Stands for a socket that is closed, where nothing of it is to be held any more. */
export const closedSocket = new net.Socket().destroy();

/**
 * Takes the open connection out of `socket` into a new one that reads through `side`, or, with null,
 * not by itself: TLS will. Call it in the
 * very tick of 'connection' or 'connect': nothing has been read yet then. Null when it is gone already.
 */
export function adopt(socket: net.Socket, side: ReadSide | null): net.Socket | null {
  const from = socket as unknown as WithHandle;
  const handle = from._handle;
  if (handle === null) return null;
  from._handle = null;
  const reading =
    side === null ? { manualStart: true } : { onread: { buffer: side.memory, callback: side.filled } };
  const options = { handle, allowHalfOpen: true, ...reading };
  const adopted = new StreamSocket(options);
  (adopted as unknown as WithHandle)._server = from._server;
  return adopted;
}

/**
 * Changes the memory of a read that has not come yet. Node keeps some 50 bytes a call until the
 * socket is closed, so this is for rare occasions, not for each read.
 */
export function readInto(socket: net.Socket, memory: Buffer): void {
  (socket as unknown as WithHandle)._handle?.useUserBuffer(memory);
}

/** The descriptor's number, as fileno() of the socket API; null once it is closed. */
export function filenoOf(socket: net.Socket | net.Server): number | null {
  const fd = (socket as unknown as WithHandle)._handle?.fd;
  return fd === undefined || fd < 0 ? null : fd;
}

/**
 * How many bytes the peer's kernel has taken, which may be gone without a word; without TCP, how many ours has,
 * to the byte: Node's own count has what waits in it.
 */
export function takenByPeer(socket: net.Socket): number {
  const fd = filenoOf(socket);
  const acknowledged = fd === null ? null : acknowledgedBytes(fd);
  if (acknowledged !== null) return acknowledged;
  const handle = (socket as unknown as WithHandle)._handle;
  return handle === null ? 0 : handle.bytesWritten - handle.writeQueueSize;
}

/** Whether the kernel still has a connection there; it has none after a reset or a failed keep-alive. */
export function isConnected(socket: net.Socket): boolean {
  const fd = filenoOf(socket);
  // Node's own property remembers its first answer.
  return fd !== null && hasPeer(fd);
}

/**
 * Closes at once, what is queued is lost: with RST, where the protocol has one. The peer of a Unix
 * socket is told ECONNRESET when it has sent something that was not read, and EOF otherwise.
 */
export function reset(socket: net.Socket): void {
  if ((socket as unknown as WithHandle)._handle?.reset === undefined) socket.destroy();
  else socket.resetAndDestroy();
}

/** The connection that a TLS socket was made over. */
export function underlying(secured: TLSSocket): net.Socket | null {
  return (secured as unknown as WithHandle)._parent ?? null;
}

/**
 * Whether the connection under a TLS socket can still bring something. libuv stops reading by itself
 * at its EOF; it also stops when Node asks it to, and then no EOF can come.
 */
export function isReadingOn(secured: TLSSocket): boolean {
  const raw = underlying(secured) as unknown as WithHandle | null;
  if ((secured as unknown as WithHandle)._handle?.reading === false) return true;
  if (raw?._handle?.readStart() === UV_EALREADY) return true;
  raw?._handle?.readStop();
  return false;
}

const oneByte = Buffer.alloc(1);

/**
 * Why reading ended. libuv takes a read that came up short, with a hang-up behind it, for EOF, and
 * never asks the kernel, which may have a reset to tell: one more read(2) does. null: it was EOF.
 */
export function readingEndedBy(socket: net.Socket): Error | null {
  const fd = filenoOf(socket);
  if (fd === null) return null;
  try {
    readSync(fd, oneByte, 0, 1, null);
    return null;
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    return code === 'EAGAIN' ? null : (error as Error);
  }
}
