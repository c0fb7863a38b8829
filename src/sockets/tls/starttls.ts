import type { Socket } from 'node:net';
import { SocketError } from '../errors.js';
import type { Intake } from '../stream/intake.js';
import type { SendQueue } from '../stream/send-queue.js';
import type { Handshake, TlsSession } from './tls-handshake.js';

/**
 * From plain bytes to TLS: sends `before` as it is, then shakes hands, all of it within `timeoutMs`.
 * Not a byte that comes after the call is read as it is. After a failure `raw` is gone, or must go.
 */
export async function upgrade(
  { raw, intake, sends }: { raw: Socket; intake: Intake; sends: SendQueue },
  handshake: Handshake,
  before: Buffer,
  timeoutMs: number,
): Promise<TlsSession> {
  const deadline = Date.now() + timeoutMs;
  intake.suspend();
  try {
    await sends.pushWithin(before, timeoutMs);
    return await handshake(raw, deadline - Date.now());
  } catch (error) {
    throw SocketError.fromSystem(error, { syscall: 'handshake' });
  }
}

/** Fails with EISCONN, EALREADY or ENOTCONN when the connection cannot go over to TLS. */
export function refuseUpgrade(connection: {
  isOpen: boolean;
  isSecure: boolean;
  upgrading: boolean;
  queuedBytes: number;
}): void {
  const { isOpen, isSecure, upgrading, queuedBytes } = connection;
  if (!isOpen) throw refusal('starttls', 'ENOTCONN', 'the socket is not open');
  if (isSecure) throw refusal('starttls', 'EISCONN', 'the socket speaks TLS already');
  if (upgrading) throw refusal('starttls', 'EALREADY', 'a handshake is going on');
  if (queuedBytes > 0) throw refusal('starttls', 'EALREADY', 'bytes are waiting to be sent');
}

/** What cannot be done now, because of a handshake or for want of one. */
export function refusal(
  syscall: 'starttls' | 'send' | 'shutdown',
  code: 'EALREADY' | 'EISCONN' | 'ENOTCONN',
  detail: string,
): SocketError {
  return new SocketError(code, `${syscall} ${code}: ${detail}`, { syscall });
}
