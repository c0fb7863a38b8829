import { stampArrivals } from '../datagram/datagram-descriptor.js';
import { DatagramLog } from '../datagram/datagram-log.js';
import type { DatagramRecord } from '../datagram/datagram-record.js';
import { DatagramSends } from '../datagram/datagram-sends.js';
import { DataSocket } from '../data-socket.js';
import { SocketError } from '../errors.js';
import { CLOSE_FLUSH_MS, MESSAGES_A_TURN } from '../limits.js';
import { peerCredentials } from '../native/peer-credentials.js';
import { close, getpeername, getsockname, send, shutdown } from '../native/syscalls.js';
import { Watch } from '../native/watch.js';
import type { Sent } from '../stream/pending-send.js';
import { nextMessage, skipMessages } from './seqpacket-messages.js';
import type { CloseReason, SocketContext } from '../socket.js';
import type { DataSettings } from '../socket-settings.js';

/**
 * A connection of SOCK_SEQPACKET, unix(7): reliable and in order as a stream, and each send(2) is one
 * message. Messages stand in a log of datagrams; a full window stops the reading, and the kernel then
 * stops the peer.
 */
export class SeqpacketConnection extends DataSocket {
  override readonly log: DatagramLog;
  private fd: number | null;
  private readonly watch: Watch;
  private readonly sends: DatagramSends;
  private readonly pausesPeer: boolean;
  private pausedByUser = false;
  private stalled = false;
  /** Length of the message that there was no room for. */
  private awaitedBytes = 0;
  private writeShut = false;

  /** Takes over `fd`, which is connected; null, and it is closed, when the peer is gone already. */
  static over(
    fd: number,
    kind: 'connection' | 'client',
    settings: DataSettings,
    context: SocketContext,
    listenerId: string | null,
  ): SeqpacketConnection | null {
    try {
      return new SeqpacketConnection(fd, kind, settings, context, listenerId);
    } catch (error) {
      close(fd);
      if (error instanceof SocketError) return null;
      throw error;
    }
  }

  private constructor(
    fd: number,
    kind: 'connection' | 'client',
    settings: DataSettings,
    context: SocketContext,
    listenerId: string | null,
  ) {
    super(kind, 'unix-seqpacket', 'open', getsockname(fd), getpeername(fd), settings, context, listenerId);
    this.fd = fd;
    stampArrivals(fd);
    this.peerCredentials = peerCredentials(fd);
    this.pausesPeer = settings.receive.overflow === 'pause';
    this.log = new DatagramLog(
      {
        ...settings.receive,
        overflow: this.pausesPeer ? 'drop-newest' : 'drop-oldest',
        unix: true,
        echo: null,
        now: context.now,
        onRoom: () => this.applyInterest(),
        onDropped: (dropped) => this.flow.drop(dropped),
      },
      context.budget,
    );
    this.sends = new DatagramSends(
      (data) => this.transmit(data),
      () => this.applyInterest(),
    );
    this.watch = new Watch(fd, () => this.ready());
    this.applyInterest();
  }

  override get fileno(): number | null {
    return this.fd;
  }

  override get sentBytes(): number {
    return this.sends.sentBytes;
  }

  override get queuedBytes(): number {
    return this.sends.queuedBytes;
  }

  override get isPaused(): boolean {
    return this.fd !== null && this.eofOffset === null && (this.pausedByUser || this.stalled);
  }

  /** One message, whole or not at all; EMSGSIZE when it is larger than SO_SNDBUF. */
  override send(data: Buffer, done: Sent): (reason: SocketError) => void {
    try {
      this.refuseSend();
      return this.sends.push(data, null, done);
    } catch (error) {
      queueMicrotask(() => done(SocketError.fromSystem(error), 0));
      return () => undefined;
    }
  }

  override async sendAll(data: Buffer, timeoutMs: number): Promise<number> {
    this.refuseSend();
    return this.sends.pushWithin(data, null, timeoutMs);
  }

  override sendSome(data: Buffer): number {
    this.refuseSend();
    return this.sends.pushNow(data, null);
  }

  sendRecord({ address, payload }: DatagramRecord, done: Sent): void {
    if (address.length === 0) this.send(payload, done);
    else queueMicrotask(() => done(new SocketError('EISCONN', 'send EISCONN: it has its peer'), 0));
  }

  override shutdown(how: 'read' | 'write' | 'both'): void {
    const fd = this.descriptor('shutdown');
    if (how !== 'write') {
      shutdown(fd, 'read');
      this.endReceived();
    }
    if (how === 'read' || this.writeShut) return;
    this.writeShut = true;
    this.moveTo('half-closed-local');
    void this.sends.drained().then(() => {
      if (this.fd !== null) shutdown(this.fd, 'write');
      if (this.eofOffset !== null) this.release('eof');
    });
  }

  override pause(): void {
    this.requireOpen();
    this.pausedByUser = true;
    this.applyInterest();
    this.flow.flush();
  }

  override resume(): void {
    this.requireOpen();
    this.pausedByUser = false;
    this.applyInterest();
    this.flow.flush();
  }

  override async close(mode: 'graceful' | 'reset', reason: CloseReason): Promise<void> {
    if (this.fd === null) return;
    if (mode === 'graceful') {
      await this.sends.drainedWithin(CLOSE_FLUSH_MS);
      // What is unread would have the kernel tell the peer of a reset, in place of EOF.
      if (this.isOpen()) skipMessages(this.descriptor());
    }
    this.release(reason);
  }

  override sweep(now: number): void {
    this.sweepLog(now);
    if (this.fd === null) return;
    const quietMs = now - this.lastTrafficAt;
    if (this.idleTimeoutMs > 0 && quietMs >= this.idleTimeoutMs) void this.close('graceful', 'idle');
    else if (
      this.state === 'half-closed-remote' &&
      this.sends.isEmpty &&
      quietMs >= this.halfClosedPatienceMs
    )
      void this.close('graceful', 'eof');
  }

  private isOpen(): boolean {
    return this.fd !== null;
  }

  private release(reason: CloseReason): void {
    const { fd } = this;
    if (fd === null) return;
    this.fd = null;
    this.watch.close();
    close(fd);
    this.sends.fail(new SocketError('ENOTCONN', 'the socket was closed', { syscall: 'send' }));
    this.settleClosed(reason);
    this.log.end();
    this.context.released(this);
  }

  /** Waits for what can be done: for messages as long as there is room, for room in the kernel to send. */
  private applyInterest(): void {
    if (this.fd === null) return;
    this.stalled &&= !this.log.hasRoomFor(this.awaitedBytes);
    this.flow.setPaused(this.isPaused);
    const readable = !this.pausedByUser && !this.stalled && this.eofOffset === null;
    this.watch.want({ readable, writable: !this.sends.isEmpty });
  }

  private ready(): void {
    try {
      this.receiveWhatCame();
      this.sends.pump();
    } catch (error) {
      return this.release(SocketError.fromSystem(error, { syscall: 'recv' }));
    }
    this.applyInterest();
  }

  private receiveWhatCame(): void {
    for (let i = 0; i < MESSAGES_A_TURN && !this.pausedByUser && this.eofOffset === null; i += 1) {
      const { fd } = this;
      if (fd === null) return;
      const found = nextMessage(fd, (bytes) => this.takes(bytes));
      if (found === null) break;
      if (found === 'eof') {
        this.peerEnded();
        break;
      }
      this.log.append(found);
      this.receivedChunks += 1;
      this.lastTrafficAt = this.context.now();
    }
    this.log.wakeAll();
  }

  private takes(bytes: number): boolean {
    if (!this.pausesPeer || this.log.hasRoomFor(bytes)) return true;
    this.stalled = true;
    this.awaitedBytes = bytes;
    return false;
  }

  private peerEnded(): void {
    this.lastTrafficAt = this.context.now();
    const wasOpen = this.moveTo('half-closed-remote');
    this.endReceived();
    this.flow.flush();
    this.context.emit('eof', this);
    if (!wasOpen && this.sends.isEmpty) this.release('eof');
  }

  private endReceived(): void {
    if (this.eofOffset !== null) return;
    this.eofOffset = this.log.headOffset;
    this.log.end();
    this.applyInterest();
  }

  private refuseSend(): void {
    this.descriptor();
    if (!this.writeShut) return;
    throw new SocketError('EPIPE', 'send EPIPE: the sending side was shut down', { syscall: 'send' });
  }

  private transmit(data: Buffer): boolean {
    const fd = this.descriptor();
    if (send(fd, data) === null) return false;
    this.lastTrafficAt = this.context.now();
    return true;
  }

  private descriptor(syscall = 'send'): number {
    if (this.fd !== null) return this.fd;
    throw new SocketError('SOCKET_GONE', 'the socket is closed', { syscall });
  }
}
