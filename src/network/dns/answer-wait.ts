import { randomInt } from 'node:crypto';
import { SocketError } from '../../sockets/index.js';
import { timeLeft, type Inquiry } from './inquiry.js';
import { faultOf, readMessage, type Message } from './message.js';

/**
 * Messages that have the id of the question and do not answer it. To read one takes time that all others wait for;
 * who only guesses ids does not come so far.
 */
const MAX_WRONG_MESSAGES = 16;

/** Waits for the message that answers one question. All others are counted and not looked at again. */
export class AnswerWait {
  readonly id: number;
  private readonly ignored = new Map<string, number>();
  private wrong = 0;
  private isOver = false;
  private readonly answer: Promise<Message>;
  private settle: { take: (message: Message) => void; fail: (error: SocketError) => void };

  /** `id` 0 over HTTPS, where it would keep answers out of caches (RFC 8484, 4.1). */
  constructor(
    private readonly inquiry: Inquiry,
    id: number = randomInt(0x10000),
  ) {
    this.id = id;
    this.settle = { take: () => undefined, fail: () => undefined };
    this.answer = new Promise((take, fail) => (this.settle = { take, fail }));
    // Who waits may have left before.
    this.answer.catch(() => undefined);
  }

  /** A message that came: the answer, or something else. */
  offer(bytes: Buffer): void {
    if (this.isOver) return;
    const fault = this.faultOf(bytes);
    if (fault === null) return;
    this.ignored.set(fault, (this.ignored.get(fault) ?? 0) + 1);
    if (this.wrong >= MAX_WRONG_MESSAGES) this.fail(this.error('EBADMSG', 'too much that is no answer'));
  }

  fail(error: SocketError): void {
    this.isOver = true;
    this.settle.fail(error);
  }

  /** What is wrong with the answer, or with the lack of one, as an error. */
  error(code: 'ETIMEDOUT' | 'ECONNRESET' | 'EBADMSG', detail: string): SocketError {
    const { host, port } = this.inquiry.server;
    const others = [...this.ignored].map(([fault, count]) => `${String(count)} ${fault}`).join(', ');
    const message = `dns ${code} ${host}:${String(port)}: ${detail}${others === '' ? '' : `; ignored: ${others}`}`;
    return new SocketError(code, message, { syscall: 'dns', address: host, port });
  }

  /** Until the deadline. ETIMEDOUT, what `fail` was told, or why nobody waits any more. */
  async message(): Promise<Message> {
    const { gone } = this.inquiry;
    const late = setTimeout(() => this.fail(this.error('ETIMEDOUT', 'no answer')), timeLeft(this.inquiry));
    const leave = (): void => this.fail(SocketError.fromSystem(gone.reason));
    gone.addEventListener('abort', leave);
    if (gone.aborted) leave();
    try {
      return await this.answer;
    } finally {
      clearTimeout(late);
      gone.removeEventListener('abort', leave);
    }
  }

  private take(message: Message): void {
    this.isOver = true;
    this.settle.take(message);
  }

  private faultOf(bytes: Buffer): string | null {
    // A flood of guesses is cheap to turn away.
    if (bytes.length < 2 || bytes.readUInt16BE(0) !== this.id) return 'another id';
    const message = readMessage(bytes);
    const fault = message === null ? 'malformed' : faultOf(message, this.id, this.inquiry.query);
    if (fault !== null) this.wrong += 1;
    else if (message !== null) this.take(message);
    return fault;
  }
}
