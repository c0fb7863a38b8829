import { DataSocket } from './data-socket.js';
import { closeConnections, type OnEvent } from './listen/drain.js';
import { SocketError } from './errors.js';
import type { Registry } from './registry.js';
import type { ManagedSocket } from './socket.js';
import { StreamListener } from './listen/stream-listener.js';

/** What callers remove: each socket once, a listener with its connections. */
export class Removals {
  /** Their bytes are gone, their record stays in lists for a while. */
  private readonly removed = new WeakSet<ManagedSocket>();
  /** Those, and listeners that are being removed: they are there until the last connection has gone. */
  private readonly leaving = new WeakSet<ManagedSocket>();

  constructor(
    private readonly registry: Registry,
    private readonly onEvent: OnEvent,
  ) {}

  /** Nobody finds it by its id any more. */
  isRemoved(socket: ManagedSocket): boolean {
    return this.removed.has(socket);
  }

  /** SOCKET_GONE for a second call. */
  async remove(socket: ManagedSocket, mode: 'graceful' | 'reset', drainMs: number): Promise<void> {
    if (this.leaving.has(socket))
      throw new SocketError('SOCKET_GONE', `socket ${socket.id} is closed and gone`);
    this.leaving.add(socket);
    const alreadyClosed = socket.isClosed;
    const closing = socket.close(mode, 'api');
    if (socket instanceof DataSocket) socket.discard();
    else await closeConnections(socket, mode, drainMs, this.onEvent);
    this.removed.add(socket);
    if (alreadyClosed) this.registry.forget(socket);
    await closing;
  }

  /** Closes what was opened for one purpose, and keeps no record of it. */
  async forget(socket: DataSocket, mode: 'graceful' | 'reset'): Promise<void> {
    await socket.close(mode, 'api');
    if (this.leaving.has(socket)) return;
    this.leaving.add(socket);
    this.removed.add(socket);
    this.registry.forget(socket);
  }

  /** Answers what it closed. */
  async removeAll(
    mode: 'graceful' | 'reset',
    matches: (socket: ManagedSocket) => boolean,
  ): Promise<ManagedSocket[]> {
    const isOpen = (socket: ManagedSocket): boolean => !socket.isClosed && !this.leaving.has(socket);
    const chosen = [...this.registry.all].filter((socket) => isOpen(socket) && matches(socket));
    const taken = chosen.flatMap((socket) =>
      socket instanceof StreamListener ? [...socket.connections].filter(isOpen) : [],
    );
    await Promise.all(chosen.map((socket) => this.remove(socket, mode, 0)));
    return [...new Set([...chosen, ...taken])];
  }
}
