import { randomUUID } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Duplex } from 'node:stream';
import type { Logger } from 'pino';
import { PROBLEM_MEDIA_TYPE, problemOf, slugOf, type Problem } from '../problems/problem.js';

/** How long a refused client may take to take the answer. */
const ANSWER_MS = 1_000;

/** What is refused before any framework has seen it: answered as a problem, and noted. */
export class Refusals {
  constructor(private readonly logger: Logger) {}

  request(request: IncomingMessage, response: ServerResponse, error: unknown): void {
    const { found, body } = this.note(error, request);
    response.writeHead(found.status, headersOf(found.status, body.length)).end(body);
  }

  /** An upgrade, or what could not be parsed: there is no response object, only the connection. */
  connection(socket: Duplex, error: unknown, request?: IncomingMessage): void {
    if (!socket.writable) return;
    const { found, body } = this.note(error, request);
    const headers = Object.entries(headersOf(found.status, body.length)).map(
      ([name, value]) => `${name}: ${value}`,
    );
    // Nobody else looks after this connection: it goes when the answer is out, or not taken in time.
    socket.once('finish', () => socket.destroy());
    setTimeout(() => socket.destroy(), ANSWER_MS).unref();
    socket.end(
      `HTTP/1.1 ${String(found.status)} ${found.title}\r\n${headers.join('\r\n')}\r\n\r\n${body.toString()}`,
    );
  }

  /** The key that was tried is not noted, nor the query, which can hold a ticket. */
  private note(error: unknown, request: IncomingMessage | undefined): { found: Problem; body: Buffer } {
    const requestId = randomUUID();
    const found = { ...problemOf(error), requestId };
    const peer = request?.socket.remoteAddress;
    const path = request?.url?.split('?', 1)[0];
    const why = { status: found.status, problem: slugOf(found), detail: found.detail };
    this.logger.warn({ reqId: requestId, method: request?.method, path, peer, ...why }, 'refused');
    return { found, body: Buffer.from(JSON.stringify(found)) };
  }
}

function headersOf(status: number, length: number): Record<string, string> {
  return {
    'content-type': PROBLEM_MEDIA_TYPE,
    'content-length': String(length),
    'x-content-type-options': 'nosniff',
    connection: 'close',
    ...(status === 401 ? { 'www-authenticate': 'Bearer realm="sockeye", Basic realm="sockeye"' } : {}),
  };
}
