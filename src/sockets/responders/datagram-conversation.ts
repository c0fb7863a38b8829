import type { DatagramSocket } from '../datagram/datagram-socket.js';
import type { Endpoint } from '../endpoint.js';
import { SocketError } from '../errors.js';
import type { Answering, Choice } from './answering.js';
import type { Around } from './conversation.js';
import { DatagramOutlet, type AnswersTo } from './datagram-outlet.js';
import type { Incoming } from './inbox.js';
import { MessageReader } from './message-reader.js';
import { Message } from './message.js';
import { Occasion, type Speaker } from './occasion.js';
import { perform } from './outlet.js';
import { SenderQueues } from './sender-queues.js';
import { Transcript } from './transcript.js';
import { Waiter } from './waiter.js';

/**
 * A bound datagram socket and its responder. Each sender is answered in order; a delay, or a queue that the
 * sender does not empty, holds up the answers to that sender and to no other.
 */
export class DatagramConversation {
  private readonly waiter = new Waiter();
  private readonly reader: MessageReader;
  private readonly transcript: Transcript;
  private readonly queues = new SenderQueues();
  private readonly answers: AnswersTo;
  private takenOver = false;
  private messages = 0;

  constructor(
    private readonly socket: DatagramSocket,
    private readonly around: Around,
    /** Whether it would answer the answer, and so on for ever. */
    isAnswerer: (sender: Endpoint) => boolean,
  ) {
    const transcript = (socket.transcript ??= new Transcript(around.transcripts));
    this.transcript = transcript;
    this.answers = {
      socket,
      now: around.now,
      isOver: () => this.isOver(),
      isAnswerer,
      noted: (bytes, { tally }, entry) => {
        transcript.answered(entry, around.now(), socket.sentDatagrams, bytes);
        tally.bytes += bytes.length;
      },
    };
    this.reader = new MessageReader(socket.log, around.now, this.waiter.wake, () => {
      this.takenOver = true;
      this.waiter.wake();
    });
  }

  readonly responderChanged = this.waiter.wake;

  /** Ends with the socket or the responder; never fails. */
  async run(): Promise<void> {
    try {
      await this.listen();
    } catch (error) {
      void this.socket.close('graceful', SocketError.fromSystem(error));
    }
    this.reader.leave();
  }

  private async listen(): Promise<void> {
    while (!this.isOver()) {
      const { answering } = this.socket;
      if (answering === null) return;
      const incoming = this.reader.messagesFor(answering).next();
      if (incoming === null) {
        await this.waiter.wait();
        continue;
      }
      this.hear(answering, incoming);
      this.reader.done(incoming);
      await this.around.turns.over();
    }
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
    // It concerns that sender; the socket goes on.
    const failed = (error: unknown): void => {
      entry.error ??= SocketError.fromSystem(error);
      answering.failures += 1;
    };
    const sender = JSON.stringify(from);
    const outlet = new DatagramOutlet(this.answers, from, () => this.queues.mayWait(sender), failed);
    try {
      this.queues.add(sender, () => attempt(() => perform(choice, occasion, entry, outlet), failed));
    } catch (error) {
      failed(error);
    }
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

/** Done, or under way; what goes wrong is told, and nothing is thrown. */
function attempt(
  what: () => Promise<void> | undefined,
  failed: (error: unknown) => void,
): Promise<void> | undefined {
  try {
    return what()?.catch(failed);
  } catch (error) {
    failed(error);
    return undefined;
  }
}
