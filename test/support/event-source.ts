/** Reads `/v1/events` as a browser's EventSource does (WHATWG HTML, 9.2.6), without its reconnecting. */
import type { MissedDto, SocketEventDto } from '../../src/modules/common/event.dto.js';
import { Inbox } from './peers.js';

export interface ServerSentEvent {
  id: number;
  event: string;
  data: SocketEventDto & MissedDto;
}

export class EventSource {
  private readonly inbox = new Inbox<ServerSentEvent>();
  private readonly caller = new AbortController();
  private rest = '';
  /** What a reconnecting client would send as `Last-Event-ID`. */
  lastEventId = '';
  /** Lines that begin with a colon. */
  comments = 0;
  readonly ended: Promise<void>;

  private constructor(
    readonly headers: Headers,
    chunks: ReadableStream<Uint8Array>,
    caller: AbortController,
  ) {
    this.caller = caller;
    this.ended = this.read(chunks).finally(() => this.inbox.end(new Error('the event stream has ended')));
    this.ended.catch(() => undefined);
  }

  /** Resolves once the stream has begun: what happens from now on is in it. */
  static async open(url: string, query = '', headers: Record<string, string> = {}): Promise<EventSource> {
    const caller = new AbortController();
    const answer = await fetch(`${url}/v1/events?${query}`, { headers, signal: caller.signal });
    if (answer.status !== 200 || answer.body === null) throw new Error(`events: ${answer.status}`);
    return new EventSource(answer.headers, answer.body, caller);
  }

  next(event?: string): Promise<ServerSentEvent> {
    return this.inbox.take(event ?? 'an event', (one) => event === undefined || one.event === event);
  }

  async take(count: number): Promise<ServerSentEvent[]> {
    const taken: ServerSentEvent[] = [];
    while (taken.length < count) taken.push(await this.next());
    return taken;
  }

  /** Taken from what is there now. */
  get waiting(): number {
    return this.inbox.size;
  }

  close(): void {
    this.caller.abort();
  }

  private async read(chunks: ReadableStream<Uint8Array>): Promise<void> {
    const decoder = new TextDecoder();
    for await (const chunk of chunks) {
      const blocks = (this.rest + decoder.decode(chunk, { stream: true })).split('\n\n');
      this.rest = blocks.pop() ?? '';
      for (const block of blocks) this.dispatch(block);
    }
  }

  private dispatch(block: string): void {
    const fields = new Map<string, string>();
    for (const line of block.split('\n')) {
      const cut = line.indexOf(':');
      if (cut === 0) this.comments += 1;
      else fields.set(line.slice(0, cut), line.slice(cut + 1).replace(/^ /, ''));
    }
    this.lastEventId = fields.get('id') ?? this.lastEventId;
    const data = fields.get('data');
    if (data === undefined) return;
    this.inbox.put({
      id: Number(this.lastEventId),
      event: fields.get('event') ?? 'message',
      data: JSON.parse(data) as ServerSentEvent['data'],
    });
  }
}
