import { ConnectionLostError, ProblemError, UnreachableError } from './errors.js';
import { decodeFrame, encodeFrame, type Bytes, type Frame, type FrameType } from './frame.js';
import type { ServerData, ServerMessage } from './protocol.js';

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

/** The answer to each question. */
interface Answers {
  attach: 'attached';
  send: 'sent';
  shutdown: 'done';
  close: 'done';
  detach: 'done';
  watch: 'watching';
  unwatch: 'watching';
  ping: 'pong';
}

export type Question = keyof Answers;
export type AnswerTo<Q extends Question> = ServerData[Answers[Q]];
type Settle = (outcome: ServerMessage | Error) => void;

/** A question that the service answers at once; sends and closes take as long as their sockets. */
const ANSWER_MS = 30_000;

/** One WebSocket, for as long as it lasts: questions and their answers, and the way of the rest to its channel. */
export class Link {
  /** By the number that the service gave. They are counted anew on each WebSocket. */
  readonly routes = new Map<number, Route>();
  private readonly asked = new Map<number, Settle>();
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

  /**
   * The answer; ProblemError when it is an error, ConnectionLostError when none can come any more. `take` gets it
   * before any message that comes behind it.
   */
  ask<Q extends Question>(
    event: Q,
    data: unknown,
    take: (answer: AnswerTo<Q>) => void = () => {},
  ): Promise<AnswerTo<Q>> {
    if (!this.open) return Promise.reject(new ConnectionLostError(event));
    const ref = ++this.lastRef;
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        if (event !== 'send' && event !== 'close')
          this.settle(ref, new UnreachableError(`${event}: no answer`));
      }, ANSWER_MS);
      this.asked.set(ref, (outcome) => {
        clearTimeout(timer);
        if (outcome instanceof Error) return reject(outcome);
        if (outcome.event === 'error') return reject(new ProblemError(outcome.data));
        take(outcome.data as AnswerTo<Q>);
        resolve(outcome.data as AnswerTo<Q>);
      });
      this.say(event, data, ref);
    });
  }

  /** Ends the link, whether the other side notices or not. */
  drop(): void {
    if (!this.open) return;
    this.open = false;
    clearInterval(this.heartbeat);
    this.routes.clear();
    this.webSocket.close(1000);
    for (const ref of [...this.asked.keys()]) this.settle(ref, new ConnectionLostError('the question'));
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
    if (typeof message.ref === 'number') return this.settle(message.ref, message);
    const channel = channelOf(message);
    if (channel === undefined) this.owner.message(message);
    else this.routes.get(channel)?.message(message);
  }

  private settle(ref: number, outcome: ServerMessage | Error): void {
    const settle = this.asked.get(ref);
    this.asked.delete(ref);
    settle?.(outcome);
  }

  /** A cable that was pulled says nothing: a service that is silent between two beats, a ping included, is gone. */
  private beat(): void {
    if (!this.heard) return this.drop();
    this.heard = false;
    this.say('ping', null);
  }
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
