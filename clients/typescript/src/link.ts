import { ConnectionLostError, UnreachableError } from './errors.js';
import { decodeFrame, encodeFrame, type Bytes, type Frame, type FrameType } from './frame.js';
import type { ServerMessage } from './protocol.js';
import { Questions, type AnswerTo, type Question, type Take } from './questions.js';

/** The part of a WebSocket that is used: a browser's, that of Node 22 and later, or one of the `ws` package. */
export interface WebSocketLike {
  binaryType: string;
  readonly protocol: string;
  send(data: string | Bytes): void;
  close(code?: number, reason?: string): void;
  addEventListener(type: 'open' | 'close' | 'error', listener: () => void): void;
  addEventListener(type: 'message', listener: (event: { data: unknown }) => void): void;
}

export type WebSocketConstructor = new (url: string, protocols: string[]) => WebSocketLike;

/** What the messages of one channel go to, and its bytes: a listener has none. */
export interface Route {
  message(message: ServerMessage): void;
  frame?(frame: Frame): void;
}

/** Who has the link: gets what is about no channel, and its end. */
export interface LinkOwner {
  message(message: ServerMessage): void;
  lost(link: Link): void;
}

/** The service takes so many in one message. */
const MAX_ATTACHMENTS = 1_000;

/** One WebSocket, for as long as it lasts: questions and their answers, and the way of the rest to its channel. */
export class Link {
  /** By the number that the service gave. They are counted anew on each WebSocket. */
  readonly routes = new Map<number, Route>();
  private readonly questions = new Questions();
  /** What is to be attached with the next message. */
  private list: { ref: number; attachments: object[] } | null = null;
  private readonly heartbeat: ReturnType<typeof setInterval>;
  private lastRef = 0;
  private heard = true;
  private open = true;

  constructor(
    private readonly webSocket: WebSocketLike,
    private readonly owner: LinkOwner,
    heartbeatMs: number,
  ) {
    webSocket.addEventListener('message', ({ data }) => this.receive(data));
    webSocket.addEventListener('close', () => this.drop());
    webSocket.addEventListener('error', () => this.drop());
    this.heartbeat = setInterval(() => this.beat(), heartbeatMs);
  }

  get isOpen(): boolean {
    return this.open;
  }

  say(event: string, data: unknown, ref?: number): void {
    if (this.open) this.webSocket.send(JSON.stringify({ event, data, ref }));
  }

  frame(type: FrameType, channel: number, payload: Uint8Array): void {
    if (this.open) this.webSocket.send(encodeFrame(type, channel, payload));
  }

  /** The answer; ProblemError when it is an error, ConnectionLostError when none can come any more. */
  ask<Q extends Exclude<Question, 'attach'>>(event: Q, data: unknown, take?: Take<Q>): Promise<AnswerTo<Q>> {
    if (!this.open) return Promise.reject(new ConnectionLostError(event));
    const ref = ++this.lastRef;
    const answer = this.questions.ask(String(ref), event, take);
    this.say(event, data, ref);
    return answer;
  }

  /** Attaches in one message with everything that asks for it in the same turn; each has its own answer. */
  attach(data: object, take: Take<'attach'>): Promise<AnswerTo<'attach'>> {
    if (!this.open) return Promise.reject(new ConnectionLostError('attach'));
    if (this.list?.attachments.length === MAX_ATTACHMENTS) this.sendList();
    if (this.list === null) {
      this.list = { ref: ++this.lastRef, attachments: [] };
      queueMicrotask(() => this.sendList());
    }
    const { ref, attachments } = this.list;
    return this.questions.ask(`${String(ref)}/${String(attachments.push(data) - 1)}`, 'attach', take);
  }

  /** Ends the link, whether the other side notices or not. */
  drop(): void {
    if (!this.open) return;
    this.open = false;
    clearInterval(this.heartbeat);
    this.routes.clear();
    this.webSocket.close(1000);
    this.questions.fail(new ConnectionLostError('the question'));
    this.owner.lost(this);
  }

  private receive(data: unknown): void {
    if (!this.open) return;
    this.heard = true;
    if (typeof data === 'string') return this.text(JSON.parse(data) as ServerMessage);
    const frame = decodeFrame(data as ArrayBuffer);
    if (frame !== null) this.routes.get(frame.channel)?.frame?.(frame);
  }

  private text(message: ServerMessage): void {
    if (typeof message.ref === 'number') return this.questions.settle(keyOf(message), message);
    const channel = channelOf(message);
    if (channel === undefined) this.owner.message(message);
    else this.routes.get(channel)?.message(message);
  }

  private sendList(): void {
    if (this.list === null) return;
    const { ref, attachments } = this.list;
    this.list = null;
    this.say('attach', { attachments }, ref);
  }

  /** A cable that was pulled says nothing: a service that is silent between two beats, a ping included, is gone. */
  private beat(): void {
    if (!this.heard) return this.drop();
    this.heard = false;
    this.say('ping', null);
  }
}

/** Of a question, or of one attachment in a list. */
function keyOf({ ref, data }: ServerMessage): string {
  const { index } = (data ?? {}) as { index?: number };
  return index === undefined ? String(ref) : `${String(ref)}/${String(index)}`;
}

function channelOf(message: ServerMessage): number | undefined {
  if (message.event === 'accepted') return message.data.listenerChannel;
  const { channel } = (message.data ?? {}) as { channel?: number };
  return channel;
}

/** A WebSocket that is open, or UnreachableError: a browser does not say why. */
export async function openWebSocket(
  WebSocket: WebSocketConstructor,
  url: string,
  protocols: string[],
  deadlineMs: number,
): Promise<WebSocketLike> {
  const webSocket = new WebSocket(url, protocols);
  webSocket.binaryType = 'arraybuffer';
  let timer: ReturnType<typeof setTimeout> | undefined;
  const opened = new Promise<void>((resolve, reject) => {
    const failed = (): void => reject(new UnreachableError(`no WebSocket at ${url}`));
    timer = setTimeout(failed, deadlineMs);
    webSocket.addEventListener('open', resolve);
    webSocket.addEventListener('error', failed);
    webSocket.addEventListener('close', failed);
  });
  try {
    await opened;
    return webSocket;
  } catch (error) {
    webSocket.close();
    throw error;
  } finally {
    clearTimeout(timer);
  }
}
