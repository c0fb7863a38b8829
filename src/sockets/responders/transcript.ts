import type { Endpoint } from '../endpoint.js';
import type { SocketError } from '../errors.js';
import {
  MAX_ENTRY_ANSWERS,
  MAX_TRANSCRIPT_BYTES,
  MAX_TRANSCRIPT_ENTRIES,
  MAX_TRANSCRIPTS_BYTES,
  TRANSCRIBED_BYTES,
} from '../limits.js';
import type { Incoming } from './inbox.js';

/** Bytes that came or went: their beginning is kept. */
export interface Transcribed {
  offset: number;
  nextOffset: number;
  bytes: number;
  kept: Buffer;
}

export interface Answer extends Transcribed {
  /** Milliseconds since 1970. */
  at: number;
}

/** What a responder does without sending. */
export type Deed = 'close' | 'reset' | 'shutdown' | 'closeListener';

/** What came, which part of the responder it was for, and what was done about it so far. */
export interface Entry {
  sequence: number;
  at: number;
  matched: 'onConnect' | 'rule' | 'otherwise';
  rule: number | null;
  from: Endpoint | null;
  received: Transcribed | null;
  answers: Answer[];
  deeds: Deed[];
  error: SocketError | null;
}

/** What an entry takes beside the bytes it keeps, about. */
const ENTRY_BYTES = 400;
const ANSWER_BYTES = 150;

/** All transcripts together are bounded: for a new entry, those go that nothing was added to for longest. */
export class TranscriptStore {
  private readonly byUse = new Set<Transcript>();
  private total = 0;

  used(transcript: Transcript, bytes: number): void {
    this.total += bytes;
    this.byUse.delete(transcript);
    this.byUse.add(transcript);
    for (const oldest of this.byUse) {
      if (this.total <= MAX_TRANSCRIPTS_BYTES || oldest === transcript) return;
      oldest.clear();
    }
  }

  freed(bytes: number): void {
    this.total -= bytes;
  }

  left(transcript: Transcript): void {
    this.byUse.delete(transcript);
  }
}

/** What the responder of one socket heard and said. The newest of it is kept. */
export class Transcript {
  private entries: Entry[] = [];
  private next = 0;
  private bytes = 0;

  constructor(private readonly store: TranscriptStore) {}

  /** Entries that are not here any more. */
  get dropped(): number {
    return this.next - this.entries.length;
  }

  add(at: number, { matched, rule }: Pick<Entry, 'matched' | 'rule'>, incoming: Incoming | null): Entry {
    const received =
      incoming === null ? null : transcribed(incoming.offset, incoming.nextOffset, incoming.payload);
    const from = incoming?.from ?? null;
    const entry: Entry = {
      sequence: this.next,
      at,
      matched,
      rule,
      from,
      received,
      answers: [],
      deeds: [],
      error: null,
    };
    this.next += 1;
    this.entries.push(entry);
    this.grown(ENTRY_BYTES + (received?.kept.length ?? 0));
    return entry;
  }

  /** Of an answer that has no end, the last part stands for all that follow. */
  answered(entry: Entry, at: number, offset: number, bytes: Buffer): void {
    const last = entry.answers[MAX_ENTRY_ANSWERS - 1];
    if (last !== undefined) {
      last.bytes += bytes.length;
      last.nextOffset = offset + bytes.length;
      return;
    }
    const answer = { at, ...transcribed(offset, offset + bytes.length, bytes) };
    entry.answers.push(answer);
    // Of an entry that has gone meanwhile nothing is kept.
    if (entry.sequence >= this.dropped) this.grown(ANSWER_BYTES + answer.kept.length);
  }

  /** Entries from `sequence` on, at most `limit`, and where to go on. */
  page(sequence: number, limit: number): { items: readonly Entry[]; next: number | null } {
    const first = Math.max(0, sequence - this.dropped);
    const items = this.entries.slice(first, first + limit);
    const end = this.dropped + first + items.length;
    return { items, next: end < this.next ? end : null };
  }

  clear(): void {
    this.store.freed(this.bytes);
    this.store.left(this);
    this.entries = [];
    this.bytes = 0;
  }

  private grown(bytes: number): void {
    this.bytes += bytes;
    let over = 0;
    let freed = 0;
    while (
      this.entries.length - over > 1 &&
      (this.entries.length - over > MAX_TRANSCRIPT_ENTRIES || this.bytes - freed > MAX_TRANSCRIPT_BYTES)
    ) {
      freed += sizeOf(this.entries[over]);
      over += 1;
    }
    if (over > 0) this.entries.splice(0, over);
    this.bytes -= freed;
    this.store.used(this, bytes - freed);
  }
}

function sizeOf(entry: Entry | undefined): number {
  if (entry === undefined) return 0;
  const answers = entry.answers.reduce((sum, { kept }) => sum + ANSWER_BYTES + kept.length, 0);
  return ENTRY_BYTES + (entry.received?.kept.length ?? 0) + answers;
}

/** A copy: the window forgets what it is a part of. */
function transcribed(offset: number, nextOffset: number, bytes: Buffer): Transcribed {
  return { offset, nextOffset, bytes: bytes.length, kept: Buffer.from(bytes.subarray(0, TRANSCRIBED_BYTES)) };
}
