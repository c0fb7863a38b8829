interface Place<Thing> {
  readonly thing: Thing;
  older: Place<Thing> | null;
  newer: Place<Thing> | null;
}

/**
 * Things in the order of their coming, each once. A Set has the same order; but to tell its oldest it walks
 * over what was deleted in front of it, thousands of times the work when the oldest always makes room for the
 * next. A walk that is kept, to go on where it stood, keeps all that was deleted while it stood.
 */
export class Succession<Thing> {
  private readonly places = new Map<Thing, Place<Thing>>();
  private oldest: Place<Thing> | null = null;
  private newest: Place<Thing> | null = null;

  get size(): number {
    return this.places.size;
  }

  has(thing: Thing): boolean {
    return this.places.has(thing);
  }

  /** The oldest that makes it longer than `size`; undefined when it is not. */
  beyond(size: number): Thing | undefined {
    return this.places.size > size ? this.oldest?.thing : undefined;
  }

  /** As the newest, also if it was there before. */
  add(thing: Thing): void {
    this.delete(thing);
    const place: Place<Thing> = { thing, older: this.newest, newer: null };
    if (this.newest === null) this.oldest = place;
    else this.newest.newer = place;
    this.newest = place;
    this.places.set(thing, place);
  }

  delete(thing: Thing): void {
    const place = this.places.get(thing);
    if (place === undefined) return;
    this.places.delete(thing);
    const { older, newer } = place;
    if (older === null) this.oldest = newer;
    else older.newer = newer;
    if (newer === null) this.newest = older;
    else newer.older = older;
  }

  [Symbol.iterator](): Iterator<Thing> {
    return this.places.keys();
  }
}
