/** Clients of the two WebSocket doors: what arrives is an async iterator and can be waited for by kind. */
import { createHash } from 'node:crypto';
import { type ClientOptions, WebSocket } from 'ws';
import { Inbox, within } from './peers.js';
import type { Problem, Service, SocketView } from './service.js';

const HEADER_BYTES = 16;

export interface Message {
  kind: 'message';
  event: string;
  data: MessageData;
  ref?: unknown;
}

/** The fields of all messages; each event has its own choice of them. */
export type MessageData = Partial<Problem> & {
  channel?: number;
  offset?: number;
  from?: number;
  to?: number;
  earliestOffset?: number;
  headOffset?: number;
  socketId?: string;
  socket?: SocketView;
  reason?: SocketView['closeReason'];
  bytes?: number;
  bytesSent?: number;
  data?: string;
  encoding?: string;
  [more: string]: unknown;
};

export interface Frame {
  kind: 'frame';
  type: number;
  flags: number;
  reserved: number;
  channel: number;
  offset: number;
  bytes: Buffer;
}

export interface Attached {
  channel: number;
  offset: number;
  earliestOffset: number;
  headOffset: number;
  socket: SocketView;
}

export interface AttachData {
  socketId?: string;
  listenerId?: string;
  mode?: 'consume' | 'observe';
  reader?: string;
  from?: 'committed' | 'earliest' | 'live' | number;
  windowBytes?: number;
  encoding?: string;
}

export interface Closed {
  code: number;
  reason: string;
}

export interface OpenOptions extends ClientOptions {
  protocols?: string[];
}

function decode(data: Buffer): Frame {
  return {
    kind: 'frame',
    type: data.readUInt8(0),
    flags: data.readUInt8(1),
    reserved: data.readUInt16BE(2),
    channel: data.readUInt32BE(4),
    offset: Number(data.readBigUInt64BE(8)),
    bytes: data.subarray(HEADER_BYTES),
  };
}

export function encode(channel: number, bytes: Buffer, type = 1): Buffer {
  const header = Buffer.alloc(HEADER_BYTES);
  header.writeUInt8(type, 0);
  header.writeUInt32BE(channel, 4);
  return Buffer.concat([header, bytes]);
}

const open = new Set<{ terminate(): void }>();

/** Cuts what the test file left open; for its `afterAll`. */
export function terminateClients(): void {
  for (const client of open) client.terminate();
}

abstract class Client<T> {
  readonly inbox = new Inbox<T>();
  readonly closed: Promise<Closed>;

  protected constructor(readonly ws: WebSocket) {
    open.add(this);
    ws.on('message', (data: Buffer, binary: boolean) => this.inbox.put(this.read(data, binary)));
    this.closed = new Promise((resolve) => {
      ws.once('close', (code: number, reason: Buffer) => resolve({ code, reason: reason.toString() }));
    });
    void this.closed.then(({ code, reason }) => {
      open.delete(this);
      this.inbox.end(new Error(`the WebSocket is closed: ${code} ${reason}`));
    });
    ws.resume();
  }

  protected abstract read(data: Buffer, binary: boolean): T;

  /** Ends as a cut cable would: no closing handshake, and nothing that arrived before is lost to the test. */
  terminate(): void {
    this.ws.terminate();
  }

  close(): Promise<Closed> {
    this.ws.close(1000);
    return this.closing();
  }

  closing(deadlineMs = 10_000): Promise<Closed> {
    return within('the close of the WebSocket', deadlineMs, this.closed);
  }

  /** Takes no more bytes from the TCP connection under the WebSocket. */
  stopReading(): void {
    this.ws.pause();
  }
}

/** `/v1/stream`: many sockets on one WebSocket. */
export class StreamClient extends Client<Message | Frame> {
  private refs = 0;

  static async open(service: Pick<Service, 'url'>, options: OpenOptions = {}): Promise<StreamClient> {
    const { protocols = ['sockeye.v1'], ...rest } = options;
    return new StreamClient(await upgraded(`${service.url}/v1/stream`, protocols, rest));
  }

  protected read(data: Buffer, binary: boolean): Message | Frame {
    if (binary) return decode(data);
    return { ...(JSON.parse(data.toString()) as Omit<Message, 'kind'>), kind: 'message' };
  }

  /** Everything in order of arrival, until the WebSocket closes. */
  async *[Symbol.asyncIterator](): AsyncGenerator<Message | Frame, void> {
    for (;;) {
      const next = this.inbox.take('message or frame', () => true, 60_000);
      const item = await next.catch((error: unknown) => {
        if (this.ws.readyState === WebSocket.OPEN) throw error;
        return null;
      });
      if (item === null) return;
      yield item;
    }
  }

  say(event: string, data?: unknown, ref?: unknown): void {
    this.ws.send(JSON.stringify({ event, data, ref }));
  }

  /** The next message of an event, on a channel if one is given. */
  async message(event: string, channel?: number, deadlineMs?: number): Promise<Message> {
    const what = channel === undefined ? event : `${event} of channel ${channel}`;
    const wanted = (item: Message | Frame): boolean =>
      item.kind === 'message' &&
      item.event === event &&
      (channel === undefined || item.data.channel === channel);
    return (await this.inbox.take(what, wanted, deadlineMs)) as Message;
  }

  /** Says, and waits for the answer with the same `ref`; an error is an answer. */
  async ask(event: string, data?: unknown): Promise<Message> {
    const ref = ++this.refs;
    this.say(event, data, ref);
    const answers = (item: Message | Frame): boolean => item.kind === 'message' && item.ref === ref;
    return (await this.inbox.take(`answer to ${event}`, answers)) as Message;
  }

  async attach(data: AttachData): Promise<Attached> {
    const answer = await this.ask('attach', { mode: 'consume', from: 'committed', ...data });
    if (answer.event !== 'attached') throw new Error(`attach: ${JSON.stringify(answer)}`);
    return answer.data as unknown as Attached;
  }

  ack(channel: number, offset: number): void {
    this.say('ack', { channel, offset });
  }

  frame(channel: number, bytes: Buffer): void {
    this.ws.send(encode(channel, bytes));
  }

  /** The next `count` bytes of a channel in whole frames, acknowledged. */
  async bytes(channel: number, count: number, deadlineMs?: number): Promise<Buffer> {
    const parts: Buffer[] = [];
    for (let got = 0; got < count; got += parts.at(-1)?.length ?? 0) {
      const ofChannel = (item: Message | Frame): boolean => item.kind === 'frame' && item.channel === channel;
      const frame = (await this.inbox.take(`bytes of ${channel}`, ofChannel, deadlineMs)) as Frame;
      parts.push(frame.bytes);
      this.ack(channel, frame.offset + frame.bytes.length);
    }
    return Buffer.concat(parts);
  }
}

/** `/v1/pipe`: one socket, plain bytes. */
export class PipeClient extends Client<Buffer> {
  static async open(
    service: Pick<Service, 'url'>,
    query: string,
    options: OpenOptions = {},
  ): Promise<PipeClient> {
    const { protocols = [], ...rest } = options;
    return new PipeClient(await upgraded(`${service.url}/v1/pipe?${query}`, protocols, rest));
  }

  protected read(data: Buffer, binary: boolean): Buffer {
    if (!binary) throw new Error('a text frame in the pipe');
    return data;
  }

  send(bytes: Buffer | string): void {
    this.ws.send(Buffer.from(bytes));
  }

  /** At least `count` bytes. */
  async bytes(count: number, deadlineMs?: number): Promise<Buffer> {
    const parts: Buffer[] = [];
    for (let got = 0; got < count; got += parts.at(-1)?.length ?? 0) {
      parts.push(await this.inbox.take('bytes', () => true, deadlineMs));
    }
    return Buffer.concat(parts);
  }
}

/** An upgrade that was answered with something else than 101. */
export class UpgradeRefused extends Error {
  constructor(readonly status: number) {
    super(`the upgrade was answered with ${status}`);
  }
}

function connect(url: string, protocols: string[], options: ClientOptions): WebSocket {
  return new WebSocket(url.replace(/^http/, 'ws'), protocols, { perMessageDeflate: false, ...options });
}

/** Waits for the upgrade. A frame may come in the very packet of the 101: reading is held until a client is there. */
async function upgraded(url: string, protocols: string[], options: ClientOptions): Promise<WebSocket> {
  const ws = connect(url, protocols, options);
  const opened = new Promise<WebSocket>((resolve, reject) => {
    ws.once('open', () => {
      ws.pause();
      resolve(ws);
    });
    ws.once('unexpected-response', (asked, answer) => {
      reject(new UpgradeRefused(answer.statusCode ?? 0));
      asked.destroy();
    });
    ws.on('error', reject);
  });
  await within('the upgrade', 10_000, opened);
  return ws;
}

/** The status that an upgrade is answered with: 101, or what stands in its place. */
export async function upgradeStatus(
  service: Pick<Service, 'url'>,
  path: string,
  options: OpenOptions = {},
): Promise<{ status: number; protocol: string }> {
  const { protocols = [], ...rest } = options;
  try {
    const ws = await upgraded(`${service.url}${path}`, protocols, rest);
    const { protocol } = ws;
    ws.terminate();
    return { status: 101, protocol };
  } catch (error) {
    if (error instanceof UpgradeRefused) return { status: error.status, protocol: '' };
    throw error;
  }
}

/**
 * A consuming reader over any number of WebSockets. Hands every byte on exactly once, keeps account of what it has
 * acknowledged, and holds the service to its word: no hole, no byte again that it knows was taken as acknowledged.
 */
export class ConsumingReader {
  readonly hash = createHash('sha256');
  /** How far the bytes were handed on. */
  handed = 0;
  /** The last acknowledgement sent; on a cut WebSocket it may not have arrived. */
  private acked = 0;
  /** The last acknowledgement that the service has taken for sure: a ping sent after it was answered. */
  private taken = 0;
  client: StreamClient | undefined;
  channel = 0;
  private next = 0;

  constructor(
    private readonly service: Service,
    private readonly attachment: AttachData & { windowBytes: number },
    /** Says after each frame whether to acknowledge it now. */
    private readonly acknowledges: () => boolean = () => true,
    private readonly sink: (bytes: Buffer) => void = () => undefined,
  ) {}

  async attach(): Promise<void> {
    this.client = await StreamClient.open(this.service);
    const attached = await this.client.attach({ ...this.attachment, from: 'committed' });
    expect(attached.offset).toBeGreaterThanOrEqual(this.taken);
    expect(attached.offset).toBeLessThanOrEqual(this.acked);
    // What was sent as acknowledged and did not arrive comes again.
    this.acked = this.taken = this.next = attached.offset;
    this.channel = attached.channel;
  }

  /** Reads up to the end, or until `stopAt` was reached, and says the offset of the end. */
  async read(stopAt = Infinity): Promise<number | null> {
    for await (const item of this.client!) {
      if (item.kind === 'frame') this.take(item);
      else if (item.event === 'pong') this.taken = Math.max(this.taken, item.data.offset!);
      else if (item.event === 'eof') return this.end(item.data.offset!);
      else if (item.event !== 'credit') throw new Error(`unexpected: ${JSON.stringify(item)}`);
      if (this.next >= stopAt) return null;
    }
    throw new Error('the WebSocket closed while it was read');
  }

  /** Ends as a cut cable would. */
  cut(): void {
    this.client!.terminate();
  }

  private take(frame: Frame): void {
    expect(frame.offset).toBe(this.next);
    this.next += frame.bytes.length;
    expect(this.next - this.acked).toBeLessThanOrEqual(this.attachment.windowBytes);
    const fresh = frame.bytes.subarray(Math.max(0, this.handed - frame.offset));
    this.hash.update(fresh);
    this.sink(fresh);
    this.handed = Math.max(this.handed, this.next);
    // A window's half at the latest, so that the service never waits for this reader alone.
    const late = this.next - this.acked > this.attachment.windowBytes / 2;
    if (late || this.acknowledges()) this.acknowledge();
  }

  private acknowledge(): void {
    this.acked = this.next;
    this.client!.ack(this.channel, this.next);
    this.client!.say('ping', { offset: this.next });
  }

  private end(offset: number): number {
    expect(offset).toBe(this.next);
    this.acknowledge();
    return offset;
  }
}

/** Numbers from 0 to 1, the same in each run. */
export function seeded(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
}
