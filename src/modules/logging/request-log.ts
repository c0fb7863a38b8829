import type { FastifyInstance } from 'fastify';

/** One line a request, once it is answered. The query stays out: it can hold a ticket. */
export function logRequests(fastify: FastifyInstance): void {
  fastify.addHook('onResponse', (request, reply, done) => {
    request.log.info(
      {
        reqId: request.id,
        method: request.method,
        path: request.url.split('?', 1)[0],
        status: reply.statusCode,
        ms: Math.round(reply.elapsedTime),
        peer: request.ip,
      },
      'request',
    );
    done();
  });
}
