import type { Attachment, ChannelEnd } from './attachment.js';
import { encodeRecord, type Destination } from './datagram.js';
import { ConnectionLostError, GapError, ProblemError, SendInterruptedError, SockeyeError } from './errors.js';
import type { Item } from './items.js';
import { iterate } from './mailbox.js';
import type { SocketView } from './protocol.js';

/**
 * One socket: an async iterator of what it receives, and its sending side. It outlives the WebSocket it is on; each
 * byte is handed out once. Leaving the loop detaches: what was not dealt with is there for the next reader.
 */
export class Channel implements AsyncIterable<Uint8Array> {
  constructor(private readonly attachment: Attachment) {}

  /** The socket as it was at the last attach. */
  get socket(): SocketView {
    const { socket } = this.attachment;
    if (socket === null) throw new SockeyeError('not attached yet');
    return socket;
  }

  /** Where the peer's stream ended; null while it has not. */
  get eofOffset(): number | null {
    return this.attachment.eofOffset;
  }

  /** How it ended; never rejects. The iterator may still have something to hand out by then. */
  get ended(): Promise<ChannelEnd> {
    return this.attachment.ended;
  }

  /**
   * The bytes, or the payloads of datagrams. Ends with the peer's EOF. Throws GapError where some are gone (the loop
   * can be entered again behind it), SocketClosedError when the socket closes without EOF, and what ends the channel.
   */
  [Symbol.asyncIterator](): AsyncIterableIterator<Uint8Array> {
    return this.iterate((item) => {
      if (item.kind === 'gap') throw new GapError(item.from, item.to);
      if (item.kind === 'text') throw new SockeyeError('this channel has an encoding: use text() or items()');
      return item.bytes;
    });
  }

  /** The text of a channel with an encoding; otherwise as the bytes. */
  text(): AsyncIterableIterator<string> {
    return this.iterate((item) => {
      if (item.kind === 'gap') throw new GapError(item.from, item.to);
      if (item.kind !== 'text') throw new SockeyeError('this channel has no encoding');
      return item.text;
    });
  }

  /** Everything with its offset; datagrams with their sender and time; gaps where they are. */
  items(): AsyncIterableIterator<Item> {
    return this.iterate((item) => item);
  }

  /**
   * Everything before `offset` is dealt with; without it, everything that was handed out. TypeError where it is no
   * whole number.
   */
  ack(offset?: number): void {
    if (offset !== undefined && !Number.isSafeInteger(offset))
      throw new TypeError(`ack takes an offset, a whole number, not ${String(offset)}`);
    this.attachment.receiver.ack(offset);
  }

  /**
   * Resolves when all of it has gone out within the credit of the service; a peer that does not read is waited for.
   * Text goes as UTF-8. Leave the bytes alone until then. Of a datagram `to` says where to; without it, to the
   * connected peer. Rejects with SendInterruptedError when the WebSocket broke and bytes were lost, of this call or,
   * where nobody waited, of earlier ones; with ProblemError for what the kernel refused, now or before; with
   * TypeError for data that is neither, which changes nothing.
   */
  async send(data: Uint8Array | string, to?: Destination): Promise<void> {
    requireBytesOrText(data);
    const { sender, flow } = this.attachment;
    const bytes = typeof data === 'string' ? new TextEncoder().encode(data) : data;
    if (flow === 'stream' && to === undefined) return sender.send(bytes);
    const record = encodeRecord(bytes, to);
    if (record !== null && flow !== 'stream') return sender.send(record);
    await this.sendText(base64(bytes), 'base64', to);
  }

  /**
   * Sends text in any encoding the service knows, without one in that of the channel, or UTF-8 where that has none;
   * answers how many bytes that were, once the kernel has them.
   */
  sendText(text: string, encoding = this.attachment.encoding ?? 'utf8', to?: Destination): Promise<number> {
    return this.attachment.sender.inTurn(() => this.sendMessage({ data: text, encoding, to }));
  }

  /** shutdown(2), after everything that was sent before. */
  async shutdown(how: 'write' | 'read' | 'both' = 'write'): Promise<void> {
    await this.insist('shutdown', { how });
  }

  /**
   * Closes the socket: `graceful` after everything that was sent before, `reset` at once. Rejects, once it is closed,
   * with what went wrong with an earlier send and was told to nobody.
   */
  async close(mode: 'graceful' | 'reset' = 'graceful'): Promise<void> {
    const { attachment } = this;
    attachment.closesHere = true;
    const { sender } = attachment;
    const untold = sender.takeUntold();
    const before = mode === 'reset' ? Promise.resolve() : sender.inTurn(() => Promise.resolve());
    const refused = await failureOf(before);
    const unclosed = attachment.isOver ? null : await failureOf(this.insist('close', { mode }));
    // What the kernel refuses at the very last comes before the answer to the close.
    const unsent = untold ?? refused ?? sender.takeUntold();
    const isLoss = unsent instanceof SendInterruptedError || unsent instanceof ProblemError;
    // Closed meanwhile, or long ago: there was nothing to close, and nothing to complain of.
    if (attachment.end?.kind === 'closed' && !isLoss) return;
    const failure = unsent ?? unclosed;
    if (failure !== null) throw failure;
  }

  /** Leaves the socket as it is. What was not dealt with is there for the next reader of that name. */
  async detach(): Promise<void> {
    const { attachment } = this;
    if (attachment.isOver) {
      attachment.leave();
      return;
    }
    attachment.receiver.flush();
    const asked = attachment.ask('detach', {});
    attachment.finish({ kind: 'detached' }, null);
    attachment.leave();
    // A WebSocket that broke has detached, too.
    await failureOf(asked);
  }

  /**
   * What may be done twice is asked for again where the WebSocket broke before the answer. A socket that has closed
   * meanwhile, and has not failed, is one for which it was done.
   */
  private async insist(question: 'shutdown' | 'close', data: object): Promise<void> {
    const { attachment } = this;
    for (let isAgain = false; ; isAgain = true) {
      try {
        await attachment.sender.inTurn(() => attachment.ask(question, data));
        return;
      } catch (error) {
        if (isAgain && error instanceof ProblemError && attachment.socket?.state === 'closed') return;
        if (!(error instanceof ConnectionLostError)) throw error;
      }
    }
  }

  private iterate<Shown>(show: (item: Item) => Shown): AsyncIterableIterator<Shown> {
    const { receiver } = this.attachment;
    return iterate(
      () => receiver.next(),
      show,
      () => this.detach(),
    );
  }

  /** The counter of the socket counts these bytes too; what became of them is told apart. */
  private async sendMessage(data: object): Promise<number> {
    const { attachment } = this;
    try {
      const { bytesSent } = await attachment.ask('send', data);
      attachment.sender.sentBeside(bytesSent);
      return bytesSent;
    } catch (error) {
      if (error instanceof ConnectionLostError) attachment.sender.sentBeside(null);
      if (error instanceof ProblemError) attachment.sender.sentBeside(error.problem.bytesSent ?? 0);
      throw error;
    }
  }
}

function failureOf(promise: Promise<unknown>): Promise<Error | null> {
  return promise.then(
    () => null,
    (error: unknown) => error as Error,
  );
}

/** Plain JavaScript passes anything. By its tag: an array of another realm is none of the class of this one. */
function requireBytesOrText(data: unknown): void {
  const tag = Object.prototype.toString.call(data).slice('[object '.length, -1);
  if (typeof data === 'string' || tag === 'Uint8Array') return;
  throw new TypeError(`send takes a Uint8Array (a Buffer is one) or a string, not ${tag}`);
}

function base64(bytes: Uint8Array): string {
  let binary = '';
  for (const byte of bytes) binary += String.fromCharCode(byte);
  return btoa(binary);
}
