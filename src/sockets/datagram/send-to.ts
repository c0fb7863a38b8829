import type { DataSocket } from '../data-socket.js';
import { DatagramSocket } from './datagram-socket.js';
import type { Destination } from './destination.js';
import { SocketError } from '../errors.js';
import { sendUrgent } from '../stream/urgent.js';

export interface SendRequest {
  /** Of a datagram: where to; null: the connected peer. */
  to: Destination | null;
  /** `all`: sendall(), waits for the kernel. `some`: send(), takes what fits now. */
  mode: 'all' | 'some';
  /** The last byte goes with MSG_OOB; `mode` is `all`. */
  urgent?: boolean;
  /** undefined: the socket's own. */
  timeoutMs?: number | undefined;
}

/** send(2) and sendto(2) on any socket; answers the bytes sent. EISCONN for a stream that is told where to. */
export async function sendTo(socket: DataSocket, data: Buffer, request: SendRequest): Promise<number> {
  const { to, mode, urgent = false, timeoutMs = socket.sendTimeoutMs } = request;
  if (urgent && (to === null || socket instanceof DatagramSocket)) return sendUrgent(socket, data, timeoutMs);
  if (to === null) return mode === 'some' ? socket.sendSome(data) : socket.sendAll(data, timeoutMs);
  if (!(socket instanceof DatagramSocket))
    throw new SocketError('EISCONN', 'sendto EISCONN: a stream has its peer', { syscall: 'sendto' });
  const end = await socket.destinations.find(to, timeoutMs);
  return mode === 'some' ? socket.sendSomeTo(data, end) : socket.sendAllTo(data, end, timeoutMs);
}
