import type { Framing } from '../framing/framing.js';
import type { Encoding } from '../text/payload.js';
import type { Occasion } from './occasion.js';
import type { Condition } from './rules.js';

/** One thing to do. */
export type Step =
  | { do: 'send'; bytes: (occasion: Occasion) => Buffer }
  /** Sends one after the other, for as long as the peer takes them, and drops what comes. */
  | { do: 'sendForever'; bytes: (turn: number) => Buffer }
  | { do: 'delay'; ms: number }
  | { do: 'shutdown'; how: 'read' | 'write' | 'both' }
  | { do: 'close' | 'reset' | 'closeListener' };

export interface Rule {
  when: Condition;
  then: readonly Step[];
}

/** A responder as it is carried out: everything that can be wrong with it was looked for. */
export interface Script {
  framing: Framing;
  encoding: Encoding;
  /** Where messages have no bounds: they end with a whole character. */
  wholeCharacters: boolean;
  onConnect: readonly Step[];
  rules: readonly Rule[];
  otherwise: readonly Step[];
}

/** What carries the messages: bytes in a row, messages with a peer, or datagrams of anybody. */
export interface Carrier {
  type: 'stream' | 'messages' | 'datagrams';
  windowBytes: number;
}
