/**
 * Ids and names of what was there and is not kept any more, to tell "gone" from "never was": the newest `max`
 * at least, and at most twice as many.
 */
export class Forgotten {
  /** When these are `max`, those before them go as a whole: to let go of one each time is dear among thousands. */
  private newer = new Set<string>();
  private older = new Set<string>();

  constructor(private readonly max: number) {}

  note(id: string, name: string | null): void {
    this.mark(id);
    if (name !== null) this.mark(name);
  }

  has(idOrName: string): boolean {
    return this.newer.has(idOrName) || this.older.has(idOrName);
  }

  private mark(idOrName: string): void {
    if (this.newer.size === this.max) {
      this.older = this.newer;
      this.newer = new Set();
    }
    this.newer.add(idOrName);
  }
}
