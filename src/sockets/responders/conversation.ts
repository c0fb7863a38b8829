import { SocketError } from '../errors.js';
import { UNREAD_ANSWER_BYTES } from '../limits.js';
import type { StreamListener } from '../listen/stream-listener.js';
import type { SeqpacketConnection } from '../seqpacket/seqpacket-connection.js';
import type { CloseReason } from '../socket.js';
import type { StreamConnection } from '../stream/stream-connection.js';
import type { Answering, Choice } from './answering.js';
import type { DatagramInbox, Incoming, StreamInbox } from './inbox.js';
import { MessageReader } from './message-reader.js';
import { Message } from './message.js';
import { Occasion, type Speaker } from './occasion.js';
import { perform, type Outlet } from './outlet.js';
import { Transcript, type Deed, type Entry, type TranscriptStore } from './transcript.js';
import type { Turns } from './turns.js';
import { Waiter } from './waiter.js';

/** What all responders share. */
export interface Around {
  now: () => number;
  turns: Turns;
  transcripts: TranscriptStore;
}

/**
 * A connection and the responder of its listener: one message after the other, in their order, each with
 * all its answers. While it waits, for time or for a peer that does not read, nothing more is read from the
 * peer, and no other connection waits with it. Ends with the connection, with the responder, or when
 * somebody else takes the reader over.
 */
export class Conversation implements Outlet {
  private readonly waiter = new Waiter();
  private readonly reader: MessageReader;
  private messages = 0;
  /** Answers that the kernel has not taken yet. */
  private untaken = 0;
  /** Where the next answer begins in what is sent. */
  private saidBytes: number;
  private sendFailure: SocketError | null = null;
  /** It is closing, or somebody else reads. */
  private over = false;

  constructor(
    private readonly listener: StreamListener,
    private readonly connection: StreamConnection | SeqpacketConnection,
    private readonly around: Around,
  ) {
    this.saidBytes = connection.sentBytes + connection.queuedBytes;
    this.reader = new MessageReader(connection.log, around.now, this.waiter.wake, () => {
      this.over = true;
      this.waiter.wake();
    });
  }

  /** The responder of the listener is another one now: it goes on with that, after the message at hand. */
  readonly responderChanged = this.waiter.wake;

  /** Ends with the conversation; never fails. `greets`: somebody has just connected. */
  async run(greets: boolean): Promise<void> {
    this.connection.isBeingAnswered = true;
    try {
      const { answering } = this.listener;
      if (greets && answering !== null && answering.greeting.steps.length > 0) {
        this.reader.messagesFor(answering);
        await this.answer(answering.greeting, null, null);
      }
      await this.listen();
    } catch (error) {
      this.fail(SocketError.fromSystem(error));
    }
    this.reader.leave();
    this.connection.isBeingAnswered = false;
  }

  isOver(): boolean {
    return this.over || this.connection.isClosed || this.connection.closeReason !== null;
  }

  send(bytes: Buffer, { tally }: Choice, entry: Entry): Promise<void> | undefined {
    const { connection } = this;
    this.transcript.answered(entry, this.around.now(), this.saidBytes, bytes);
    this.saidBytes += bytes.length;
    tally.bytes += bytes.length;
    this.untaken += 1;
    connection.send(bytes, (error) => {
      this.untaken -= 1;
      this.sendFailure ??= error;
      entry.error ??= error;
      this.waiter.wake();
    });
    if (connection.queuedBytes > UNREAD_ANSWER_BYTES) return this.taken();
    return this.around.turns.over() ?? undefined;
  }

  async pause(ms: number): Promise<void> {
    const { now } = this.around;
    for (const end = now() + ms; !this.isOver() && now() < end;) await this.waiter.wait(end - now());
  }

  ignoreWhatCame(): void {
    this.reader.skip();
    if (this.connection.log.isEnded) this.end('graceful', 'eof');
  }

  do(deed: Deed, how: 'read' | 'write' | 'both'): void {
    switch (deed) {
      case 'shutdown':
        return this.connection.shutdown(how);
      case 'closeListener':
        return void this.listener.close('graceful', 'responder');
      case 'close':
      case 'reset':
        return this.end(deed === 'reset' ? 'reset' : 'graceful', 'responder');
    }
  }

  private get transcript(): Transcript {
    this.connection.transcript ??= new Transcript(this.around.transcripts);
    return this.connection.transcript;
  }

  private async listen(): Promise<void> {
    while (!this.isOver()) {
      const { answering } = this.listener;
      if (answering === null) return;
      const inbox = this.reader.messagesFor(answering);
      const incoming = inbox.next() ?? (await this.more(inbox));
      if (incoming === null) continue;
      await this.hear(answering, incoming);
      await this.around.turns.over();
    }
  }

  private async hear(answering: Answering, incoming: Incoming): Promise<void> {
    const message = new Message(incoming.payload, answering.script.encoding);
    this.messages += 1;
    answering.messages += 1;
    await this.answer(answering.choose(message), message, incoming);
    this.reader.done(incoming);
  }

  private async answer(choice: Choice, message: Message | null, incoming: Incoming | null): Promise<void> {
    const now = this.around.now();
    choice.tally.hits += 1;
    const entry = this.transcript.add(now, choice, incoming);
    try {
      await perform(choice, new Occasion(message, choice.match, this.speaker(), now), entry, this);
    } catch (error) {
      entry.error ??= SocketError.fromSystem(error);
      throw error;
    }
  }

  private speaker(): Speaker {
    const { connection, messages, listener } = this;
    const { id, place: index, remoteAddress: peer, localAddress: local } = connection;
    const name = `${listener.name ?? 'connection'}-${String(index)}`;
    const { receivedBytes } = connection.log;
    return { peer, local, id, name, index, messages, receivedBytes, sentBytes: this.saidBytes };
  }

  /** No message is whole: waits for what may change that. Null: look again. */
  private async more(inbox: StreamInbox | DatagramInbox): Promise<Incoming | null> {
    if (this.connection.log.isEnded) {
      const last = inbox.rest();
      // The peer has said everything, and was answered.
      if (last === null) this.end('graceful', 'eof');
      return last;
    }
    if (this.untaken > 0 || this.sendFailure !== null) {
      await this.taken();
      return null;
    }
    const { patienceMs } = inbox;
    return (await this.waiter.wait(patienceMs)) || patienceMs === undefined ? null : inbox.rest();
  }

  /** The kernel took all answers. ETIMEDOUT, and what ended the connection. */
  private async taken(): Promise<void> {
    const { now } = this.around;
    for (const end = now() + this.connection.sendTimeoutMs; this.untaken > 0 && !this.isOver();) {
      const left = end - now();
      if (left <= 0)
        throw new SocketError('ETIMEDOUT', 'the peer does not read its answers', { syscall: 'send' });
      await this.waiter.wait(left);
    }
    if (this.sendFailure !== null) throw this.sendFailure;
  }

  private fail(error: SocketError): void {
    if (this.listener.answering !== null) this.listener.answering.failures += 1;
    if (!this.isOver()) this.end(error.code === 'ETIMEDOUT' ? 'reset' : 'graceful', error);
  }

  /** Nothing more is answered; what comes yet is for nobody. */
  private end(mode: 'graceful' | 'reset', reason: CloseReason): void {
    this.over = true;
    this.reader.skip();
    void this.connection.close(mode, reason);
  }
}
