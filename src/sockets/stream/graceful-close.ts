import type { Socket } from 'node:net';
import { SocketError } from '../errors.js';
import { CLOSE_FLUSH_MS, CLOSE_LINGER_MS } from '../limits.js';
import type { Intake } from './intake.js';
import type { SendQueue } from './send-queue.js';

interface Halves {
  /** Where bytes are written: the connection, or TLS over it. */
  socket: Socket;
  intake: Intake;
  sends: SendQueue;
}

/**
 * Ends a connection in order: what is queued, then EOF. Resolves when the kernel has all of it, or when
 * the connection is `gone`. The descriptor is closed a moment later: when the peer has sent its EOF, too, or
 * has had the time to. A peer must not take what it got for all there was: `late` is to reset the connection
 * when the queue can't be emptied.
 */
export async function closeGracefully(
  { socket, intake, sends }: Halves,
  gone: Promise<void>,
  late: (reason: SocketError) => void,
): Promise<void> {
  // Unread bytes in the kernel would turn close(2) into a reset that can overtake what was sent:
  // they are read and dropped until the peer's EOF, for a moment.
  intake.drop();
  sends.end();
  const timer = setTimeout(() => {
    const detail = 'the peer did not take what was queued';
    late(new SocketError('ETIMEDOUT', detail, { syscall: 'send' }));
  }, CLOSE_FLUSH_MS);
  const finished = socket.writableFinished
    ? Promise.resolve()
    : new Promise<void>((resolve) => socket.once('finish', resolve));
  await Promise.race([finished, gone]);
  clearTimeout(timer);
  if (!socket.destroyed) setTimeout(() => socket.destroy(), CLOSE_LINGER_MS).unref();
}
