import { SocketError } from '../errors.js';
import { MAX_READERS } from '../limits.js';

/** The reader of a responder. It has a place of its own: callers cannot have taken the last one. */
export const RESPONDER_READER = 'responder';

/** A consuming reader's place in the stream. It belongs to the name, not to who uses it. */
export interface Cursor<User> {
  committed: number;
  /** Who is attached under the name now; null while the reader is away. */
  user: User | null;
  /** Calls that wait for bytes on behalf of this reader. */
  waits: number;
  /** When it was last used: the TTL of readers that are away counts from here. */
  usedAt: number;
}

/** The cursors of one log, by name, and the one that nobody has claimed yet. */
export class Cursors<User> {
  private readonly byName = new Map<string, Cursor<User>>();
  /** The cursor a socket is born with; the first consuming reader, whatever its name, takes it. */
  private unclaimed: number | null = 0;

  constructor(private readonly now: () => number) {}

  /** The lowest of all: bytes from here on are kept for somebody. */
  get lowest(): number {
    let lowest = this.unclaimed ?? Infinity;
    for (const { committed } of this.byName.values()) lowest = Math.min(lowest, committed);
    return lowest;
  }

  find(name: string): Cursor<User> | undefined {
    return this.byName.get(name);
  }

  /** Where a reader of that name goes on: its cursor, the unclaimed one, or, if it is late, `earliest`. */
  startOf(name: string, earliest: number): number {
    return this.byName.get(name)?.committed ?? this.unclaimed ?? earliest;
  }

  /** The cursor of that name, made if need be. QUOTA_EXCEEDED when there are too many. */
  claim(name: string, earliest: number): Cursor<User> {
    const known = this.byName.get(name);
    if (known !== undefined) {
      known.usedAt = this.now();
      return known;
    }
    if (this.byName.size >= MAX_READERS && name !== RESPONDER_READER) {
      throw new SocketError('QUOTA_EXCEEDED', `a socket has at most ${String(MAX_READERS)} readers`);
    }
    const cursor = { committed: this.startOf(name, earliest), user: null, waits: 0, usedAt: this.now() };
    this.unclaimed = null;
    this.byName.set(name, cursor);
    return cursor;
  }

  /** Forgets a name. The last one leaves its place unclaimed, so that nothing is lost before somebody takes it. */
  remove(name: string): Cursor<User> {
    const cursor = this.byName.get(name);
    if (cursor === undefined) throw new SocketError('READER_NOT_FOUND', `no reader "${name}"`);
    this.byName.delete(name);
    if (this.byName.size === 0) this.unclaimed = cursor.committed;
    return cursor;
  }

  entries(): Iterable<[string, Cursor<User>]> {
    return this.byName;
  }
}
