import { Succession } from './succession.js';

/** Ids and names of what was there and is not kept any more, the newest `max` of them, to tell "gone" from "never was". */
export class Forgotten {
  /** In the order in which they went. */
  private readonly marks = new Succession<string>();

  constructor(private readonly max: number) {}

  note(id: string, name: string | null): void {
    this.mark(id);
    if (name !== null) this.mark(name);
  }

  has(idOrName: string): boolean {
    return this.marks.has(idOrName);
  }

  private mark(idOrName: string): void {
    this.marks.add(idOrName);
    const oldest = this.marks.beyond(this.max);
    if (oldest !== undefined) this.marks.delete(oldest);
  }
}
