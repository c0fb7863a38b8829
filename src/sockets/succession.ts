/**
 * Things in the order of their coming, each once. A Set has the same order; but who asks it for its oldest walks
 * over what was deleted in front of it, thousands of times the work when the oldest always makes room for the
 * next. So the walk is kept, and goes on where it stood.
 */
export class Succession<Thing> {
  private readonly things = new Set<Thing>();
  private walk = this.things.values();
  /** Where the walk stands; undefined when that has gone. */
  private oldest: Thing | undefined;

  get size(): number {
    return this.things.size;
  }

  has(thing: Thing): boolean {
    return this.things.has(thing);
  }

  /** The oldest that makes it longer than `size`; undefined when it is not. */
  beyond(size: number): Thing | undefined {
    if (this.things.size <= size) return undefined;
    while (this.oldest === undefined) {
      const { done, value } = this.walk.next();
      // One that has come to the end does not see what is added then.
      if (done === true) this.walk = this.things.values();
      else this.oldest = value;
    }
    return this.oldest;
  }

  /** As the newest, also if it was there before. */
  add(thing: Thing): void {
    this.delete(thing);
    this.things.add(thing);
  }

  delete(thing: Thing): void {
    if (this.things.delete(thing) && thing === this.oldest) this.oldest = undefined;
  }

  [Symbol.iterator](): Iterator<Thing> {
    return this.things.values();
  }
}
