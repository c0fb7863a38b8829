import { SocketError } from './errors.js';
import { Forgotten } from './forgotten.js';
import { MAX_FORGOTTEN } from './limits.js';
import type { ManagedSocket } from './socket.js';
import { SocketList } from './socket-list.js';
import { Succession } from './succession.js';

/**
 * The set of sockets protects itself: ids and names are unique, the number is bounded, and what is
 * closed is kept for a while and then forgotten.
 */
export class Registry {
  private readonly byId = new Map<string, ManagedSocket>();
  private readonly byName = new Map<string, ManagedSocket>();
  private readonly reservedNames = new Set<string>();
  /** Closed sockets, oldest first. */
  private readonly closed = new Succession<ManagedSocket>();
  private readonly forgotten = new Forgotten(MAX_FORGOTTEN);
  private open = 0;
  private reservedPlaces = 0;
  readonly all = new SocketList();

  constructor(
    private readonly bounds: { maxSockets: number; maxClosed: number },
    /** Told of each socket that is forgotten, for whoever else lists it. */
    private readonly onForget: (socket: ManagedSocket) => void,
  ) {}

  get openCount(): number {
    return this.open;
  }

  /**
   * Keeps a place, and the name if there is one, for a socket that is about to be opened: refused
   * before the kernel is asked. The answer gives both back; call it whether or not `add` followed.
   * `inPlaceOf` may still have the name.
   */
  reserve(name: string | null, inPlaceOf?: ManagedSocket): () => void {
    this.requirePlaces(1);
    if (name !== null) {
      const holder = this.openNamed(name);
      if (this.reservedNames.has(name) || (holder !== null && holder !== inPlaceOf)) {
        throw new SocketError('NAME_TAKEN', `the name "${name}" is taken`);
      }
      this.reservedNames.add(name);
    }
    return this.keepPlaces(1, () => {
      if (name !== null) this.reservedNames.delete(name);
    });
  }

  /** Places for `count` descriptors that are no sockets of the set. The answer gives them back. */
  keepPlaces(count: number, onReturn: () => void = () => undefined): () => void {
    this.requirePlaces(count);
    this.reservedPlaces += count;
    let given = false;
    return () => {
      if (given) return;
      given = true;
      this.reservedPlaces -= count;
      onReturn();
    };
  }

  private requirePlaces(count: number): void {
    const { maxSockets } = this.bounds;
    if (this.open + this.reservedPlaces + count <= maxSockets) return;
    const wanted = count === 1 ? '' : `, and ${String(count)} more are wanted`;
    throw new SocketError('LIMIT_REACHED', `${String(maxSockets)} sockets may be open at once${wanted}`);
  }

  add(socket: ManagedSocket): void {
    this.byId.set(socket.id, socket);
    this.all.add(socket);
    this.open += 1;
    if (socket.name !== null) this.byName.set(socket.name, socket);
  }

  /** Puts `next`, which has the same id, where `before` stood. */
  replace(before: ManagedSocket, next: ManagedSocket): void {
    this.byId.set(next.id, next);
    this.all.replace(before, next);
    if (next.name !== null) this.byName.set(next.name, next);
  }

  /** Who has the name now. */
  openNamed(name: string): ManagedSocket | null {
    const holder = this.byName.get(name);
    return holder === undefined || holder.isClosed ? null : holder;
  }

  /** By id, or by name: a closed socket keeps its name until another takes it. Throws SOCKET_GONE or SOCKET_NOT_FOUND. */
  get(idOrName: string): ManagedSocket {
    const socket = this.byId.get(idOrName) ?? this.byName.get(idOrName);
    if (socket !== undefined) return socket;
    if (this.forgotten.has(idOrName))
      throw new SocketError('SOCKET_GONE', `socket ${idOrName} is closed and gone`);
    throw new SocketError('SOCKET_NOT_FOUND', `no socket ${idOrName}`);
  }

  /** Of a socket that has just closed: frees its name for others; it can still be inspected. */
  noteClosed(socket: ManagedSocket): void {
    if (!this.byId.has(socket.id) || this.closed.has(socket)) return;
    this.closed.add(socket);
    const oldest = this.closed.beyond(this.bounds.maxClosed);
    if (oldest !== undefined) this.forget(oldest);
  }

  /** The descriptor of a socket is closed. */
  notePlaceFree(): void {
    this.open -= 1;
  }

  forget(socket: ManagedSocket): void {
    this.byId.delete(socket.id);
    if (socket.name !== null && this.byName.get(socket.name) === socket) this.byName.delete(socket.name);
    this.closed.delete(socket);
    this.all.remove(socket);
    this.onForget(socket);
    this.forgotten.note(socket.id, socket.name);
  }

  /** Forgets what has been closed since before `time`, and is not waited for by a reader. */
  forgetClosedBefore(time: number): void {
    for (const socket of this.closed) {
      if ((socket.closedAt ?? time) > time) return;
      if (socket.isSpent()) this.forget(socket);
    }
  }
}
