import type { Socket } from 'node:net';
import { DataSocket } from '../data-socket.js';
import { errorFields, type Endpoint } from '../endpoint.js';
import { SocketError } from '../errors.js';
import { closeGracefully } from './graceful-close.js';
import { Intake } from './intake.js';
import { adopt, closedSocket, filenoOf, readingEndedBy, reset } from './kernel-handle.js';
import { QUIET_MS } from '../limits.js';
import { ByteLog } from '../receive/byte-log.js';
import { peerCredentials } from '../native/peer-credentials.js';
import { getpeername, getsockname } from '../native/syscalls.js';
import { closesWithReset } from '../options/linger.js';
import type { Sent } from './pending-send.js';
import { SendQueue } from './send-queue.js';
import type { CloseReason, SocketContext } from '../socket.js';
import type { DataSettings } from '../socket-settings.js';
import { refusal, refuseUpgrade, upgrade } from '../tls/starttls.js';
import type { Handshake, TlsSession } from '../tls/tls-handshake.js';
import type { TlsState } from '../tls/tls-peer.js';

/**
 * An open connection over TCP or a Unix socket, accepted or dialled, bare or with TLS over it: what
 * comes in goes to its receive log, what goes out through its send queue.
 */
export class StreamConnection extends DataSocket {
  override readonly log: ByteLog;
  /** The connection itself: what the kernel is asked about. */
  private raw: Socket;
  /** Where bytes are read and written: `raw`, or TLS over it. */
  private socket: Socket;
  private readonly intake: Intake;
  private readonly sends: SendQueue;
  /** The name that the peer is known by: what was dialled, or its address. */
  readonly peerName: string;
  private session: Pick<TlsSession, 'state' | 'isTruncated'> | null = null;
  private upgrading = false;
  /** The one graceful close that all who ask for one wait for. */
  private closing: Promise<void> | null = null;
  /** The descriptor is closed; nobody waits for that, most of the time. */
  private gonePromise: Promise<void> | null = null;
  private tellGone: (() => void) | null = null;

  /**
   * Takes over `source`, which has just connected, or just got through its handshake; null when its
   * connection is gone already.
   */
  static over(
    source: Socket,
    session: TlsSession | null,
    kind: 'connection' | 'client',
    settings: DataSettings,
    context: SocketContext,
    listenerId: string | null,
  ): StreamConnection | null {
    const fd = filenoOf(source);
    if (fd === null) return null;
    try {
      const ends = { local: getsockname(fd), remote: getpeername(fd) };
      return new StreamConnection(source, session, kind, ends, settings, context, listenerId);
    } catch (error) {
      if (error instanceof SocketError) return null;
      throw error;
    }
  }

  private constructor(
    source: Socket,
    session: TlsSession | null,
    kind: 'connection' | 'client',
    ends: { local: Endpoint; remote: Endpoint },
    settings: DataSettings,
    context: SocketContext,
    listenerId: string | null,
  ) {
    const isUnix = ends.local.family === 'unix';
    super(kind, isUnix ? 'unix' : 'tcp', 'open', ends.local, ends.remote, settings, context, listenerId);
    const { windowBytes, overflow } = settings.receive;
    this.log = new ByteLog(
      // Field by field: V8 gives each object that begins with a spread a hidden class of its own.
      {
        windowBytes,
        overflow: overflow === 'pause' ? 'pause' : 'drop-oldest',
        now: context.now,
        onRoom: () => this.intake.roomMade(),
        onDropped: (dropped) => this.flow.drop(dropped),
      },
      context.budget,
    );
    this.intake = new Intake(this.log, context.turns, {
      traffic: () => this.received(),
      flow: () => this.flow.setPaused(this.isPaused),
      ended: () => this.peerEnded(),
    });
    const raw = session === null ? adopt(source, this.intake.side) : source;
    if (raw === null || raw.destroyed) throw new SocketError('ENOTCONN', 'the connection is gone');
    this.raw = raw;
    this.peerName = settings.dialledHost ?? errorFields(ends.remote).address ?? '';
    if (isUnix) this.peerCredentials = peerCredentials(filenoOf(raw) ?? -1);
    this.socket = raw;
    this.sends = new SendQueue(raw, () => (this.lastTrafficAt = context.now()));
    raw.on('close', () => this.gone());
    raw.on('error', (error) => this.failed(error));
    if (session !== null) this.speakTls(session);
    else this.intake.fromKernel(raw);
  }

  get fileno(): number | null {
    return this.isClosed ? null : filenoOf(this.raw);
  }

  override get sentBytes(): number {
    return this.sends.sentBytes;
  }

  override get queuedBytes(): number {
    return this.isClosed ? 0 : this.sends.queuedBytes;
  }

  override get isPaused(): boolean {
    return this.eofOffset === null && !this.isClosed && this.intake.isPaused;
  }

  override send(data: Buffer, done: Sent): (reason: SocketError) => void {
    const refusal = this.refusesSends(data.length);
    if (refusal === null) return this.sends.push(data, done);
    queueMicrotask(() => done(refusal, 0));
    return () => undefined;
  }

  /** Puts short `data` behind what waits last, if `done` is told of that: false, when it has to be a send of its own. */
  extend(data: Buffer, done: Sent): boolean {
    return this.refusesSends(data.length) === null && this.sends.extend(data, done);
  }

  override async sendAll(data: Buffer, timeoutMs: number, urgent = false): Promise<number> {
    const refusal = this.refusesSends(data.length);
    if (refusal !== null) throw refusal;
    return this.sends.pushWithin(data, timeoutMs, urgent);
  }

  override sendSome(data: Buffer): number {
    const refusal = this.refusesSends(0);
    if (refusal !== null) throw refusal;
    return this.sends.pushSome(data);
  }

  override shutdown(how: 'read' | 'write' | 'both'): void {
    this.requireOpen('shutdown');
    if (this.upgrading) throw refusal('shutdown', 'EALREADY', 'a TLS handshake is going on');
    if (how !== 'write' && this.eofOffset === null) {
      this.endReceived();
      this.intake.forget();
    }
    if (how === 'read' || this.sends.isEnding) return;
    this.moveTo('half-closed-local');
    this.sends.end();
  }

  override pause(): void {
    this.requireOpen();
    this.intake.setPaused(true);
    this.flow.flush(); // somebody's decision is told each time
  }

  override resume(): void {
    this.requireOpen();
    this.intake.setPaused(false);
    this.flow.flush();
  }

  /** What the handshake came to, and whether the stream was cut short; null without TLS. */
  get tls(): (TlsState & { truncated: boolean }) | null {
    return this.session === null ? null : { ...this.session.state, truncated: this.session.isTruncated };
  }

  /**
   * STARTTLS: sends `before` as it is, and speaks TLS from then on. Not a byte that comes after the
   * call is read as it is. A failure ends the connection. Fails with EISCONN (it speaks TLS), EALREADY
   * (a handshake, or sends, are under way), ENOTCONN (one half is closed, or soon both), SOCKET_GONE,
   * and as a handshake does.
   */
  async startTls(handshake: Handshake, before: Buffer, timeoutMs: number): Promise<void> {
    this.requireOpen('starttls');
    const { raw, intake, sends, upgrading } = this;
    const isOpen = this.state === 'open' && this.closeReason === null;
    refuseUpgrade({ isOpen, isSecure: this.session !== null, upgrading, queuedBytes: sends.queuedBytes });
    this.upgrading = true;
    try {
      const session = await upgrade({ raw, intake, sends }, handshake, before, timeoutMs);
      this.upgrading = false;
      this.speakTls(session);
    } catch (error) {
      this.upgrading = false;
      this.closeReason ??= SocketError.fromSystem(error);
      if (raw.closed) this.gone();
      else raw.destroy();
      throw error;
    }
  }

  override async close(mode: 'graceful' | 'reset', reason: CloseReason): Promise<void> {
    if (this.isClosed) return;
    this.closeReason ??= reason;
    const { fileno } = this;
    const asked = mode === 'reset' || (fileno !== null && closesWithReset(fileno));
    if (!asked && !this.upgrading) return (this.closing ??= this.endInOrder());
    reset(this.raw);
    return this.whenGone;
  }

  private async endInOrder(): Promise<void> {
    const { socket, intake, sends, whenGone } = this;
    await closeGracefully({ socket, intake, sends }, whenGone, (late) => {
      this.closeReason = late;
      reset(this.raw);
    });
    if (!socket.destroyed) this.ended();
  }

  private get whenGone(): Promise<void> {
    return (this.gonePromise ??= new Promise((resolve) => (this.tellGone = resolve)));
  }

  override discard(): void {
    this.intake.forget();
    super.discard();
  }

  override sweep(now: number): void {
    this.sweepLog(now);
    const quietMs = now - this.lastTrafficAt;
    if (!this.isClosed) {
      if (quietMs > QUIET_MS) this.intake.releaseMemory();
      if (this.closeReason !== null) return;
      const lost = this.intake.lostPeer(now, this.raw, this.lastTrafficAt, this.receive.lingerMs);
      if (lost !== null) this.raw.destroy(lost);
      if (this.idleTimeoutMs > 0 && quietMs >= this.idleTimeoutMs) void this.close('graceful', 'idle');
      else if (this.halfClosedTooLong(quietMs)) void this.close('graceful', 'eof');
    }
  }

  private halfClosedTooLong(quietMs: number): boolean {
    if (this.state !== 'half-closed-remote' || !this.sends.isEmpty) return false;
    return quietMs >= this.halfClosedPatienceMs;
  }

  private speakTls(session: TlsSession): void {
    const { socket } = session;
    this.session = session;
    this.socket = socket;
    this.speaks('tls');
    this.sends.continueOver(socket);
    socket.on('error', (error: Error) => this.failed(error));
    this.intake.over(socket);
  }

  private received(): void {
    this.lastTrafficAt = this.context.now();
    if (!this.intake.isDropping) this.receivedChunks += 1;
  }

  private peerEnded(): void {
    if (this.isClosed) return this.log.end();
    this.lastTrafficAt = this.context.now();
    // After a close_notify the kernel may still have something to read, and it is not ours.
    const byTcp = this.session === null || this.session.isTruncated;
    const failure = byTcp ? readingEndedBy(this.raw) : null;
    if (failure !== null) {
      this.socket.destroy(failure);
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

  private refusesSends(bytes: number): SocketError | null {
    if (this.isClosed) return new SocketError('SOCKET_GONE', 'the socket is closed', { syscall: 'send' });
    if (this.upgrading) return refusal('send', 'EALREADY', 'a TLS handshake is going on');
    return this.sends.refuses(bytes);
  }

  private failed(error: Error): void {
    const reason = SocketError.fromSystem(error, errorFields(this.remoteAddress));
    this.closeReason ??= reason;
    this.sends.fail(reason);
  }

  /** The descriptor is closed. Why, in the middle of a handshake, only the handshake can tell. */
  private gone(): void {
    this.sends.fail(new SocketError('ENOTCONN', 'the socket was closed', { syscall: 'send' }));
    if (this.upgrading) return;
    this.ended();
    this.letGo();
    this.context.released(this);
    this.tellGone?.();
  }

  /** The record stays for a while; Node's sockets, with their buffers and with keys behind them, do not. */
  private letGo(): void {
    const { session } = this;
    if (session !== null) this.session = { state: session.state, isTruncated: session.isTruncated };
    this.raw = this.socket = closedSocket;
    this.sends.continueOver(closedSocket);
  }

  /** The log ends as soon as what was read before the end has found room in it. */
  private ended(): void {
    if (this.isClosed) return;
    this.sends.fail(new SocketError('ENOTCONN', 'the socket was closed', { syscall: 'send' }));
    this.settleClosed(this.closeReason ?? 'eof');
    this.intake.close();
  }
}
