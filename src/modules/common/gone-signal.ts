import type { FastifyReply } from 'fastify';
import { SocketError } from '../../sockets/index.js';

/** Aborted, with ECANCELED, when the caller has gone, or has its answer. */
export function goneSignal(reply: FastifyReply): AbortSignal {
  const gone = new AbortController();
  reply.raw.once('close', () => gone.abort(new SocketError('ECANCELED', 'the caller went away')));
  return gone.signal;
}
