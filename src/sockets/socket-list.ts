import type { ManagedSocket } from './socket.js';

/** One page of a list, and where the next one starts; null when there is none. */
export interface Page<T> {
  items: T[];
  next: number | null;
}

/**
 * Sockets in the order of their creation. Adding is at the end, finding a place is a binary search,
 * removing leaves a hole that is closed when there are many: a page costs the same among ten
 * thousand as among ten, and a cursor stays good while sockets come and go.
 */
export class SocketList {
  private static lastSequence = 0;
  private slots: (ManagedSocket | null)[] = [];
  private sequences: number[] = [];
  private live = 0;

  get size(): number {
    return this.live;
  }

  add(socket: ManagedSocket): void {
    // A connection stands in two lists, the registry's and its listener's, under one number.
    if (socket.sequence === 0) socket.sequence = SocketList.lastSequence += 1;
    this.slots.push(socket);
    this.sequences.push(socket.sequence);
    this.live += 1;
  }

  replace(before: ManagedSocket, next: ManagedSocket): void {
    const index = this.indexFrom(before.sequence);
    if (this.slots[index] !== before) return;
    next.sequence = before.sequence;
    this.slots[index] = next;
  }

  remove(socket: ManagedSocket): void {
    const index = this.indexFrom(socket.sequence);
    if (this.slots[index] !== socket) return;
    this.slots[index] = null;
    this.live -= 1;
    if (this.slots.length > 32 && this.live < this.slots.length / 2) this.compact();
  }

  /** At most `limit` that match, created after number `after`. */
  page(after: number, limit: number, matches: (socket: ManagedSocket) => boolean): Page<ManagedSocket> {
    const items: ManagedSocket[] = [];
    for (let i = this.indexFrom(after + 1); i < this.slots.length; i += 1) {
      const socket = this.slots[i];
      if (socket === null || socket === undefined || !matches(socket)) continue;
      if (items.length === limit) return { items, next: items[limit - 1]?.sequence ?? null };
      items.push(socket);
    }
    return { items, next: null };
  }

  *[Symbol.iterator](): Iterator<ManagedSocket> {
    for (const socket of [...this.slots]) if (socket !== null) yield socket;
  }

  private indexFrom(sequence: number): number {
    let low = 0;
    let high = this.sequences.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.sequences[middle] ?? 0) < sequence) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  private compact(): void {
    this.slots = this.slots.filter((socket) => socket !== null);
    this.sequences = this.slots.map((socket) => socket?.sequence ?? 0);
  }
}
