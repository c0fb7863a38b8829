import { createHash } from 'node:crypto';
import {
  applyDecorators,
  Injectable,
  UseInterceptors,
  type CallHandler,
  type ExecutionContext,
  type NestInterceptor,
} from '@nestjs/common';
import { ApiHeader } from '@nestjs/swagger';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { lastValueFrom, of, type Observable } from 'rxjs';
import { callerOf } from '../auth/callers.js';
import { invalid, ProblemError } from '../problems/problem.js';
import { AnswersByKey, REUSED, type Outcome } from './answers-by-key.js';

const HEADER = 'Idempotency-Key';
/** As requests have it. */
export const IDEMPOTENCY_HEADER = 'idempotency-key';
const KEY = /^[\x20-\x7e]{1,255}$/;

/** Answers a request that came before, with the same key, as it was answered then. */
@Injectable()
export class IdempotencyInterceptor implements NestInterceptor {
  constructor(private readonly answers: AnswersByKey) {}

  async intercept(context: ExecutionContext, next: CallHandler): Promise<Observable<unknown>> {
    const request = context.switchToHttp().getRequest<FastifyRequest>();
    const reply = context.switchToHttp().getResponse<FastifyReply>();
    const key = keyOf(request);
    if (key === null) return next.handle();
    const answer = await this.answers.answer(scoped(key, request), fingerprintOf(request), () =>
      outcomeOf(next, reply),
    );
    if (answer === REUSED)
      throw new ProblemError('idempotency-key-reused', `${HEADER} ${key} came with another body before`);
    const { outcome, replayed } = answer;
    if (replayed) void reply.header('idempotency-replayed', 'true');
    if (outcome.failed) throw outcome.error;
    const { status, location, body } = outcome.answer;
    void reply.status(status);
    if (location !== undefined) void reply.header('location', location);
    return of(body);
  }
}

/** A POST that makes something, and can be sent again by who does not know whether it arrived. */
export function Idempotent(): MethodDecorator {
  return applyDecorators(
    UseInterceptors(IdempotencyInterceptor),
    ApiHeader({
      name: HEADER,
      required: false,
      description:
        'Sent again with the same key and body, the request is not carried out again: it gets the same answer, with `Idempotency-Replayed: true`. A refusal has made nothing and is not kept',
      schema: { type: 'string', minLength: 1, maxLength: 255 },
    }),
  );
}

function keyOf(request: FastifyRequest): string | null {
  const key = request.headers[IDEMPOTENCY_HEADER];
  if (key === undefined) return null;
  if (typeof key === 'string' && KEY.test(key)) return key;
  throw invalid([{ pointer: `/${HEADER}`, detail: 'must be 1 to 255 printable ASCII characters' }]);
}

/** Whose key, and for what: others may use the same one. */
function scoped(key: string, { raw, method, url }: FastifyRequest): string {
  return JSON.stringify([callerOf(raw), method, url.split('?', 1)[0], key]);
}

function fingerprintOf({ body, url }: FastifyRequest): string {
  const text = JSON.stringify([url, body ?? null]);
  return createHash('sha256').update(text).digest('base64');
}

async function outcomeOf(next: CallHandler, reply: FastifyReply): Promise<Outcome> {
  try {
    const body: unknown = await lastValueFrom(next.handle());
    const location = reply.getHeader('location');
    return { failed: false, answer: { status: reply.statusCode, location: location?.toString(), body } };
  } catch (error) {
    return { failed: true, error };
  }
}
