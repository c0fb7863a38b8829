import type { ServerResponse } from 'node:http';
import type { Duplex } from 'node:stream';
import { randomUUID } from 'node:crypto';
import { PROBLEM_MEDIA_TYPE, problemOf } from '../problems/problem.js';

function headersOf(status: number, length: number): Record<string, string> {
  return {
    'content-type': PROBLEM_MEDIA_TYPE,
    'content-length': String(length),
    connection: 'close',
    ...(status === 401 ? { 'www-authenticate': 'Bearer realm="sockeye", Basic realm="sockeye"' } : {}),
  };
}

/** Refuses a request before any framework has seen it. */
export function refuse(response: ServerResponse, error: unknown): void {
  const found = { ...problemOf(error), requestId: randomUUID() };
  const body = Buffer.from(JSON.stringify(found));
  response.writeHead(found.status, headersOf(found.status, body.length)).end(body);
}

/** Refuses an upgrade, or a request that could not be parsed: there is no response object, only the connection. */
export function writeProblem(socket: Duplex, error: unknown): void {
  if (!socket.writable) return;
  const found = { ...problemOf(error), requestId: randomUUID() };
  const body = JSON.stringify(found);
  const headers = Object.entries(headersOf(found.status, Buffer.byteLength(body))).map(
    ([name, value]) => `${name}: ${value}`,
  );
  socket.end(`HTTP/1.1 ${String(found.status)} ${found.title}\r\n${headers.join('\r\n')}\r\n\r\n${body}`);
}
