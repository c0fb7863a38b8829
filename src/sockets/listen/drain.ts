import { DataSocket } from '../data-socket.js';
import type { ManagedSocket, SocketEvent } from '../socket.js';
import { StreamListener } from './stream-listener.js';

export type OnEvent = (listener: (event: SocketEvent) => void) => () => void;

/** If it is a listener: closes what it has accepted, after giving it `drainMs` to end by itself. */
export async function closeConnections(
  socket: ManagedSocket,
  mode: 'graceful' | 'reset',
  drainMs: number,
  onEvent: OnEvent,
): Promise<void> {
  if (!(socket instanceof StreamListener)) return;
  const open = [...socket.connections].filter(isOpen);
  if (open.length === 0) return;
  if (drainMs > 0) await allClosed(open, drainMs, onEvent);
  await Promise.all(open.map((connection) => connection.close(mode, 'listener-closed')));
}

function isOpen(socket: ManagedSocket): socket is DataSocket {
  return socket instanceof DataSocket && !socket.isClosed;
}

/** Resolves when all of them are closed, each as soon as it has ended, or after `timeoutMs`. */
function allClosed(sockets: readonly DataSocket[], timeoutMs: number, onEvent: OnEvent): Promise<void> {
  const open = new Set<ManagedSocket>(sockets);
  for (const socket of sockets) socket.drain();
  return new Promise((resolve) => {
    const settle = (): void => {
      clearTimeout(timer);
      stop();
      resolve();
    };
    const timer = setTimeout(settle, timeoutMs);
    const stop = onEvent(({ name, socket }) => {
      if (name !== 'closed' && name !== 'failed') return;
      if (open.delete(socket) && open.size === 0) settle();
    });
  });
}
