import type { RE2JS } from 're2js';
import type { Handshake } from '../tls/tls-handshake.js';

/** What ends a wait for the peer: of a stream any but `datagrams`, of datagrams that or silence. */
export type Until =
  | { eof: true }
  | { bytes: number }
  | { delimiter: Buffer }
  | { matches: RE2JS }
  /** Nothing for so long, after something. */
  | { idleMs: number }
  | { datagrams: number };

/** Each is one line of a dialogue. */
export type Step =
  | { kind: 'send'; bytes: Buffer }
  | { kind: 'expect'; until: Until }
  | { kind: 'starttls'; handshake: (peerName: string) => Handshake }
  | { kind: 'shutdown' };

export interface ExchangePlan {
  steps: readonly Step[];
  /** Of what the peer sends; what comes beyond ends the exchange. */
  maxBytes: number;
  /** For all of it, from the name on. */
  timeoutMs: number;
}

/** `steps`: all of them have been gone through; otherwise what ended the last one, or kept it from its end. */
export const ENDINGS = [
  'eof',
  'bytes',
  'delimiter',
  'matches',
  'idle',
  'datagrams',
  'maxBytes',
  'steps',
] as const;
export type Ending = (typeof ENDINGS)[number];
