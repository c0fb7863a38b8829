import { DatagramLog } from './datagram-log.js';
import type { DatagramRecord } from './datagram-record.js';
import { DatagramReceiver } from './datagram-receiver.js';
import { DatagramSends } from './datagram-sends.js';
import { DataSocket } from '../data-socket.js';
import { Destinations, maxPayloadTo, type Ways } from './destination.js';
import type { Endpoint, InternetEndpoint } from '../endpoint.js';
import { SocketError } from '../errors.js';
import { CLOSE_FLUSH_MS, UNIX_RETRY_MS } from '../limits.js';
import type { IcmpEcho } from './icmp-echo.js';
import { Memberships } from './memberships.js';
import { arenaFor } from '../native/arenas.js';
import { encodeSockaddr } from '../native/sockaddr.js';
import { close, getsockname, send, sendto, shutdown, type SocketFamily } from '../native/syscalls.js';
import { Watch } from '../native/watch.js';
import type { Sent } from '../stream/pending-send.js';
import type { CloseReason, Protocol, SocketContext } from '../socket.js';
import type { DataSettings } from '../socket-settings.js';

/** What an earlier datagram met: reported by the kernel, some time after it was sent. */
export interface AsyncError {
  error: SocketError;
  at: number;
  count: number;
}

/** A descriptor and what it is; from here on the socket's to close. */
export interface OpenDatagram {
  fd: number;
  kind: 'listener' | 'client';
  protocol: Protocol;
  family: SocketFamily;
  /** The connected peer; null: none. */
  remote: Endpoint | null;
  /** Of an ICMP socket. */
  echo?: IcmpEcho;
  /** Of a Unix socket: removes its file. */
  unlink?: () => void;
}

/**
 * A datagram socket, bound or connected: UDP, Unix, ICMP echo. What comes is copied from the kernel into its log
 * at once, batch by batch; what the kernel had to drop is counted where it is missing.
 */
export class DatagramSocket extends DataSocket {
  override readonly log: DatagramLog;
  private fd: number | null;
  protected readonly addressFamily: SocketFamily;
  private readonly watch: Watch;
  private readonly receiver: DatagramReceiver;
  private readonly sends: DatagramSends;
  readonly memberships: Memberships;
  readonly destinations: Destinations;
  private pausedByUser = false;
  private receiveShut = false;
  private retry: NodeJS.Timeout | null = null;
  /** The last error that came back for a datagram sent before (ICMP port unreachable, say); null: none. */
  lastError: AsyncError | null = null;

  constructor(
    private readonly open: OpenDatagram,
    settings: DataSettings,
    context: SocketContext,
    ways: Ways,
  ) {
    const { fd, kind, protocol, family, remote, echo = null } = open;
    super(kind, protocol, 'open', getsockname(fd), remote, settings, context, null);
    this.fd = fd;
    this.addressFamily = family;
    const overflow = settings.receive.overflow === 'drop-newest' ? 'drop-newest' : 'drop-oldest';
    this.log = new DatagramLog(
      {
        ...settings.receive,
        overflow,
        unix: family === 'unix',
        echo,
        now: context.now,
        onRoom: () => undefined,
        onDropped: (dropped) => this.flow.drop(dropped),
      },
      context.budget,
    );
    this.receiver = new DatagramReceiver(arenaFor(family), this.log, (error) => this.noticed(error), echo);
    this.sends = new DatagramSends(
      (data, to) => this.transmit(data, to),
      () => this.applyInterest(),
    );
    const port = 'port' in this.localAddress ? this.localAddress.port : 0;
    this.memberships = new Memberships(() => this.descriptor('setsockopt'), ways.policy, port);
    this.destinations = new Destinations(family, protocol, ways);
    this.watch = new Watch(fd, () => this.ready());
    this.applyInterest();
  }

  override get fileno(): number | null {
    return this.fd;
  }

  override get sentBytes(): number {
    return this.sends.sentBytes;
  }

  get sentDatagrams(): number {
    return this.sends.sentDatagrams;
  }

  override get queuedBytes(): number {
    return this.sends.queuedBytes;
  }

  override get isPaused(): boolean {
    return this.pausedByUser && this.fd !== null;
  }

  /** Datagrams the kernel has dropped so far, those not yet told as a gap included. */
  get kernelDrops(): number {
    return this.log.dropped.kernel + (this.fd === null ? 0 : this.receiver.untoldDrops(this.fd));
  }

  /** To the connected peer. EDESTADDRREQ when there is none. */
  override send(data: Buffer, done: Sent): (reason: SocketError) => void {
    return this.sendTo(data, null, done);
  }

  override sendAll(data: Buffer, timeoutMs: number): Promise<number> {
    return this.sendAllTo(data, null, timeoutMs);
  }

  override sendSome(data: Buffer): number {
    return this.sendSomeTo(data, null);
  }

  /** sendto(2) to an end that `destination` has allowed; null: the connected peer. */
  sendTo(data: Buffer, to: Endpoint | null, done: Sent): (reason: SocketError) => void {
    try {
      return this.sends.push(data, this.checked(data, to), done);
    } catch (error) {
      queueMicrotask(() => done(SocketError.fromSystem(error), 0));
      return () => undefined;
    }
  }

  async sendAllTo(data: Buffer, to: Endpoint | null, timeoutMs: number): Promise<number> {
    return this.sends.pushWithin(data, this.checked(data, to), timeoutMs);
  }

  /** As `sendTo`, but never waits: 0 where the kernel has no room. An empty datagram is sent or fails. */
  sendSomeTo(data: Buffer, to: Endpoint | null): number {
    return this.sends.pushNow(data, this.checked(data, to));
  }

  /** A datagram in the form it has in memory and on a WebSocket; without an address, to the connected peer. */
  sendRecord({ address, port, payload }: DatagramRecord, done: Sent): void {
    try {
      this.sendTo(payload, address.length === 0 ? null : this.destinations.ofRecord(address, port), done);
    } catch (error) {
      queueMicrotask(() => done(SocketError.fromSystem(error), 0));
    }
  }

  /** shutdown(2), as the kernel has it: ENOTCONN without a peer. */
  override shutdown(how: 'read' | 'write' | 'both'): void {
    shutdown(this.descriptor('shutdown'), how);
    if (how !== 'read') this.moveTo('half-closed-local');
    if (how === 'write' || this.receiveShut) return;
    this.receiveShut = true;
    this.eofOffset = this.log.headOffset;
    this.log.end();
    this.applyInterest();
  }

  override pause(): void {
    this.requireOpen();
    this.pausedByUser = true;
    this.applyInterest();
    this.tellPaused();
  }

  override resume(): void {
    this.requireOpen();
    this.pausedByUser = false;
    this.applyInterest();
    this.tellPaused();
  }

  override async close(mode: 'graceful' | 'reset', reason: CloseReason): Promise<void> {
    if (this.fd === null) return;
    this.closeReason ??= reason;
    if (mode === 'graceful') {
      if (!this.sends.isEmpty) await this.sends.drainedWithin(CLOSE_FLUSH_MS);
      this.receiveTheRest();
    }
    this.release(this.closeReason);
  }

  override sweep(now: number): void {
    this.sweepLog(now);
    this.tellDropsAtTheEnd();
    if (this.fd === null || this.idleTimeoutMs === 0) return;
    if (now - this.lastTrafficAt >= this.idleTimeoutMs) void this.close('graceful', 'idle');
  }

  private release(reason: CloseReason): void {
    const { fd } = this;
    if (fd === null) return;
    this.fd = null;
    this.watch.close();
    clearTimeout(this.retry ?? undefined);
    close(fd);
    this.open.unlink?.();
    this.sends.fail(new SocketError('ENOTCONN', 'the socket was closed', { syscall: 'send' }));
    this.settleClosed(reason);
    this.log.end();
    this.context.released(this);
  }

  /** Somebody's decision is told each time. */
  private tellPaused(): void {
    this.flow.setPaused(this.isPaused);
    this.flow.flush();
  }

  private applyInterest(): void {
    if (this.fd === null) return;
    const waits = !this.sends.isEmpty;
    // The kernel takes an unconnected Unix socket for writable whatever the receiver's queue is like.
    const blind = this.addressFamily === 'unix' && this.remoteAddress === null;
    this.watch.want({ readable: this.receives, writable: waits && !blind });
    if (waits && blind) this.retry ??= setTimeout(() => this.tryAgain(), UNIX_RETRY_MS);
  }

  private tryAgain(): void {
    this.retry = null;
    if (this.fd === null) return;
    this.sends.pump();
    this.applyInterest();
  }

  private ready(): void {
    const { fd } = this;
    if (fd === null) return;
    if (this.receives) this.received(this.receiver.receive(fd));
    this.sends.pump();
    this.applyInterest();
  }

  private get receives(): boolean {
    return !this.pausedByUser && !this.receiveShut;
  }

  /** Once in a sweep, not with each datagram: it is a call of the kernel of its own. */
  private tellDropsAtTheEnd(): void {
    if (this.fd === null || !this.receives || this.receiver.isSettled) return;
    this.received(this.receiver.receiveToTheEnd(this.fd));
  }

  /** What the kernel has would go with the descriptor; of a paused socket too it is kept for readers. */
  private receiveTheRest(): void {
    if (this.fd !== null && !this.receiveShut) this.received(this.receiver.receiveAll(this.fd));
  }

  private received(datagrams: number): void {
    if (datagrams === 0) return;
    this.receivedChunks += datagrams;
    this.lastTrafficAt = this.context.now();
  }

  /** An error of an earlier datagram concerns that one; the socket goes on. */
  private noticed(error: SocketError): void {
    this.lastError = { error, at: this.context.now(), count: (this.lastError?.count ?? 0) + 1 };
    this.flow.noteUnreachable();
  }

  /** Encoded, after what the kernel would refuse without a word that helps. */
  private checked(data: Buffer, to: Endpoint | null): Uint8Array | null {
    this.descriptor('send');
    const end = to ?? this.remoteAddress;
    if (end !== null && end.family !== 'unix') refuseTooLong(data, end);
    return to === null ? null : encodeSockaddr(to, this.addressFamily);
  }

  /**
   * One more try after an error: it may have been an earlier datagram's, which send(2) tells once. Not
   * so a Unix socket's, which are told at once.
   */
  private transmit(data: Buffer, to: Uint8Array | null): boolean {
    try {
      return this.transmitOnce(data, to);
    } catch (error) {
      if (this.addressFamily === 'unix') throw error;
      const sent = this.transmitOnce(data, to);
      this.noticed(SocketError.fromSystem(error));
      return sent;
    }
  }

  private transmitOnce(data: Buffer, to: Uint8Array | null): boolean {
    const fd = this.descriptor('send');
    const { echo } = this.open;
    const packet = echo?.request(data) ?? data;
    if ((to === null ? send(fd, packet) : sendto(fd, packet, to)) === null) return false;
    echo?.sent();
    this.lastTrafficAt = this.context.now();
    return true;
  }

  private descriptor(syscall: string): number {
    if (this.fd !== null) return this.fd;
    throw new SocketError('SOCKET_GONE', 'the socket is closed', { syscall });
  }
}

function refuseTooLong(data: Buffer, end: InternetEndpoint): void {
  const most = maxPayloadTo(end);
  if (data.length <= most) return;
  const detail = `sendto EMSGSIZE: ${String(data.length)} bytes, ${String(most)} at most`;
  throw new SocketError('EMSGSIZE', detail, { syscall: 'sendto', address: end.address, port: end.port });
}
