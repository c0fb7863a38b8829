import type { Arrival } from '../datagram/datagram-record.js';
import { recv } from '../native/syscalls.js';
import { realtimeMicros } from '../native/libc.js';

const MSG_PEEK = 0x02;
const MSG_TRUNC = 0x20;

const NOTHING = Buffer.alloc(0);
const oneByte = Buffer.alloc(1);

/** Grows to the largest message there was; every connection copies out of it at once. */
let scratch = Buffer.alloc(256 * 1024);

/**
 * The next message of a SOCK_SEQPACKET socket, valid until the next call; null when there is none, or
 * when `takes` does not want one of that length now.
 */
export function nextMessage(fd: number, takes: (bytes: number) => boolean): Arrival | 'eof' | null {
  const length = recv(fd, oneByte, MSG_PEEK | MSG_TRUNC);
  if (length === null || (length > 0 && !takes(length))) return null;
  if (length > scratch.length) scratch = Buffer.alloc(length);
  recv(fd, scratch);
  // An empty message looks like the end, which stays: after a message something else comes, or nothing yet.
  if (length === 0 && recv(fd, oneByte, MSG_PEEK | MSG_TRUNC) === 0) return 'eof';
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
      return (recv(fd, oneByte) ?? 0) > 0;
    } catch {
      return false; // the peer has reset it
    }
  };
  while (some());
}
