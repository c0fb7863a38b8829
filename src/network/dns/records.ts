import { performance } from 'node:perf_hooks';
import { SocketError, type ClientTls, type ServerEnd, type Servers } from '../../sockets/index.js';
import { parseServer } from '../server-text.js';
import type { Answer, Inquiry } from './inquiry.js';
import type { Message } from './message.js';
import { systemServers } from './system-servers.js';
import { askOver, DEFAULT_PORT, type Transport } from './transports.js';

/** What is asked, of each server the same. */
export interface RecordsQuestion {
  /** In A-labels. */
  name: string;
  type: number;
  /** `auto`: UDP, and TCP where the answer is cut. */
  transport: Transport | 'auto';
  recursionDesired: boolean;
  checkingDisabled: boolean;
  dnssec: boolean;
  /** For each server, all attempts included. */
  timeoutMs: number;
  attempts: number;
  tls: ClientTls;
  path: string;
  /** Ends it: nobody waits for the answer. */
  gone: AbortSignal;
}

/** What one server had to say. */
export interface ServerAnswer {
  server: ServerEnd;
  /** Numeric; null where it was not reached. */
  address: string | null;
  /** The one that brought the answer, or failed to. */
  transport: Transport;
  elapsedMs: number;
  outcome: Message | SocketError;
}

/**
 * Without servers (`texts`, see parseServer) those of this host, one after the other until one answers; one server;
 * or several at once, where an error is an entry. `port`: for those that name none.
 */
export async function askRecords(
  servers: Servers,
  texts: readonly string[],
  port: number | null,
  question: RecordsQuestion,
): Promise<ServerAnswer[]> {
  const defaultPort = port ?? DEFAULT_PORT[firstTransport(question)];
  const named = texts.length === 0 ? await systemServers() : texts;
  const ends = named.map((text) => parseServer(text, defaultPort));
  if (texts.length > 1) return Promise.all(ends.map((end) => askServer(servers, end, question)));
  return [await askInTurn(servers, ends, question)];
}

/** One after the other until one answers, whatever it answers. The error of the last. */
async function askInTurn(
  servers: Servers,
  ends: readonly ServerEnd[],
  question: RecordsQuestion,
): Promise<ServerAnswer> {
  const deadline = Date.now() + question.timeoutMs;
  let last = new SocketError('ENOENT', 'no server to ask');
  for (const [index, end] of ends.entries()) {
    // What is left is for this one and those behind it.
    const timeoutMs = Math.max(1, (deadline - Date.now()) / (ends.length - index));
    const answer = await askServer(servers, end, { ...question, timeoutMs });
    if (!(answer.outcome instanceof SocketError)) return answer;
    last = answer.outcome;
    if (question.gone.aborted) break;
  }
  throw last;
}

/** Any rcode is an answer. Errors: ADDRESS_BLOCKED, LIMIT_REACHED, ETIMEDOUT, ECANCELED, those of the kernel and of TLS. */
async function askServer(
  servers: Servers,
  server: ServerEnd,
  question: RecordsQuestion,
): Promise<ServerAnswer> {
  const startedAt = performance.now();
  const { timeoutMs, attempts, tls, path, gone, ...query } = question;
  const inquiry: Inquiry = {
    ...{ servers, server, query, attempts, tls, path, gone },
    edns: true,
    deadline: Date.now() + timeoutMs,
  };
  let transport = firstTransport(question);
  const ended = (address: string | null, outcome: Message | SocketError): ServerAnswer => {
    const elapsedMs = Math.round((performance.now() - startedAt) * 1000) / 1000;
    return { server, address, transport, elapsedMs, outcome };
  };
  try {
    let answer = await askEither(transport, inquiry);
    if (question.transport === 'auto' && answer.message.flags.truncated) {
      transport = 'tcp';
      answer = await askEither(transport, inquiry);
    }
    return ended(answer.address, answer.message);
  } catch (error) {
    return ended(null, SocketError.fromSystem(error));
  }
}

function firstTransport({ transport }: RecordsQuestion): Transport {
  return transport === 'auto' ? 'udp' : transport;
}

/** A server from before EDNS refuses the question for its OPT record: once more without (RFC 6891, 7). */
async function askEither(transport: Transport, inquiry: Inquiry): Promise<Answer> {
  const answer = await askOver(transport, inquiry);
  const { rcode, edns } = answer.message;
  if (edns !== null || (rcode !== 'FORMERR' && rcode !== 'NOTIMP')) return answer;
  return askOver(transport, { ...inquiry, edns: false });
}
