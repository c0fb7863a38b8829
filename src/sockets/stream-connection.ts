import type { Socket } from 'node:net';
import { DataSocket } from './data-socket.js';
import { endpointOf, errorFields, type Endpoint } from './endpoint.js';
import { SocketError } from './errors.js';
import { adopt, filenoOf, isConnected, readingEndedBy, readInto } from './kernel-handle.js';
import { CLOSE_FLUSH_MS, CLOSE_LINGER_MS, MAX_QUEUED_BYTES } from './limits.js';
import { ReadBuffer } from './read-buffer.js';
import { ByteLog } from './byte-log.js';
import { takeError } from './native/syscalls.js';
import { closesWithReset } from './options/linger.js';
import { SendQueue, type Sent } from './send-queue.js';
import type { CloseReason, Protocol, SocketContext } from './socket.js';
import type { DataSettings } from './socket-settings.js';

/** A connection whose large read memory is given back after this long without a byte. */
const QUIET_MS = 1_000;

/**
 * An open TCP connection, accepted or dialled: what comes in goes to its receive log, what goes out
 * through its send queue. Reading stops while the log is full; TCP then slows the peer.
 */
export class StreamConnection extends DataSocket {
  override readonly log: ByteLog;
  private readonly socket: Socket;
  private readonly reads: ReadBuffer;
  private readonly sends: SendQueue;
  private pausedByUser = false;
  private stalled = false;
  private reading = true;
  private dropping = false;
  private peerLostAt: number | null = null;
  private reasonToBe: CloseReason | null = null;
  private readonly closed: Promise<void>;

  /** Takes over `source`, which has just connected; null when its connection is gone already. */
  static over(
    source: Socket,
    kind: 'connection' | 'client',
    settings: DataSettings,
    context: SocketContext,
    listenerId: string | null,
  ): StreamConnection | null {
    const { localAddress, localPort, remoteAddress, remotePort } = source;
    if (localAddress === undefined || remoteAddress === undefined) return null;
    const ends = {
      local: endpointOf(localAddress, localPort ?? 0),
      remote: endpointOf(remoteAddress, remotePort ?? 0),
    };
    try {
      return new StreamConnection(source, kind, 'tcp', ends, settings, context, listenerId);
    } catch (error) {
      if (error instanceof SocketError) return null;
      throw error;
    }
  }

  private constructor(
    source: Socket,
    kind: 'connection' | 'client',
    protocol: Protocol,
    ends: { local: Endpoint; remote: Endpoint },
    settings: DataSettings,
    context: SocketContext,
    listenerId: string | null,
  ) {
    super(kind, protocol, 'open', ends.local, ends.remote, settings, context, listenerId);
    this.log = new ByteLog(
      {
        ...settings.receive,
        now: context.now,
        onRoom: () => this.roomMade(),
        onDropped: (dropped) => this.flow.drop(dropped),
      },
      context.budget,
    );
    this.reads = new ReadBuffer(this.log);
    const socket = adopt(source, {
      memory: () => this.readMemory(),
      filled: (count) => this.received(count),
    });
    if (socket === null) throw new SocketError('ENOTCONN', 'the connection is gone');
    this.socket = socket;
    this.sends = new SendQueue(socket, () => (this.lastTrafficAt = context.now()));
    this.closed = new Promise((resolve) => {
      socket.once('close', () => {
        this.ended();
        context.released(this);
        resolve();
      });
    });
    socket.once('end', () => this.peerEnded());
    socket.on('error', (error) => this.failed(error));
  }

  get fileno(): number | null {
    return this.isClosed ? null : filenoOf(this.socket);
  }

  override get sentBytes(): number {
    return this.sends.sentBytes;
  }

  override get queuedBytes(): number {
    return this.isClosed ? 0 : this.sends.queuedBytes;
  }

  override get isPaused(): boolean {
    return this.eofOffset === null && !this.isClosed && !this.dropping && (this.pausedByUser || this.stalled);
  }

  override send(data: Buffer, done: Sent): (reason: SocketError) => void {
    const refusal = this.refusesSends(data.length);
    if (refusal === null) return this.sends.push(data, done);
    queueMicrotask(() => done(refusal, 0));
    return () => undefined;
  }

  override async sendAll(data: Buffer, timeoutMs: number): Promise<number> {
    const refusal = this.refusesSends(data.length);
    if (refusal !== null) throw refusal;
    return this.sends.pushWithin(data, timeoutMs);
  }

  override sendSome(data: Buffer): number {
    const refusal = this.refusesSends(0);
    if (refusal !== null) throw refusal;
    return this.sends.pushSome(data);
  }

  override shutdown(how: 'read' | 'write' | 'both'): void {
    if (this.isClosed) throw new SocketError('ENOTCONN', 'the socket is closed', { syscall: 'shutdown' });
    if (how !== 'write' && this.eofOffset === null) {
      this.dropWhatComes();
      this.endReceived();
    }
    if (how === 'read' || this.sends.isEnding) return;
    this.moveTo('half-closed-local');
    this.sends.end();
  }

  override pause(): void {
    this.pausedByUser = true;
    this.applyFlow();
    this.flow.flush(); // somebody's decision is told each time
  }

  override resume(): void {
    this.pausedByUser = false;
    this.applyFlow();
    this.flow.flush();
  }

  override async close(mode: 'graceful' | 'reset', reason: CloseReason): Promise<void> {
    if (this.isClosed) return;
    this.reasonToBe ??= reason;
    if (mode === 'reset' || this.closesWithReset()) {
      this.socket.resetAndDestroy();
      return this.closed;
    }
    // Unread bytes in the kernel would turn close(2) into a reset that can overtake what was sent:
    // they are read and dropped until the peer's EOF, for a moment.
    this.dropWhatComes();
    this.sends.end();
    // A peer must not take what it got for all there was: a queue that can't be emptied ends in a reset.
    const late = setTimeout(() => {
      this.reasonToBe = new SocketError('ETIMEDOUT', 'the peer did not take what was queued', {
        syscall: 'send',
      });
      this.socket.resetAndDestroy();
    }, CLOSE_FLUSH_MS);
    const finished = this.socket.writableFinished
      ? Promise.resolve()
      : new Promise<void>((resolve) => this.socket.once('finish', resolve));
    await Promise.race([finished, this.closed]);
    clearTimeout(late);
    if (this.socket.destroyed) return;
    setTimeout(() => this.socket.destroy(), CLOSE_LINGER_MS).unref();
    this.ended();
  }

  /** What the caller has set SO_LINGER for: no FIN before the reset. */
  private closesWithReset(): boolean {
    const { fileno } = this;
    return fileno !== null && closesWithReset(fileno);
  }

  override sweep(now: number): void {
    this.sweepLog(now);
    const quietMs = now - this.lastTrafficAt;
    if (!this.isClosed) {
      if (quietMs > QUIET_MS && this.reads.holdsMemory) readInto(this.socket, this.reads.release());
      if (this.reasonToBe !== null) return;
      this.noticeLostPeer(now);
      if (this.idleTimeoutMs > 0 && quietMs >= this.idleTimeoutMs) void this.close('graceful', 'idle');
      else if (this.halfClosedTooLong(quietMs)) void this.close('graceful', 'eof');
    }
  }

  /**
   * A connection that is not read does not hear of a reset, or of a keep-alive that failed. What the
   * kernel still holds can be read for the linger time; then it has failed.
   */
  private noticeLostPeer(now: number): void {
    if (this.reading || this.dropping || isConnected(this.socket)) this.peerLostAt = null;
    else this.peerLostAt ??= now;
    const since = Math.max(this.peerLostAt ?? now, this.lastTrafficAt);
    if (this.peerLostAt === null || now - since < this.receive.lingerMs) return;
    const { fileno } = this;
    const told = fileno === null ? null : takeError(fileno, 'read');
    // Somebody may have asked for SO_ERROR and taken it.
    const detail = 'read ECONNRESET: the peer went while nobody read';
    this.socket.destroy(told ?? new SocketError('ECONNRESET', detail, { syscall: 'read' }));
  }

  private halfClosedTooLong(quietMs: number): boolean {
    if (this.state !== 'half-closed-remote' || !this.sends.isEmpty) return false;
    const patienceMs =
      this.log.uncommittedBytes > 0 ? this.receive.lingerMs : this.context.limits.halfClosedMs;
    return quietMs >= patienceMs;
  }

  /** The kernel wrote `count` bytes into the memory it was lent. Answers whether to go on reading. */
  private received(count: number): boolean {
    this.lastTrafficAt = this.context.now();
    if (this.dropping) return true;
    this.receivedChunks += 1;
    this.reads.filled(count);
    this.applyFlow();
    return this.reading;
  }

  private roomMade(): void {
    if (this.dropping || this.isClosed) return;
    this.reads.roomMade();
    this.applyFlow();
  }

  /** Reads from the kernel, or stops, as the log and the user have it. */
  private applyFlow(): void {
    this.stalled = this.reads.isFull;
    this.flow.setPaused(this.isPaused);
    const reading = !this.stalled && !this.pausedByUser;
    if (reading === this.reading || this.dropping) return;
    this.reading = reading;
    if (reading) this.socket.resume();
    else this.socket.pause();
  }

  private peerEnded(): void {
    this.lastTrafficAt = this.context.now();
    if (this.isClosed) return;
    const reset = readingEndedBy(this.socket);
    if (reset !== null) {
      this.socket.destroy(reset);
      return;
    }
    this.moveTo('half-closed-remote');
    if (this.eofOffset === null) this.endReceived();
    this.flow.flush();
    this.context.emit('eof', this);
  }

  private endReceived(): void {
    this.eofOffset = this.log.headOffset;
    this.log.end();
  }

  /** No byte more goes into the log; what the peer still sends is read and dropped. */
  private dropWhatComes(): void {
    if (this.dropping) return;
    this.dropping = true;
    // What libuv holds is the log's memory, which can be another log's soon: it must be exchanged first.
    readInto(this.socket, this.reads.release());
    this.socket.resume();
  }

  private readMemory(): Buffer {
    return this.dropping ? this.reads.dump : this.reads.next();
  }

  private refusesSends(bytes: number): SocketError | null {
    if (this.isClosed) return new SocketError('SOCKET_GONE', 'the socket is closed', { syscall: 'send' });
    if (!this.socket.writable || this.sends.isEnding) {
      return new SocketError('EPIPE', 'send EPIPE: the sending side was shut down', { syscall: 'send' });
    }
    const { queuedBytes } = this.sends;
    if (queuedBytes > 0 && queuedBytes + bytes > MAX_QUEUED_BYTES) {
      const queued = `${String(queuedBytes)} bytes are queued already: the peer does not read`;
      return new SocketError('ENOBUFS', `send ENOBUFS: ${queued}`, { syscall: 'send' });
    }
    return null;
  }

  private failed(error: Error): void {
    const reason = SocketError.fromSystem(error, errorFields(this.remoteAddress));
    this.reasonToBe ??= reason;
    this.sends.fail(reason);
  }

  /** The descriptor is closed. */
  private ended(): void {
    if (this.isClosed) return;
    this.sends.fail(new SocketError('ENOTCONN', 'the socket was closed', { syscall: 'send' }));
    this.settleClosed(this.reasonToBe ?? 'eof');
    this.log.returnLoan();
    this.log.end();
  }
}
