import { SockeyeError } from './errors.js';
import { Fifo } from './fifo.js';

interface Waiting<T> {
  resolve: (item: T | null) => void;
  reject: (error: Error) => void;
}

/** What has come for one consumer, in order: it takes what is there, or waits for the next, or for the end. */
export class Mailbox<T> {
  private readonly queue = new Fifo<T>();
  private waiting: Waiting<T> | null = null;
  private end: { error: SockeyeError | null } | null = null;

  /** `taken` is called with what the consumer gets, before it has it. */
  constructor(private readonly taken: (item: T) => void = () => {}) {}

  get size(): number {
    return this.queue.size;
  }

  get last(): T | undefined {
    return this.queue.last;
  }

  put(item: T): void {
    const { waiting } = this;
    if (waiting === null) return this.queue.push(item);
    this.waiting = null;
    this.taken(item);
    waiting.resolve(item);
  }

  /** Nothing comes any more; the consumer gets what waits first, then the error, if there is one. */
  finish(error: SockeyeError | null): void {
    if (this.end !== null) return;
    this.end = { error };
    if (this.waiting !== null) this.tell(this.waiting, error);
    this.waiting = null;
  }

  /** The next item; null at the end. */
  next(): Promise<T | null> {
    return new Promise((resolve, reject) => {
      const item = this.queue.shift();
      if (item !== undefined) {
        this.taken(item);
        resolve(item);
      } else if (this.end !== null) this.tell({ resolve, reject }, this.end.error);
      else if (this.waiting !== null) reject(new SockeyeError('somebody waits for the next one already'));
      else this.waiting = { resolve, reject };
    });
  }

  /** Takes out everything that waits. */
  clear(): T[] {
    return this.queue.clear();
  }

  private tell({ resolve, reject }: Waiting<T>, error: SockeyeError | null): void {
    if (error === null) resolve(null);
    else reject(error);
  }
}

/** A loop over a mailbox; `left` is called when the loop is left before the end. */
export function iterate<T, Shown>(
  next: () => Promise<T | null>,
  show: (item: T) => Shown,
  left: () => Promise<void>,
): AsyncIterableIterator<Shown> {
  return {
    next: async () => {
      const item = await next();
      return item === null ? { done: true, value: undefined } : { done: false, value: show(item) };
    },
    return: async () => {
      await left();
      return { done: true, value: undefined };
    },
    [Symbol.asyncIterator]() {
      return this;
    },
  };
}
