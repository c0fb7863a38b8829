import koffi from 'koffi';
import { lastInTurn } from '../turn.js';

export interface Interest {
  readable: boolean;
  writable: boolean;
}

/** koffi's types leave the first argument out: 0, or a negative error of libuv. */
type Poll = (
  fd: number,
  interest: Interest,
  callback: (status: number, ready: Interest) => void,
) => { start(interest: Interest, callback: (status: number, ready: Interest) => void): void; close(): void };

const poll = koffi.node.poll as unknown as Poll;

/**
 * Watches a descriptor in the event loop, level-triggered. What becomes ready is handled in the check
 * phase of the same turn, all descriptors together: the addon calls back outside of any scope of Node,
 * where no promise would go on and no error be caught.
 */
export class Watch {
  private static readonly ready = new Set<Watch>();
  private readonly handle: ReturnType<Poll>;
  private interest: Interest = { readable: false, writable: false };
  private closed = false;

  constructor(
    fd: number,
    private readonly onReady: () => void,
  ) {
    this.handle = poll(fd, this.interest, this.called);
  }

  /** What to wait for from now on; nothing is an answer too. */
  want(interest: Interest): void {
    const { readable, writable } = this.interest;
    if (this.closed || (readable === interest.readable && writable === interest.writable)) return;
    this.interest = interest;
    this.handle.start(interest, this.called);
  }

  /** Before the descriptor is closed. */
  close(): void {
    if (this.closed) return;
    this.closed = true;
    Watch.ready.delete(this);
    this.handle.close(); // a call of stop() or start() after this one would end the process
  }

  private readonly called = (status: number): void => {
    // libuv stops watching a descriptor that has an error to tell.
    if (status < 0) this.interest = { readable: false, writable: false };
    if (Watch.ready.size === 0) setImmediate(Watch.handleReady);
    Watch.ready.add(this);
  };

  private static readonly handleReady = (): void => {
    const now = [...Watch.ready];
    Watch.ready.clear();
    lastInTurn(() => {
      for (const watch of now) if (!watch.closed) watch.onReady();
    });
  };
}
