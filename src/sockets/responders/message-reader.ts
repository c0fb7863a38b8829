import type { DatagramLog } from '../datagram/datagram-log.js';
import { ByteLog } from '../receive/byte-log.js';
import { RESPONDER_READER } from '../receive/cursors.js';
import { LogReader, type BytesPiece, type DatagramsPiece, type LogView } from '../receive/log-view.js';
import type { ReceiveLog, StartAt } from '../receive/receive-log.js';
import type { Answering } from './answering.js';
import { DatagramInbox, StreamInbox, type Incoming } from './inbox.js';

type Inbox = StreamInbox | DatagramInbox;

/**
 * The messages that one socket received, for its responder: as a consuming reader, or as one that only looks.
 * With another responder it goes on behind the last message that was answered.
 */
export class MessageReader {
  private view: LogView<BytesPiece> | LogView<DatagramsPiece> | null = null;
  private inbox: Inbox | null = null;
  private answering: Answering | null = null;
  private next: StartAt = 'committed';

  constructor(
    private readonly log: ByteLog | DatagramLog,
    private readonly now: () => number,
    private readonly wake: () => void,
    /** Somebody else reads under its name now, or has removed it. */
    private readonly onTakenOver: () => void,
  ) {}

  /** The messages as that responder bounds them. */
  messagesFor(answering: Answering): Inbox {
    if (this.inbox !== null && this.answering === answering) return this.inbox;
    // The same reader goes on: what it has not answered must not be let go meanwhile.
    if (answering.consumes) this.view?.detach();
    else this.leave();
    this.answering = answering;
    this.inbox = this.open(answering);
    return this.inbox;
  }

  /** It has been answered. */
  done({ nextOffset }: Incoming): void {
    this.next = nextOffset;
    if (this.view instanceof LogReader) this.view.commit(nextOffset);
  }

  /** Drops all that has come. */
  skip(): void {
    const { view, log } = this;
    if (view === null) return;
    view.position = this.next = log.headOffset;
    if (view instanceof LogReader) view.commit(view.position);
  }

  /** What it has not answered is for whoever reads next. */
  leave(): void {
    if (this.view instanceof LogReader) this.view.retire();
    else this.view?.detach();
    this.view = this.inbox = null;
  }

  private open(answering: Answering): Inbox {
    const { log } = this;
    if (log instanceof ByteLog) {
      const view = this.viewOf(log, answering.consumes);
      this.view = view;
      return new StreamInbox(view, answering.script, this.now);
    }
    const view = this.viewOf(log, answering.consumes);
    this.view = view;
    return new DatagramInbox(view, log);
  }

  private viewOf<Data extends BytesPiece | DatagramsPiece>(
    log: ReceiveLog<Data>,
    consumes: boolean,
  ): LogView<Data> {
    const view = consumes
      ? log.attach(RESPONDER_READER, this.next, this.wake, this.onTakenOver)
      : log.observe(this.next, this.wake);
    this.next = view.position;
    return view;
  }
}
