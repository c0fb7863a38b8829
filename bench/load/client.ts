import { randomBytes } from 'node:crypto';
import { connect, type Socket } from 'node:net';
import { clientFrame, FrameReader, OPCODE, type FrameHandler } from './frames.js';
import { ChannelDecoder, ackMessage, attachMessage, channelFrame, type ChannelState } from './channel.js';
import { DatagramDecoder } from './datagram-channel.js';

/** Where a bridge's WebSocket is, and what it speaks. */
export interface Door {
  port: number;
  path: string;
  subprotocol: string;
  /** With ids the bytes come in the frames of `/v1/stream`, a channel for each; without any they come bare. */
  socketIds: string[];
  /** The one socket has datagrams in place of bytes. */
  carriesDatagrams?: boolean;
}

interface MessageData {
  channel?: number;
  offset?: number;
  bytes?: number;
  from?: number;
  to?: number;
}

type OnBytes = (chunk: Buffer, start: number, end: number, channel: number) => void;

/** Reads as large as the fastest bridge's writes: a smaller one would slow the bridge down. */
const READ_BYTES = 1024 * 1024;
/** Enough that the kernel always finds more to send. */
const QUEUE_BYTES = 2 * 1024 * 1024;

/**
 * A WebSocket client on a raw socket: the handshake by hand, payload counted where it lies.
 * One a transfer; it ends with close() or with the bridge.
 */
export class BridgeClient implements FrameHandler {
  private readonly socket: Socket;
  private readonly frames = new FrameReader(this);
  private handshake: Buffer | null = Buffer.alloc(0);
  private opcode = 0;
  private message: Buffer[] = [];
  private readonly decoder: ChannelDecoder | null;
  /** Of a socket of datagrams: what came of them. */
  datagrams: DatagramDecoder | null = null;
  private failure: Error | null = null;
  private readonly opened: Promise<void>;
  private settleOpened: (error: Error | null) => void = () => {};
  private onFailure: (error: Error) => void = () => {};
  private onRoom: () => void = () => {};

  private constructor(
    private readonly door: Door,
    private readonly onBytes: OnBytes,
  ) {
    this.decoder = door.socketIds.length > 0 ? new ChannelDecoder() : null;
    this.opened = new Promise((resolve, reject) => {
      this.settleOpened = (error) => (error ? reject(error) : resolve());
    });
    this.socket = connect({
      host: '127.0.0.1',
      port: door.port,
      noDelay: true,
      onread: { buffer: Buffer.allocUnsafe(READ_BYTES), callback: (read, buffer) => this.take(read, buffer) },
    });
    this.socket.on('connect', () => this.socket.write(upgradeRequest(door)));
    this.socket.on('error', (error) => this.fail(error));
    this.socket.on('close', () => this.fail(new Error('the bridge closed the connection')));
  }

  /** Resolves when bytes can flow: after the 101, and on a stream after `attached`. */
  static async open(door: Door, onBytes: OnBytes): Promise<BridgeClient> {
    const client = new BridgeClient(door, onBytes);
    await client.opened;
    return client;
  }

  /** Of `/v1/stream`: the channels, in the order of the ids. */
  get channels(): ChannelState[] {
    return [...(this.decoder?.channels.values() ?? [])];
  }

  /** The frame that carries `payload` to the peer; built apart from write() so that nobody's clock pays for it. */
  frame(payload: Buffer): Buffer {
    const [channel] = this.channels;
    return clientFrame(OPCODE.binary, channel ? channelFrame(channel.number, payload) : payload);
  }

  write(frame: Buffer): void {
    this.socket.write(frame, this.onRoom);
  }

  /** How many bytes may be sent now: what waits in here is bounded, and a stream gives credit. */
  get room(): number {
    const own = Math.max(0, QUEUE_BYTES - this.socket.writableLength);
    const [channel] = this.channels;
    return channel ? Math.min(own, channel.credit) : own;
  }

  /** `bytes` of credit are used up. */
  spend(bytes: number): void {
    const [channel] = this.channels;
    if (channel) channel.credit -= bytes;
  }

  /** Called when `room` may have grown. */
  whenRoom(listener: () => void): void {
    this.onRoom = listener;
  }

  /** For those who wait on bytes: when the bridge goes away or breaks its contract, none will come. */
  whenFailed(listener: (error: Error) => void): void {
    if (this.failure) listener(this.failure);
    else this.onFailure = listener;
  }

  /** Resolves when the bridge has closed too, or after a moment: a bridge may keep the socket to itself. */
  async close(): Promise<void> {
    this.onFailure = () => {};
    const closed = new Promise<void>((resolve) => {
      this.socket.once('close', () => resolve());
      setTimeout(resolve, 500).unref();
    });
    if (this.socket.closed) return;
    this.socket.end(clientFrame(OPCODE.close, Buffer.from([0x03, 0xe8])));
    await closed;
    this.socket.destroy();
  }

  begin(opcode: number): void {
    this.opcode = opcode;
    this.message = [];
  }

  bytes(chunk: Buffer, start: number, end: number): void {
    if (this.opcode !== OPCODE.binary && this.opcode !== OPCODE.continuation) {
      this.message.push(Buffer.from(chunk.subarray(start, end)));
    } else if (this.datagrams) {
      this.datagrams.take(chunk, start, end);
    } else if (!this.decoder) {
      this.onBytes(chunk, start, end, 0);
    } else {
      const payload = this.decoder.skipHeader(chunk, start, end);
      if (payload < end) this.onBytes(chunk, payload, end, this.decoder.current);
    }
  }

  end(): void {
    const text = Buffer.concat(this.message);
    if (this.opcode === OPCODE.text) this.takeMessage(text.toString());
    else if (this.opcode === OPCODE.ping) this.write(clientFrame(OPCODE.pong, text));
    else if (this.opcode === OPCODE.close) {
      const code = text.length >= 2 ? text.readUInt16BE(0) : 1005;
      this.fail(new Error(`closed by the bridge: ${code} ${text.toString('utf8', 2)}`));
    } else if (this.opcode === OPCODE.binary) {
      const due = (this.datagrams ?? this.decoder)?.endFrame() ?? null;
      if (due) this.socket.write(ackMessage(due.number, due.acked));
    }
  }

  private take(read: number, buffer: Uint8Array): boolean {
    const chunk = Buffer.from(buffer.buffer, buffer.byteOffset, read);
    try {
      if (this.handshake) this.takeHandshake(this.handshake, chunk);
      else this.frames.push(chunk, 0, read);
    } catch (error) {
      this.fail(error as Error);
    }
    return true;
  }

  private takeHandshake(before: Buffer, chunk: Buffer): void {
    const all = Buffer.concat([before, chunk]);
    const headEnd = all.indexOf('\r\n\r\n');
    this.handshake = all;
    if (headEnd < 0) return;
    this.handshake = null;
    const head = all.toString('latin1', 0, headEnd);
    if (!head.startsWith('HTTP/1.1 101 ')) throw new Error(`no upgrade: ${all.toString('utf8', 0, 600)}`);
    if (this.door.socketIds.length === 0) this.settleOpened(null);
    else this.socket.write(attachMessage(this.door.socketIds));
    this.frames.push(all, headEnd + 4, all.length);
  }

  private takeMessage(text: string): void {
    const { event, data } = JSON.parse(text) as { event: string; data?: MessageData };
    const channel = this.decoder?.channels.get(data?.channel ?? 0);
    if (event === 'attached' && this.door.carriesDatagrams) {
      const pass = (payload: Buffer): void => this.onBytes(payload, 0, payload.length, 0);
      this.datagrams = new DatagramDecoder(data?.channel ?? 0, data?.offset ?? 0, pass);
      this.settleOpened(null);
    } else if (event === 'gap' && this.datagrams) {
      this.datagrams.gap(data?.from ?? 0, data?.to ?? 0);
    } else if (event === 'attached') {
      this.decoder?.add(data?.channel ?? 0, data?.offset ?? 0);
      if (this.channels.length === this.door.socketIds.length) this.settleOpened(null);
    } else if (event === 'credit' && channel) {
      channel.credit += data?.bytes ?? 0;
      this.onRoom();
    } else if (event === 'error' || event === 'gap' || event === 'closed') {
      this.fail(new Error(`the stream said: ${text}`));
    }
  }

  private fail(error: Error): void {
    if (this.failure) return;
    this.failure = error;
    this.settleOpened(error);
    this.onFailure(error);
    this.socket.destroy();
  }
}

function upgradeRequest(door: Door): string {
  return [
    `GET ${door.path} HTTP/1.1`,
    `Host: 127.0.0.1:${door.port}`,
    'Connection: Upgrade',
    'Upgrade: websocket',
    'Sec-WebSocket-Version: 13',
    `Sec-WebSocket-Key: ${randomBytes(16).toString('base64')}`,
    `Sec-WebSocket-Protocol: ${door.subprotocol}`,
    '\r\n',
  ].join('\r\n');
}
