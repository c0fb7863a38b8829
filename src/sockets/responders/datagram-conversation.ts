import type { DatagramSocket } from '../datagram/datagram-socket.js';
import type { Endpoint } from '../endpoint.js';
import { SocketError } from '../errors.js';
import { MAX_DELAYED_ANSWERS } from '../limits.js';
import type { Answering, Choice } from './answering.js';
import type { Around } from './conversation.js';
import type { Incoming } from './inbox.js';
import { MessageReader } from './message-reader.js';
import { Message } from './message.js';
import { Occasion, type Speaker } from './occasion.js';
import { perform, type Outlet } from './outlet.js';
import { Transcript, type Deed, type Entry } from './transcript.js';
import { Waiter } from './waiter.js';

/**
 * A bound datagram socket and its responder. Each sender is answered in order; a delay holds up the
 * answers to that sender and to no other.
 */
export class DatagramConversation {
  private readonly waiter = new Waiter();
  private readonly reader: MessageReader;
  private readonly transcript: Transcript;
  /** The last of the answers that are under way, by sender. */
  private readonly tails = new Map<string, Promise<void>>();
  private underWay = 0;
  private takenOver = false;
  private messages = 0;

  constructor(
    private readonly socket: DatagramSocket,
    private readonly around: Around,
    /** Whether it is a responder of ours that would answer the answer, and so on for ever. */
    private readonly isResponder: (end: Endpoint) => boolean,
  ) {
    this.transcript = socket.transcript ??= new Transcript(around.transcripts);
    this.reader = new MessageReader(socket.log, around.now, this.waiter.wake, () => {
      this.takenOver = true;
      this.waiter.wake();
    });
  }

  readonly responderChanged = this.waiter.wake;

  /** Ends with the socket or the responder; never fails. */
  async run(): Promise<void> {
    while (!this.isOver()) {
      const { answering } = this.socket;
      if (answering === null) break;
      const incoming = this.underWay < MAX_DELAYED_ANSWERS ? this.reader.messagesFor(answering).next() : null;
      if (incoming === null) {
        await this.waiter.wait();
        continue;
      }
      this.hear(answering, incoming);
      this.reader.done(incoming);
      await this.around.turns.over();
    }
    this.reader.leave();
  }

  private isOver(): boolean {
    return this.takenOver || this.socket.isClosed;
  }

  private hear(answering: Answering, incoming: Incoming): void {
    const { from } = incoming;
    const message = new Message(incoming.payload, answering.script.encoding);
    this.messages += 1;
    answering.messages += 1;
    const choice = this.choice(answering, message);
    if (choice === null) return;
    choice.tally.hits += 1;
    const now = this.around.now();
    const entry = this.transcript.add(now, choice, incoming);
    const occasion = new Occasion(message, choice.match, this.speaker(from), now);
    const answer = async (): Promise<void> => {
      try {
        await perform(choice, occasion, entry, this.outletTo(from));
      } catch (error) {
        // It concerns that sender; the socket goes on.
        entry.error = SocketError.fromSystem(error);
        answering.failures += 1;
      }
    };
    this.inTurn(from, answer);
  }

  /** Null for a datagram that is too long: it is counted, and the socket goes on. */
  private choice(answering: Answering, message: Message): Choice | null {
    try {
      return answering.choose(message);
    } catch {
      answering.failures += 1;
      return null;
    }
  }

  /** After the answers to that sender that are under way. */
  private inTurn(from: Endpoint | null, answer: () => Promise<void>): void {
    const key = JSON.stringify(from);
    const before = this.tails.get(key);
    this.underWay += 1;
    const tail = (before === undefined ? answer() : before.then(answer)).then(() => {
      this.underWay -= 1;
      if (this.tails.get(key) === tail) this.tails.delete(key);
      if (this.underWay === MAX_DELAYED_ANSWERS - 1) this.waiter.wake();
    });
    this.tails.set(key, tail);
  }

  private outletTo(from: Endpoint | null): Outlet {
    return {
      isOver: () => this.isOver(),
      send: (bytes, choice, entry) => this.send(bytes, from, choice, entry),
      pause: (ms) => this.pause(ms),
      ignoreWhatCame: () => undefined,
      do: (deed) => this.do(deed),
    };
  }

  private send(bytes: Buffer, from: Endpoint | null, { tally }: Choice, entry: Entry): undefined {
    const to = this.destinationOf(from);
    this.transcript.answered(entry, this.around.now(), this.socket.sentDatagrams, bytes);
    tally.bytes += bytes.length;
    this.socket.sendTo(bytes, to, (error) => (entry.error ??= error));
    return undefined;
  }

  /** As the policy allows it; EDESTADDRREQ for who has no address, ELOOP for another responder. */
  private destinationOf(from: Endpoint | null): Endpoint {
    if (from === null || (from.family === 'unix' && from.path === ''))
      throw new SocketError('EDESTADDRREQ', 'the sender has no address', { syscall: 'sendto' });
    if (this.isResponder(from))
      throw new SocketError('ELOOP', 'the sender is a responder: the two would never end', {
        syscall: 'sendto',
      });
    const to = from.family === 'unix' ? { path: from.path } : { host: from.address, port: from.port };
    const found = this.socket.destinations.find(to, 0);
    if (found instanceof Promise) throw new SocketError('EAFNOSUPPORT', 'the sender has no numeric address');
    return found;
  }

  private async pause(ms: number): Promise<void> {
    const { now } = this.around;
    const end = now() + ms;
    // Each answer has a clock of its own; all of them end with the socket.
    while (!this.isOver() && now() < end)
      await new Promise((resolve) => setTimeout(resolve, Math.min(end - now(), 1000)));
  }

  private do(deed: Deed): void {
    if (deed === 'closeListener') void this.socket.close('graceful', 'responder');
  }

  private speaker(from: Endpoint | null): Speaker {
    const { id, name, localAddress: local, log, sentBytes } = this.socket;
    const { messages } = this;
    return {
      peer: from,
      local,
      id,
      name: name ?? id,
      index: messages,
      messages,
      receivedBytes: log.receivedBytes,
      sentBytes,
    };
  }
}
