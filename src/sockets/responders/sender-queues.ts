import { SocketError } from '../errors.js';
import { MAX_DELAYED_ANSWERS, MAX_DELAYED_ANSWERS_TO_ONE } from '../limits.js';

interface Queue {
  last: Promise<void>;
  length: number;
}

/** Answers that wait, by whom they are for: to one sender in order, and nobody waits for another. */
export class SenderQueues {
  private readonly queues = new Map<string, Queue>();
  private waiting = 0;

  /** After what waits for that sender already. `answer` never fails. ENOBUFS when too many wait. */
  add(sender: string, answer: () => Promise<void> | undefined): void {
    const queue = this.queues.get(sender);
    if (queue !== undefined && (queue.length >= MAX_DELAYED_ANSWERS_TO_ONE || this.isFull)) throw full();
    const last = queue === undefined ? answer() : queue.last.then(answer);
    if (last !== undefined) this.wait(sender, queue ?? { last, length: 0 }, last);
  }

  /** ENOBUFS when an answer to that sender must not begin to wait. */
  mayWait(sender: string): void {
    if (this.isFull && !this.queues.has(sender)) throw full();
  }

  private get isFull(): boolean {
    return this.waiting >= MAX_DELAYED_ANSWERS;
  }

  private wait(sender: string, queue: Queue, last: Promise<void>): void {
    queue.last = last;
    queue.length += 1;
    this.waiting += 1;
    this.queues.set(sender, queue);
    void last.then(() => {
      queue.length -= 1;
      this.waiting -= 1;
      if (queue.length === 0) this.queues.delete(sender);
    });
  }
}

function full(): SocketError {
  return new SocketError('ENOBUFS', 'too many answers wait already', { syscall: 'sendto' });
}
