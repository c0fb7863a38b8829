import { randomInt } from 'node:crypto';
import { SocketError, type ServerEnd } from '../../sockets/index.js';
import { faultOf, readMessage, type Message, type QueryOptions } from './message.js';

/** Waits for the message that answers one question. All others are counted and not looked at again. */
export class AnswerWait {
  readonly id: number;
  private readonly ignored = new Map<string, number>();
  private readonly answer: Promise<Message>;
  private settle: { take: (message: Message) => void; fail: (error: SocketError) => void };

  /** `id` 0 over HTTPS, where it would keep answers out of caches (RFC 8484, 4.1). */
  constructor(
    private readonly server: ServerEnd,
    private readonly query: QueryOptions,
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
    const fault = this.faultOf(bytes);
    if (fault !== null) this.ignored.set(fault, (this.ignored.get(fault) ?? 0) + 1);
  }

  fail(error: SocketError): void {
    this.settle.fail(error);
  }

  /** What is wrong with the answer, or with the lack of one, as an error. */
  error(code: 'ETIMEDOUT' | 'ECONNRESET' | 'EBADMSG', detail: string): SocketError {
    const { host, port } = this.server;
    const others = [...this.ignored].map(([fault, count]) => `${String(count)} ${fault}`).join(', ');
    const message = `dns ${code} ${host}:${String(port)}: ${detail}${others === '' ? '' : `; ignored: ${others}`}`;
    return new SocketError(code, message, { syscall: 'dns', address: host, port });
  }

  /** ETIMEDOUT, or what `fail` was told. */
  async within(timeoutMs: number): Promise<Message> {
    const late = setTimeout(() => this.fail(this.error('ETIMEDOUT', 'no answer')), Math.max(0, timeoutMs));
    try {
      return await this.answer;
    } finally {
      clearTimeout(late);
    }
  }

  private faultOf(bytes: Buffer): string | null {
    // A flood of guesses is cheap to turn away.
    if (bytes.length < 2 || bytes.readUInt16BE(0) !== this.id) return 'another id';
    const message = readMessage(bytes);
    if (message === null) return 'malformed';
    const fault = faultOf(message, this.id, this.query);
    if (fault === null) this.settle.take(message);
    return fault;
  }
}
