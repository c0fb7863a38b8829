import type { Endpoint } from './endpoint.js';
import type { SocketError } from './errors.js';
import type { ByteLog } from './receive/byte-log.js';
import type { DatagramLog } from './datagram/datagram-log.js';
import { FlowEvents } from './receive/flow-events.js';
import type { PeerCredentials } from './native/peer-credentials.js';
import type { Transcript } from './responders/transcript.js';
import type { Sent } from './stream/pending-send.js';
import {
  ManagedSocket,
  type CloseReason,
  type Protocol,
  type SocketContext,
  type SocketKind,
  type SocketState,
} from './socket.js';
import type { DataSettings, ReceiveSettings } from './socket-settings.js';

/** A socket that carries data: what it received stands in its log, for any number of readers. */
export abstract class DataSocket extends ManagedSocket {
  abstract readonly log: ByteLog | DatagramLog;
  readonly receive: ReceiveSettings;
  readonly idleTimeoutMs: number;
  protected lastTrafficAt: number;
  protected readonly flow: FlowEvents;
  /** Of a connection of Unix sockets: who is there. */
  peerCredentials: PeerCredentials | null = null;
  /** Of a connection: which of its listener's it is, from 1. */
  place = 0;
  /** What a responder heard and said here; null: there was none. */
  transcript: Transcript | null = null;
  /** A responder speaks here: it ends the connection when it has said everything. */
  isBeingAnswered = false;
  /** Reads from the kernel that brought something. */
  receivedChunks = 0;
  /** Its listener goes as soon as its connections have ended. */
  private isDraining = false;
  /** The peer has sent EOF (or reading was shut down): the final offset. */
  eofOffset: number | null = null;

  protected constructor(
    kind: SocketKind,
    protocol: Protocol,
    initial: SocketState,
    localAddress: Endpoint,
    /** The peer; null where there is none: a datagram socket that is not connected. */
    readonly remoteAddress: Endpoint | null,
    settings: DataSettings,
    context: SocketContext,
    /** Of a connection: the listener that accepted it. */
    readonly listenerId: string | null,
  ) {
    super(kind, protocol, initial, localAddress, settings, context);
    this.receive = settings.receive;
    this.idleTimeoutMs = settings.idleTimeoutMs;
    this.lastTrafficAt = context.now();
    this.flow = new FlowEvents((name, gap) => context.emit(name, this, gap), context.now);
  }

  /** What the kernel took, in bytes. */
  abstract get sentBytes(): number;

  /** What waits for the kernel, in bytes. */
  abstract get queuedBytes(): number;

  /** Nothing is read from the peer: the log is full, or somebody asked for it. */
  abstract get isPaused(): boolean;

  /** sendall(2): `done` is called once the kernel took everything. Answers how to take it back. */
  abstract send(data: Buffer, done: Sent): (reason: SocketError) => void;

  /**
   * As `send`, for who waits: a peer that does not read ends it with ETIMEDOUT and the bytes so far.
   * `urgent`: the last byte goes with MSG_OOB, where the protocol has that.
   */
  abstract sendAll(data: Buffer, timeoutMs: number, urgent?: boolean): Promise<number>;

  /** send(2): takes what fits into the kernel's buffer now, which may be nothing. */
  abstract sendSome(data: Buffer): number;

  /** shutdown(2). `write`: the peer gets EOF after what is queued. `read`: what still comes is dropped. */
  abstract shutdown(how: 'read' | 'write' | 'both'): void;

  abstract pause(): void;
  abstract resume(): void;

  /** How long a send may take that does not say itself. */
  get sendTimeoutMs(): number {
    return this.timeoutMs ?? this.context.limits.sendTimeoutMs;
  }

  /** Once the peer has sent EOF and there is nothing to read or to send, nobody waits for more. */
  drain(): void {
    this.isDraining = true;
  }

  /** How long it may be silent after the peer's EOF: for who reads what came, then for who answers it. */
  protected get halfClosedPatienceMs(): number {
    if (this.isBeingAnswered) return Infinity;
    if (this.log.hasUncommitted) return this.receive.lingerMs;
    return this.isDraining ? 0 : this.context.limits.halfClosedMs;
  }

  /** Milliseconds since something came or went. */
  get idleMs(): number {
    return Math.max(0, (this.closedAt ?? this.context.now()) - this.lastTrafficAt);
  }

  /** Nothing of it is wanted any more: all was read, or thrown away. */
  override isSpent(): boolean {
    return this.log.isDiscarded || !this.log.hasUncommitted;
  }

  /** Nobody can find it any more: what it holds must not count for anything. */
  forgotten(): void {
    this.transcript?.clear();
    this.discard();
  }

  /** Throws away what is held, read or not. */
  discard(): void {
    this.log.discard();
    this.flow.flush();
  }

  protected override settleClosed(reason: CloseReason): void {
    this.flow.flush();
    super.settleClosed(reason);
  }

  /** Forgets what nobody has come for: unread data of a closed socket, readers that stay away. */
  protected sweepLog(now: number): void {
    const { lingerMs, readerTtlMs } = this.receive;
    if (this.closedAt !== null && !this.log.isDiscarded && now - this.closedAt >= lingerMs) this.discard();
    this.flow.sweep(now);
    if (readerTtlMs !== null) this.log.forgetReadersUnusedSince(now - readerTtlMs);
  }
}
