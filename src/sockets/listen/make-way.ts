import { sharePort } from '../datagram/datagram-descriptor.js';
import type { DatagramSocket } from '../datagram/datagram-socket.js';
import { SocketError } from '../errors.js';
import type { UnixFiles } from '../unix/unix-files.js';

/**
 * Lets the socket that `open` makes have the port or the file of `old`, which receives all the while: after
 * an error nothing has changed. Only if a stranger took the file meanwhile has it failed.
 */
export async function makeWay<T>(old: DatagramSocket, files: UnixFiles, open: () => Promise<T>): Promise<T> {
  const { localAddress: end, fileno } = old;
  if ('path' in end) return setFileAside(old, end.path, files, open);
  const unshare = fileno === null ? null : sharePort(fileno);
  try {
    return await open();
  } catch (error) {
    if (!old.isClosed) unshare?.();
    throw error;
  }
}

async function setFileAside<T>(
  old: DatagramSocket,
  path: string,
  files: UnixFiles,
  open: () => Promise<T>,
): Promise<T> {
  try {
    return await files.setAside(path, open, () => !old.isClosed);
  } catch (error) {
    if (!files.has(path)) await old.close('reset', SocketError.fromSystem(error));
    throw error;
  }
}
