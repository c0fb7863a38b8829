import { getsockopt, SOL_SOCKET } from './syscalls.js';

const SO_PEERCRED = 17;
const UCRED_BYTES = 12;

/** Who is at the other end of a Unix socket: the process that called connect(2) or listen(2), by then. */
export interface PeerCredentials {
  pid: number;
  uid: number;
  gid: number;
}

/** SO_PEERCRED, unix(7). */
export function peerCredentials(fd: number): PeerCredentials {
  const ucred = getsockopt(fd, SOL_SOCKET, SO_PEERCRED, UCRED_BYTES);
  return { pid: ucred.readInt32LE(0), uid: ucred.readUInt32LE(4), gid: ucred.readUInt32LE(8) };
}
