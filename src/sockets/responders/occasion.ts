import type { Endpoint } from '../endpoint.js';
import type { Match, Message } from './message.js';

/** Who speaks with whom, and how far they are: what a template can tell of a connection. */
export interface Speaker {
  /** The peer; null: a Unix socket without a name. */
  peer: Endpoint | null;
  local: Endpoint;
  id: string;
  name: string;
  index: number;
  messages: number;
  receivedBytes: number;
  sentBytes: number;
}

/** The variables of a template. Own properties only: a template sees nothing else. */
export interface Scope {
  message: { text: string; hex: string; length: number; bytes: number } | null;
  match: Match;
  peer: object;
  local: object;
  connection: Omit<Speaker, 'peer' | 'local'>;
  /** ISO 8601. */
  now: string;
}

/** What a template may name, and what of it; null: anything. */
export const SCOPE_FIELDS: Readonly<Record<keyof Scope, readonly string[] | null>> = {
  message: ['text', 'hex', 'length', 'bytes'],
  match: null,
  peer: ['address', 'port', 'path'],
  local: ['address', 'port', 'path'],
  connection: ['id', 'name', 'index', 'messages', 'receivedBytes', 'sentBytes'],
  now: [],
};

/** Something to answer: a message, or that somebody has connected. */
export class Occasion {
  constructor(
    /** Null: nothing was said yet. */
    readonly message: Message | null,
    private readonly match: Match,
    readonly speaker: Speaker,
    /** Milliseconds since 1970. */
    readonly now: number,
  ) {}

  /** Made only for who looks: most answers are bytes that stand ready. */
  get scope(): Scope {
    const { match, message, now } = this;
    const { peer, local, ...connection } = this.speaker;
    return {
      message: message === null ? null : messageFields(message),
      match,
      peer: endFields(peer),
      local: endFields(local),
      connection,
      now: new Date(now).toISOString(),
    };
  }
}

function messageFields(message: Message): NonNullable<Scope['message']> {
  return {
    get text() {
      return message.text;
    },
    get hex() {
      return message.bytes.toString('hex');
    },
    /** In characters, as Python's len() has it; a surrogate pair is one. */
    get length() {
      return Array.from(message.text).length;
    },
    bytes: message.bytes.length,
  };
}

function endFields(end: Endpoint | null): object {
  if (end === null) return {};
  return end.family === 'unix' ? { path: end.path } : { address: end.address, port: end.port };
}
