import type { WebSocket } from 'ws';
import {
  ByteLog,
  DatagramLog,
  SocketError,
  type BytesPiece,
  type DatagramsPiece,
  type Engine,
  type Gap,
  type LogReader,
  type DataSocket,
} from '../../../sockets/index.js';
import { connectOver } from '../../common/create.dto.js';
import { validate } from '../../common/validation.js';
import { invalid, problem, problemOf } from '../../problems/problem.js';
import { CLOSE_GOING_AWAY, CLOSE_NORMAL, CLOSE_UNSUPPORTED_DATA, closeCodeOf } from '../close-codes.js';
import type { ClientReads } from '../wire/client-reads.js';
import { PipeIntake } from './pipe-intake.js';
import { pipeTarget, PipeQuery } from './pipe.dto.js';
import { PlainFrames } from '../wire/plain-frames.js';
import { WebSocketWriter } from '../wire/websocket-writer.js';

/** At most this much in one message: clients need not hold more at once. */
const FRAME_BYTES = 64 * 1024;

/** Messages on their way to the kernel, however short. */
const MAX_UNSENT = 4096;

type PipeReader = LogReader<BytesPiece> | LogReader<DatagramsPiece>;

/**
 * One client on `/v1/pipe`: the bytes of one socket as binary messages, nothing added, both ways. Of a
 * datagram socket each message is one datagram.
 */
export class PipeSession {
  private readonly writer: WebSocketWriter;
  private readonly intake: PipeIntake;
  /** Aborted when the WebSocket closes: a dial ends there and then. */
  private readonly gone = new AbortController();
  private connection: DataSocket | null = null;
  private reader: PipeReader | null = null;
  /** Dialled by this WebSocket: it dies with it. */
  private dialled = false;
  /** Messages that the kernel has not taken; the close waits for them, for as long as the client needs. */
  private unsent = 0;

  constructor(
    webSocket: WebSocket,
    reads: ClientReads,
    private readonly engine: Engine,
    query: URLSearchParams,
    maxMessageBytes: number,
  ) {
    const { socket } = reads;
    this.writer = new WebSocketWriter(webSocket, socket, () => {
      this.pump();
      this.intake.apply();
    });
    this.intake = new PipeIntake(webSocket, this.writer, (error) => this.fail(error));
    webSocket.on('ping', () => this.intake.apply());
    webSocket.on('message', (data: Buffer, isBinary) => this.received(data, isBinary, () => undefined));
    const isStream = (): boolean => this.connection?.log instanceof ByteLog;
    const take = (bytes: Buffer, _: number, done: () => void): void => this.received(bytes, true, done);
    new PlainFrames(webSocket, reads, { hasHeader: false, maxMessageBytes, isStream, take });
    webSocket.once('close', () => this.end());
    // It is over once both have said so: a client need not close its TCP connection then.
    socket.once('finish', () => this.end());
    this.start(query).catch((error: unknown) => this.fail(error));
  }

  private async start(query: URLSearchParams): Promise<void> {
    const asked = validate(PipeQuery, uniqueParameters(query));
    const target = pipeTarget(asked, this.engine.limits);
    this.dialled = target.dial !== null;
    const connection =
      target.dial === null
        ? this.engine.dataSocket(target.socketId)
        : await connectOver(this.engine, target.protocol, target.dial, this.gone.signal);
    this.connection = connection;
    if (this.gone.signal.aborted) return void this.hangUp();
    this.reader = connection.log.attach(
      asked.reader,
      'committed',
      () => this.pump(),
      () => this.takenOver(),
    );
    this.intake.feed(connection);
    this.pump();
  }

  /** As much as the WebSocket takes, then the end: the peer's EOF after all its bytes. */
  private pump(): void {
    const { reader, connection } = this;
    if (reader === null || connection === null || !this.writer.isOpen) return;
    while (!this.writer.isSaturated && this.unsent < MAX_UNSENT) {
      const piece = reader.read(FRAME_BYTES);
      if (piece === null) return this.closeAtEnd(connection);
      if (piece.kind === 'bytes') this.message(reader, piece.bytes, piece.nextOffset, piece.memory);
      else if (piece.kind === 'datagrams') this.datagrams(reader, connection, piece);
      else if (connection.log instanceof ByteLog) return this.failAtGap(reader, piece);
    }
  }

  /** One message; what the kernel took for the WebSocket counts as committed. */
  private message(
    reader: PipeReader,
    bytes: Buffer,
    nextOffset: number,
    memory: { release(): void } | null,
  ): void {
    this.unsent += 1;
    this.writer.bareBytes(bytes, (taken) => {
      this.unsent -= 1;
      if (taken) reader.commit(nextOffset);
      memory?.release();
    });
  }

  private datagrams(reader: PipeReader, { log }: DataSocket, piece: DatagramsPiece): void {
    if (!(log instanceof DatagramLog)) return;
    for (const { sequence, payload } of log.datagramsOf(piece)) {
      const isLast = sequence + 1 === piece.nextOffset;
      this.message(reader, payload, sequence + 1, isLast ? piece.memory : null);
    }
  }

  /** A pipe has no way to tell a gap but to end; the next one goes on behind it. */
  private failAtGap(reader: PipeReader, { from, to }: Gap): void {
    reader.commit(to);
    this.fail(
      new SocketError('OFFSET_GONE', `bytes ${String(from)} to ${String(to)} are gone`, {
        gap: { from, to },
      }),
    );
  }

  private closeAtEnd({ log, eofOffset, closeReason }: DataSocket): void {
    if (!log.isEnded || this.unsent > 0) return;
    if (closeReason instanceof SocketError) this.fail(closeReason);
    else if (closeReason === 'shutdown') this.close(CLOSE_GOING_AWAY, closeReason);
    else this.close(CLOSE_NORMAL, eofOffset === null ? (closeReason ?? 'closed') : 'eof');
  }

  private received(data: Buffer, isBinary: boolean, done: () => void): void {
    if (!this.writer.isOpen) return done(); // closing: ws reads on until the client answers
    if (!isBinary) return this.close(CLOSE_UNSUPPORTED_DATA, 'binary frames only');
    this.intake.take(data, done);
  }

  private takenOver(): void {
    this.reader = null;
    this.closeWith(problem('taken-over', 'the name was taken over by another reader, or removed'));
  }

  private fail(error: unknown): void {
    this.closeWith(problemOf(error));
  }

  private closeWith(found: ReturnType<typeof problem>): void {
    if (!this.writer.isOpen) return;
    const { code, reason } = closeCodeOf(found);
    this.close(code, reason);
  }

  private close(code: number, reason: string): void {
    this.writer.close(code, reason);
    this.intake.apply(); // a paused WebSocket would not see the client's answer
    void this.hangUp(); // which may never come, and nothing of it is taken any more
  }

  private end(): void {
    this.reader?.detach();
    this.reader = null;
    void this.hangUp();
  }

  /** Ends what was dialled for the client, or the dial. */
  private async hangUp(): Promise<void> {
    this.gone.abort();
    if (!this.dialled || this.connection === null) return;
    const { connection } = this;
    if (!connection.isClosed) await connection.close('graceful', 'api');
    connection.log.discard();
  }
}

function uniqueParameters(query: URLSearchParams): Record<string, string> {
  const parameters = new Map<string, string>();
  for (const [name, value] of query) {
    if (parameters.has(name)) throw invalid([{ pointer: `/${name}`, detail: 'must be given once' }]);
    if (name !== 'ticket') parameters.set(name, value);
  }
  return Object.fromEntries(parameters);
}
