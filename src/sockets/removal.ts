import { DataSocket } from './data-socket.js';
import { closeConnections, type OnEvent } from './listen/drain.js';
import { SocketError } from './errors.js';
import type { Registry } from './registry.js';
import type { ManagedSocket } from './socket.js';
import { StreamListener } from './listen/stream-listener.js';

/** What callers remove: each socket once, a listener with its connections. */
export class Removals {
  constructor(
    private readonly registry: Registry,
    private readonly onEvent: OnEvent,
  ) {}

  /** SOCKET_GONE for a second call. */
  async remove(socket: ManagedSocket, mode: 'graceful' | 'reset', drainMs: number): Promise<void> {
    if (socket.removal !== null)
      throw new SocketError('SOCKET_GONE', `socket ${socket.id} is closed and gone`);
    // A listener is found until the last of its connections has gone.
    socket.removal = 'leaving';
    const alreadyClosed = socket.isClosed;
    const closing = socket.close(mode, 'api');
    if (socket instanceof DataSocket) socket.discard();
    else await closeConnections(socket, mode, drainMs, this.onEvent);
    socket.removal = 'removed';
    if (alreadyClosed) this.registry.forget(socket);
    await closing;
  }

  /** Closes what was opened for one purpose, and keeps no record of it. */
  async forget(socket: DataSocket, mode: 'graceful' | 'reset'): Promise<void> {
    await socket.close(mode, 'api');
    if (socket.removal !== null) return;
    socket.removal = 'removed';
    this.registry.forget(socket);
  }

  /** Answers what it closed. */
  async removeAll(
    mode: 'graceful' | 'reset',
    matches: (socket: ManagedSocket) => boolean,
  ): Promise<ManagedSocket[]> {
    const isOpen = (socket: ManagedSocket): boolean => !socket.isClosed && socket.removal === null;
    const chosen = [...this.registry.all].filter((socket) => isOpen(socket) && matches(socket));
    const taken = chosen.flatMap((socket) =>
      socket instanceof StreamListener ? [...socket.connections].filter(isOpen) : [],
    );
    await Promise.all(chosen.map((socket) => this.remove(socket, mode, 0)));
    return [...new Set([...chosen, ...taken])];
  }
}
