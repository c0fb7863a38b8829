import type { DatagramSocket } from '../datagram/datagram-socket.js';
import type { Endpoint } from '../endpoint.js';
import { SocketError } from '../errors.js';
import { UNIX_RETRY_MS } from '../limits.js';
import type { Choice } from './answering.js';
import type { Outlet } from './outlet.js';
import type { Deed, Entry } from './transcript.js';

/** What the answers to all datagrams of one socket have in common. */
export interface AnswersTo {
  socket: DatagramSocket;
  now: () => number;
  isOver: () => boolean;
  /** Counts an answer, and writes it down. */
  noted: (bytes: Buffer, choice: Choice, entry: Entry) => void;
  /** Whether it would answer the answer, and so on for ever. */
  isAnswerer: (sender: Endpoint) => boolean;
}

/** The way back to who sent one datagram. */
export class DatagramOutlet implements Outlet {
  constructor(
    private readonly answers: AnswersTo,
    private readonly from: Endpoint | null,
    /** ENOBUFS when its answer must not begin to wait. */
    private readonly mayWait: () => void,
    /** Told where it shows later that an answer could not be sent. */
    private readonly failed: (error: unknown) => void,
  ) {}

  isOver(): boolean {
    return this.answers.isOver();
  }

  send(bytes: Buffer, choice: Choice, entry: Entry): Promise<void> | undefined {
    const { socket, noted } = this.answers;
    const to = this.destination();
    noted(bytes, choice, entry);
    if (to.family === 'unix') return this.hasRoomFor(bytes, to) ? undefined : this.sendWithRoom(bytes, to);
    socket.sendTo(bytes, to, (error) => {
      if (error !== null) this.failed(error);
    });
    return undefined;
  }

  async pause(ms: number): Promise<void> {
    this.mayWait();
    const { now } = this.answers;
    const end = now() + ms;
    // Each answer has a clock of its own; all of them end with the socket.
    while (!this.isOver() && now() < end)
      await new Promise((resolve) => setTimeout(resolve, Math.min(end - now(), 1000)));
  }

  ignoreWhatCame(): void {
    // Every datagram is answered by itself.
  }

  do(deed: Deed): void {
    if (deed === 'closeListener') void this.answers.socket.close('graceful', 'responder');
  }

  /** Tries again while the peer's queue is full: in the queue of the socket it would be in everybody's way. */
  private async sendWithRoom(bytes: Buffer, to: Endpoint): Promise<void> {
    const { now, socket } = this.answers;
    const end = now() + socket.sendTimeoutMs;
    do {
      if (now() >= end)
        throw new SocketError('ETIMEDOUT', 'the peer does not read its answers', { syscall: 'sendto' });
      await this.pause(UNIX_RETRY_MS);
    } while (!this.isOver() && !this.hasRoomFor(bytes, to));
  }

  /** It was sent. Whether an empty one was, nobody can tell. */
  private hasRoomFor(bytes: Buffer, to: Endpoint): boolean {
    return this.answers.socket.sendSomeTo(bytes, to) === bytes.length;
  }

  /** As the policy allows it; EDESTADDRREQ for who has no address, ELOOP for who would answer that. */
  private destination(): Endpoint {
    const to = this.answers.socket.destinations.ofSender(this.from);
    if (!this.answers.isAnswerer(to)) return to;
    throw new SocketError('ELOOP', 'the sender answers what comes: the two would never end', {
      syscall: 'sendto',
    });
  }
}
