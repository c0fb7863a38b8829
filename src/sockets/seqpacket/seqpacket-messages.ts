import type { Arrival } from '../datagram/datagram-record.js';
import { DatagramArena } from '../native/datagram-arena.js';
import { recv } from '../native/syscalls.js';
import { realtimeMicros } from '../native/libc.js';

const MSG_PEEK = 0x02;
const MSG_TRUNC = 0x20;

const NOTHING = Buffer.alloc(0);
const oneByte = Buffer.alloc(1);

/** Grows to the largest message there was; every connection copies out of it at once. */
let scratch = Buffer.alloc(256 * 1024);

let emptyOnes: DatagramArena | null = null;

/** Of what has no bytes: recv(2) answers 0 for both, but only a message has a time, if it was asked for. */
function takeEmpty(fd: number): 'message' | 'end' {
  emptyOnes ??= new DatagramArena(1, 1);
  return emptyOnes.receive(fd) > 0 && emptyOnes.datagram(0).isStamped ? 'message' : 'end';
}

/**
 * The next message of a SOCK_SEQPACKET socket that stamps what arrives, valid until the next call; null when there is none, or
 * when `takes` does not want one of that length now.
 */
export function nextMessage(fd: number, takes: (bytes: number) => boolean): Arrival | 'eof' | null {
  const length = recv(fd, oneByte, MSG_PEEK | MSG_TRUNC);
  if (length === null || (length > 0 && !takes(length))) return null;
  if (length > scratch.length) scratch = Buffer.alloc(length);
  if (length > 0) recv(fd, scratch);
  else if (takeEmpty(fd) === 'end') return 'eof';
  return {
    timeMicros: realtimeMicros(),
    port: 0,
    hops: 0,
    names: NOTHING,
    nameStart: 0,
    nameEnd: 0,
    bytes: scratch,
    start: 0,
    end: length,
  };
}

/** Reads and drops what is there. */
export function skipMessages(fd: number): void {
  const some = (): boolean => {
    try {
      const found = nextMessage(fd, () => true);
      return found !== null && found !== 'eof';
    } catch {
      return false; // the peer has reset it
    }
  };
  while (some());
}
