import type { ClientTls, ServerEnd, Servers } from '../../sockets/index.js';
import type { Message, QueryOptions } from './message.js';

/** One question on its way to one server. */
export interface Inquiry {
  servers: Servers;
  server: ServerEnd;
  query: QueryOptions;
  /** With an OPT record. */
  edns: boolean;
  /** Date.now(). */
  deadline: number;
  /** Ends it before, with the error that is its reason: nobody waits for the answer. */
  gone: AbortSignal;
  /** UDP: how often it is sent, at most. */
  attempts: number;
  tls: ClientTls;
  /** HTTPS only. */
  path: string;
}

export interface Answer {
  message: Message;
  /** The numeric address that answered. */
  address: string;
}

/** Milliseconds; at least one. */
export function timeLeft({ deadline }: Inquiry): number {
  return Math.max(1, deadline - Date.now());
}
