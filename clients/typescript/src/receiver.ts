import type { SockeyeError } from './errors.js';
import { extentOf, itemFrom, weightOf, type Item } from './items.js';
import { Mailbox } from './mailbox.js';

/** What is dealt with is acknowledged after this time at the latest. */
const ACK_DELAY_MS = 50;

/**
 * The received items of one channel over any number of WebSockets, each of them once. What waits here is bounded by
 * the window of the channel: the service sends no further than that beyond the last acknowledgement.
 */
export class Receiver {
  private readonly mailbox = new Mailbox<Item>((item) => this.hand(item));
  /** Offset of what comes next from the service; null before the first attach. */
  private expected: number | null = null;
  /** Offset behind what the consumer was given. */
  private handed = 0;
  /** Offset behind what the consumer has dealt with. */
  private done = 0;
  private acked = 0;
  /** How far the service has sent on this WebSocket: nothing behind it may be acknowledged. */
  private reached = 0;
  private unackedWeight = 0;
  private isFinished = false;
  private timer: ReturnType<typeof setTimeout> | null = null;

  constructor(
    /** An item counts as dealt with when the next one is asked for; otherwise by `ack`. */
    private readonly acksItself: boolean,
    private readonly ackEveryBytes: number,
    private readonly sendAck: (offset: number) => void,
  ) {}

  /** Everything before it was given to the consumer or waits for it; null before the first attach. */
  get position(): number | null {
    return this.expected;
  }

  /** The last acknowledgement on this WebSocket, or what the service took for one. */
  get acknowledged(): number {
    return this.acked;
  }

  /** Text can't be cut at a byte: what waits is forgotten, and is to come again from the offset that this answers. */
  rewind(): number {
    this.mailbox.clear();
    if (!this.acksItself) this.handed = this.done;
    this.expected = this.handed;
    return this.handed;
  }

  /** On a new WebSocket the service goes on at `offset`. */
  resumed(offset: number): void {
    this.acked = this.reached = offset;
    this.unackedWeight = 0;
    if (this.expected === null) this.expected = this.handed = this.done = offset;
    else this.skipTo(offset);
  }

  /** What the service sends. Of what was here before, nothing is taken; what never was here is a gap. */
  put(item: Item): void {
    const { start, end } = extentOf(item);
    const position = this.expected ?? start;
    this.reached = Math.max(this.reached, end);
    if (end > position) {
      this.skipTo(start);
      this.push(itemFrom(item, position), end);
      return;
    }
    // It comes twice because its acknowledgement did not arrive.
    this.flush();
  }

  /** Nothing comes any more; the consumer gets what waits first, then the error, if there is one. */
  finish(error: SockeyeError | null): void {
    this.isFinished = true;
    this.mailbox.finish(error);
    this.flushAtEnd();
  }

  /** The next item; null at the end. Asking for it says that the one before is dealt with. */
  next(): Promise<Item | null> {
    if (this.acksItself) this.dealtWith(this.handed);
    this.flushAtEnd();
    return this.mailbox.next();
  }

  /** Everything before `offset` is dealt with; without it, everything that was handed out. */
  ack(offset = this.handed): void {
    this.dealtWith(Math.min(offset, this.handed));
    this.flush();
  }

  /** Sends the acknowledgement that is due, now. */
  flush(): void {
    if (this.timer !== null) clearTimeout(this.timer);
    this.timer = null;
    this.unackedWeight = 0;
    const offset = Math.min(this.done, this.reached);
    if (offset <= this.acked) return;
    this.acked = offset;
    this.sendAck(offset);
  }

  private flushAtEnd(): void {
    if (this.isFinished && this.mailbox.size === 0) this.flush();
  }

  private skipTo(offset: number): void {
    const from = this.expected ?? offset;
    if (offset > from) this.push({ kind: 'gap', from, to: offset }, offset);
  }

  private push(item: Item, end: number): void {
    this.expected = end;
    this.mailbox.put(item);
  }

  private hand(item: Item): void {
    this.handed = extentOf(item).end;
    this.unackedWeight += weightOf(item);
  }

  private dealtWith(offset: number): void {
    this.done = Math.max(this.done, offset);
    if (this.unackedWeight >= this.ackEveryBytes) this.flush();
    else if (this.done > this.acked) this.timer ??= setTimeout(() => this.flush(), ACK_DELAY_MS);
  }
}
