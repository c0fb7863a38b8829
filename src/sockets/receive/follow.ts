import { SocketError } from '../errors.js';
import { LogReader, type BytesPiece, type LogView } from './log-view.js';
import { gone } from './read.js';
import type { ByteLog } from './byte-log.js';

/** A follower's bytes leave in pieces of at most this size. */
const PIECE_BYTES = 64 * 1024;

/**
 * Everything from an offset until the end, as it comes. Without a reader's name it only looks, and
 * holds nobody back; with one, what was taken by whoever iterates is committed. It is attached when
 * this returns, and until the iteration ends or `signal` is aborted (ECANCELED). A gap ends it with
 * OFFSET_GONE, a take-over of the name with READER_ATTACHED.
 */
export function follow(
  log: ByteLog,
  offset: number,
  reader: string | null,
  signal: AbortSignal,
): AsyncGenerator<Buffer> {
  if (log.isDiscarded) throw new SocketError('SOCKET_GONE', 'the received bytes were thrown away');
  if (offset < log.earliestOffset) throw gone({ from: offset, to: log.earliestOffset });
  const follower = new Follower(log, offset, reader);
  const abort = (): void => {
    follower.stop(new SocketError('ECANCELED', 'nobody follows any more'));
  };
  if (signal.aborted) abort();
  else signal.addEventListener('abort', abort, { once: true });
  return follower.pieces();
}

class Follower {
  private readonly view: LogView<BytesPiece>;
  private stopped: SocketError | null = null;
  /** Something happened while nobody waited for it. */
  private woken = false;
  private waiting: (() => void) | null = null;

  constructor(
    private readonly log: ByteLog,
    offset: number,
    reader: string | null,
  ) {
    const wake = (): void => this.wake();
    const takenOver = (): void => {
      this.stop(new SocketError('READER_ATTACHED', `reader "${String(reader)}" was taken over`));
    };
    this.view = reader === null ? log.observe(offset, wake) : log.attach(reader, offset, wake, takenOver);
  }

  /** Also before the first piece was asked for: nothing stays attached. */
  stop(error: SocketError): void {
    this.stopped ??= error;
    this.view.detach();
    this.wake();
  }

  async *pieces(): AsyncGenerator<Buffer> {
    try {
      for (;;) {
        if (this.stopped !== null) throw this.stopped;
        if (this.log.isDiscarded) throw new SocketError('SOCKET_GONE', 'the received bytes were thrown away');
        const piece = this.view.read(PIECE_BYTES);
        if (piece === null) {
          if (this.log.isEnded) return;
          await this.somethingNew();
        } else if (piece.kind === 'gap') {
          throw gone(piece);
        } else {
          yield piece.bytes;
          if (this.view instanceof LogReader) this.view.commit(this.view.position);
        }
      }
    } finally {
      this.view.detach();
    }
  }

  private wake(): void {
    this.woken = true;
    this.waiting?.();
  }

  private async somethingNew(): Promise<void> {
    if (!this.woken) await new Promise<void>((resolve) => (this.waiting = resolve));
    this.waiting = null;
    this.woken = false;
  }
}
