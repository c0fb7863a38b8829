import type { Socket } from 'node:net';
import type { ByteLog } from '../receive/byte-log.js';
import { SocketError } from '../errors.js';
import { filenoOf, isConnected, readInto, type ReadSide } from './kernel-handle.js';
import { takeError } from '../native/syscalls.js';
import { ReadBuffer } from './read-buffer.js';
import { ReadTurn, type ReadTurns } from './read-turns.js';

/** What the connection hears of its intake. */
interface IntakeEvents {
  /** Bytes came; before they are in the log. */
  traffic: () => void;
  /** `isPaused` may have changed. */
  flow: () => void;
  /** The source has ended, and all that it brought is in the log. Once, and again when the descriptor is closed. */
  ended: () => void;
}

/**
 * The receiving half of a stream connection: from the kernel, or from TLS over it, into the log.
 * Reading stops while the log is full, or the user asks for it; TCP then slows the peer. Who carries
 * much waits for a turn among the others.
 */
export class Intake {
  /** For the kernel's reads, which write into memory of ours; TLS brings its own, by `over`. */
  readonly side: ReadSide;
  private readonly reads: ReadBuffer;
  /** What is paused and resumed; null while a handshake reads. */
  private source: Socket | null = null;
  /** The connection that libuv reads into our memory; null once TLS lies over it. */
  private direct: Socket | null = null;
  private pausedByUser = false;
  private stalled = false;
  private readonly turn: ReadTurn;
  private waitsForTurn = false;
  private reading = true;
  private dropping = false;
  /** Nothing more comes from the source; `told` once that was said. */
  private sourceEnd: 'no' | 'reached' | 'told' = 'no';
  private peerLostAt: number | null = null;
  private readonly onDecrypted = (bytes: Buffer): void => this.decrypted(bytes);

  constructor(
    private readonly log: ByteLog,
    turns: ReadTurns,
    private readonly events: IntakeEvents,
  ) {
    this.reads = new ReadBuffer(log);
    this.turn = new ReadTurn(turns, () => {
      this.waitsForTurn = false;
      this.readOrNot();
    });
    this.side = {
      memory: () => (this.dropping ? this.reads.dump : this.reads.next()),
      filled: (count) => this.filled(count),
    };
  }

  /** The log is full, or the user has asked for it. */
  get isPaused(): boolean {
    return !this.dropping && (this.pausedByUser || this.stalled);
  }

  get isDropping(): boolean {
    return this.dropping;
  }

  /** `socket` was adopted with `side`. */
  fromKernel(socket: Socket): void {
    this.source = socket;
    this.direct = socket;
    socket.on('end', () => {
      if (this.source === socket) this.sourceEnded();
    });
  }

  /** From now on what `secured` decrypts. The log goes on where it is. */
  over(secured: Socket): void {
    this.source = secured;
    this.direct = null;
    // Set before the listener, which would start the flow.
    if (this.reading) secured.resume();
    else secured.pause();
    secured.on('data', this.onDecrypted);
    if (secured.readableEnded) this.sourceEnded();
    else secured.once('end', () => this.sourceEnded());
  }

  /** Not one more byte is read as it is: what comes from now on is for a handshake. */
  suspend(): void {
    this.releaseMemory();
    this.source?.pause();
    this.source = null;
    this.direct = null;
  }

  setPaused(paused: boolean): void {
    this.pausedByUser = paused;
    this.applyFlow();
  }

  roomMade(): void {
    this.applyFlow();
    this.tellEnd();
  }

  /** What was read so far is the log's, as it has room; what the peer still sends is read and dropped. */
  drop(): void {
    if (this.dropping) return;
    this.readOut();
    this.dropping = true;
    // What libuv holds is the log's memory, which can be another log's soon: it must be exchanged first.
    const shared = this.reads.release();
    if (this.direct !== null) readInto(this.direct, shared);
    this.readOrNot();
  }

  /** Not one byte more goes into the log. */
  forget(): void {
    this.drop();
    this.log.dropWithheld();
    this.tellEnd();
  }

  /** The descriptor is closed. What was read from it before is there for whoever makes room. */
  close(): void {
    this.readOut();
    this.reads.release();
    this.turn.leave();
    this.source = null;
    this.direct = null;
    this.sourceEnd = 'reached';
    this.tellEnd();
  }

  /** The connection has gone quiet, or is to be read by somebody else. */
  releaseMemory(): void {
    if (this.direct !== null && this.reads.holdsMemory) readInto(this.direct, this.reads.release());
  }

  /**
   * A connection that is not read does not hear of a reset, or of a keep-alive that failed. What the
   * kernel still holds of it can be read for `patienceMs`; then it has failed, with the error answered.
   */
  lostPeer(now: number, raw: Socket, lastTrafficAt: number, patienceMs: number): SocketError | null {
    if (this.reading || isConnected(raw)) this.peerLostAt = null;
    else this.peerLostAt ??= now;
    const since = Math.max(this.peerLostAt ?? now, lastTrafficAt);
    if (this.peerLostAt === null || now - since < patienceMs) return null;
    const fileno = filenoOf(raw);
    const told = fileno === null ? null : takeError(fileno, 'read');
    // Somebody may have asked for SO_ERROR and taken it.
    const detail = 'read ECONNRESET: the peer went while nobody read';
    return told ?? new SocketError('ECONNRESET', detail, { syscall: 'read' });
  }

  /** The kernel wrote `count` bytes into the memory it was lent. Answers whether to go on reading. */
  private filled(count: number): boolean {
    this.events.traffic();
    this.waitsForTurn = !this.turn.took(count);
    if (!this.dropping) this.reads.filled(count);
    this.applyFlow();
    return this.reading;
  }

  private decrypted(bytes: Buffer): void {
    this.events.traffic();
    this.waitsForTurn = !this.turn.took(bytes.length);
    if (!this.dropping) this.log.write(bytes);
    this.applyFlow();
  }

  /** Of TLS Node may hold something that was decrypted while nothing was to be read. */
  private readOut(): void {
    if (this.dropping || this.direct !== null || this.source === null) return;
    const { source } = this;
    source.off('data', this.onDecrypted); // read() tells it too, but not after an error
    for (let bytes = next(source); bytes !== null; bytes = next(source)) this.log.write(bytes);
    source.on('data', this.onDecrypted);
  }

  private sourceEnded(): void {
    if (this.sourceEnd === 'no') this.sourceEnd = 'reached';
    this.tellEnd();
  }

  private tellEnd(): void {
    if (this.sourceEnd !== 'reached' || this.log.isWithholding) return;
    this.sourceEnd = 'told';
    this.events.ended();
  }

  /** Reads, or stops, as the log and the user have it. */
  private applyFlow(): void {
    if (!this.dropping) {
      this.stalled = this.log.room === 0;
      this.events.flow();
    }
    this.readOrNot();
  }

  private readOrNot(): void {
    const reading = !this.waitsForTurn && !this.isPaused;
    if (reading === this.reading) return;
    this.reading = reading;
    if (reading) this.source?.resume();
    else this.source?.pause();
  }
}

function next(source: Socket): Buffer | null {
  return source.read() as Buffer | null;
}
