import type { StreamOverflow } from './receive/byte-log.js';
import type { DatagramOverflow } from './datagram/datagram-log.js';

/** How a socket was asked to be: the same for every kind. */
export interface SocketLabels {
  name: string | null;
  labels: Readonly<Record<string, string>>;
  /** Closed when nobody renews it for this long; null: never. */
  leaseMs: number | null;
  /** Of a client that has connected: who it was while connecting, and since when. */
  born?: { readonly id: string; readonly at: number };
}

/** What can be changed for the whole process while it runs. */
export interface ProcessSettings {
  /** What sockets made from now on have as their timeout; null: none. Python's socket.setdefaulttimeout. */
  defaultTimeoutMs: number | null;
}

/** How a socket keeps what it receives. */
export interface ReceiveSettings {
  windowBytes: number;
  overflow: StreamOverflow | DatagramOverflow;
  /** How long unread bytes outlive the close. */
  lingerMs: number;
  /** A reader that is away for longer is forgotten; null: never. */
  readerTtlMs: number | null;
}

export interface DataSettings extends SocketLabels {
  /** Of a client: the name or address that was asked for. */
  dialledHost?: string;
  receive: ReceiveSettings;
  /** Closed after this long without a byte in either direction; 0: never. */
  idleTimeoutMs: number;
}
