import type { DataSocket } from '../data-socket.js';
import { SocketError } from '../errors.js';
import { recvUrgent } from '../native/syscalls.js';
import { decode, type Encoding } from '../text/payload.js';
import { COPIED, PinnedBytes } from '../receive/pinned-bytes.js';
import type { ReadAnswer } from '../receive/read.js';

/**
 * send(2) with MSG_OOB, as sendall(2): the last byte is urgent. Fails as sendAll, and with EOPNOTSUPP
 * where there is no urgent data.
 */
export async function sendUrgent(socket: DataSocket, data: Buffer, timeoutMs: number): Promise<number> {
  requireUrgent(socket, 'send');
  return socket.sendAll(data, timeoutMs, true);
}

/**
 * recv(2) with MSG_OOB. The byte has no place in the stream: the offsets are where the reader stands.
 * No bytes when it is announced and not here yet; EINVAL when there is none, ENOTCONN, EOPNOTSUPP.
 */
export function receiveUrgent(socket: DataSocket, reader: string, encoding: Encoding | null): ReadAnswer {
  requireUrgent(socket, 'recv');
  const { fileno, log } = socket;
  if (fileno === null) throw new SocketError('ENOTCONN', 'the socket is closed', { syscall: 'recv' });
  const bytes = recvUrgent(fileno) ?? Buffer.alloc(0);
  const offset = log.nextOffsetOf(reader);
  const text = encoding === null ? null : decode(bytes, encoding, true);
  const pinned = new PinnedBytes([{ bytes, memory: COPIED }]);
  return { offset, nextOffset: offset, bytes: pinned, text, eof: false };
}

/** Datagrams have none, and between the records of TLS there is no place for a byte of ours. */
function requireUrgent({ protocol }: DataSocket, syscall: string): void {
  if (protocol === 'tcp' || protocol === 'unix') return;
  throw new SocketError('EOPNOTSUPP', `${syscall} EOPNOTSUPP: ${protocol} has no urgent data`, { syscall });
}
