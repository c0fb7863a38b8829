/**
 * Things in the order of their coming, each once. A Set has the same order; but to tell its oldest it walks
 * over what was deleted in front of it, thousands of times the work when the oldest always makes room for the
 * next.
 */
export class Succession<Thing> {
  private readonly places = new Map<Thing, number>();
  private readonly things = new Map<number, Thing>();
  /** No thing has a place before this one. */
  private first = 0;
  private next = 0;

  get size(): number {
    return this.places.size;
  }

  has(thing: Thing): boolean {
    return this.places.has(thing);
  }

  /** The oldest that makes it longer than `size`; undefined when it is not. */
  beyond(size: number): Thing | undefined {
    if (this.places.size <= size) return undefined;
    while (!this.things.has(this.first)) this.first += 1;
    return this.things.get(this.first);
  }

  /** As the newest, also if it was there before. */
  add(thing: Thing): void {
    this.delete(thing);
    this.places.set(thing, this.next);
    this.things.set(this.next, thing);
    this.next += 1;
  }

  delete(thing: Thing): void {
    const place = this.places.get(thing);
    if (place === undefined) return;
    this.places.delete(thing);
    this.things.delete(place);
  }

  [Symbol.iterator](): Iterator<Thing> {
    return this.things.values();
  }
}
