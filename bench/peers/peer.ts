import { type Door } from '../load/client.js';

/** A running bridge, in a process of its own. */
export interface Peer {
  readonly name: string;
  /** The process whose CPU, with all its children, is the bridge's. */
  readonly pid: number;
  /** A way through to the target, for one connection; released when that is over. */
  open(): Promise<{ door: Door; release: () => Promise<void> }>;
  stop(): Promise<void>;
}

/** How to get one. The target is a TCP port on loopback. */
export interface PeerKind {
  readonly name: string;
  start(targetPort: number): Promise<Peer>;
}

/** The peer cannot be had on this machine: left out, and said so, where any other error is a failure. */
export class Unavailable extends Error {}
