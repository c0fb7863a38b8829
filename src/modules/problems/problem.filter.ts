import { Catch, HttpException, Logger, type ArgumentsHost, type ExceptionFilter } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { PROBLEM_MEDIA_TYPE, problem, problemOf, type Problem } from './problem.js';
import { PROBLEM_TYPES, type ProblemType } from './problem-types.js';

/** Every error that leaves over HTTP leaves through here, as a problem. */
@Catch()
export class ProblemFilter implements ExceptionFilter {
  private readonly logger = new Logger(ProblemFilter.name);

  catch(error: unknown, host: ArgumentsHost): void {
    const http = host.switchToHttp();
    const request = http.getRequest<FastifyRequest>();
    const reply = http.getResponse<FastifyReply>();
    const found = frameworkProblem(error) ?? problemOf(error);
    if (found.status >= 500 && found.type.endsWith('/internal-error')) {
      this.logger.error({ requestId: request.id, err: error }, 'request failed');
    }
    if (reply.sent) return;
    // It was set for an answer that does not come.
    void reply.removeHeader('sockeye-offset');
    if (found.status === 429 || found.status === 503) void reply.header('retry-after', '1');
    if (found.status === 401)
      void reply.header('www-authenticate', 'Bearer realm="sockeye", Basic realm="sockeye"');
    void reply
      .status(found.status)
      .type(PROBLEM_MEDIA_TYPE)
      .send({ ...found, requestId: request.id });
  }
}

const MEDIA_TYPES = 'the body must be application/json, or application/octet-stream where bytes are sent';

const TYPE_OF_STATUS = new Map<number, ProblemType>([
  [400, 'bad-request'],
  [404, 'not-found'],
  [405, 'method-not-allowed'],
  [413, 'payload-too-large'],
  [415, 'unsupported-media-type'],
]);

/** Errors that Nest and Fastify raise before a route of ours runs carry a status. */
function frameworkProblem(error: unknown): Problem | null {
  if (!(error instanceof Error)) return null;
  const status =
    error instanceof HttpException ? error.getStatus() : (error as { statusCode?: number }).statusCode;
  if (status === undefined || status >= 500) return null;
  if (status === 415) return problem('unsupported-media-type', MEDIA_TYPES);
  const type = TYPE_OF_STATUS.get(status) ?? 'bad-request';
  return problem(
    type,
    PROBLEM_TYPES[type].status === status ? error.message : `${String(status)} ${error.message}`,
  );
}
