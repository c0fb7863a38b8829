import { createHash } from 'node:crypto';
import {
  applyDecorators,
  Injectable,
  UseGuards,
  type CanActivate,
  type ExecutionContext,
} from '@nestjs/common';
import { ApiHeader } from '@nestjs/swagger';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { callerOf } from '../auth/callers.js';
import { invalid, ProblemError } from '../problems/problem.js';
import { AnswersByKey, REUSED, type Outcome } from './answers-by-key.js';

const HEADER = 'Idempotency-Key';
/** As requests have it. */
export const IDEMPOTENCY_HEADER = 'idempotency-key';
const KEY = /^[\x20-\x7e]{1,255}$/;

/** Answers a request that came before, with the same key, as it was answered then. */
@Injectable()
export class Idempotency {
  constructor(private readonly answers: AnswersByKey) {}

  /** Refuses a key that is none, or came before with something else. */
  check(request: FastifyRequest): void {
    const key = keyOf(request);
    if (key !== null && this.answers.isReused(scoped(key, request), fingerprintOf(request)))
      throw reused(key);
  }

  /** What `work` makes of the request, or what it has made of it before. Without a key nothing is kept. */
  answer<Body>(request: FastifyRequest, reply: FastifyReply, work: () => Promise<Body>): Promise<Body> {
    const key = keyOf(request);
    return key === null ? work() : this.once(key, request, reply, work);
  }

  private async once<Body>(
    key: string,
    request: FastifyRequest,
    reply: FastifyReply,
    work: () => Promise<Body>,
  ): Promise<Body> {
    const answer = await this.answers.answer(scoped(key, request), fingerprintOf(request), () =>
      outcomeOf(work, reply),
    );
    if (answer === REUSED) throw reused(key);
    const { outcome, replayed } = answer;
    if (replayed) void reply.header('idempotency-replayed', 'true');
    if (outcome.failed) throw outcome.error;
    const { status, location, body } = outcome.answer;
    void reply.status(status);
    if (location !== undefined) void reply.header('location', location);
    return body as Body;
  }
}

/** Looks before the body is judged: one that is not valid is another than the one that came before. */
@Injectable()
class IdempotencyGuard implements CanActivate {
  constructor(private readonly idempotency: Idempotency) {}

  canActivate(context: ExecutionContext): boolean {
    this.idempotency.check(context.switchToHttp().getRequest<FastifyRequest>());
    return true;
  }
}

/**
 * A POST that makes something, and can be sent again by who does not know whether it arrived. Its method
 * does so within `Idempotency.answer`: an interceptor would cost every request without a key 40 µs (rxjs).
 */
export function Idempotent(): MethodDecorator {
  return applyDecorators(
    UseGuards(IdempotencyGuard),
    ApiHeader({
      name: HEADER,
      required: false,
      description:
        'Sent again with the same key and body, the request is not carried out again: it gets the same answer, with `Idempotency-Replayed: true`. A refusal has made nothing and is not kept',
      schema: { type: 'string', minLength: 1, maxLength: 255 },
    }),
  );
}

function reused(key: string): ProblemError {
  return new ProblemError('idempotency-key-reused', `${HEADER} ${key} came with another body before`);
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

async function outcomeOf(work: () => Promise<unknown>, reply: FastifyReply): Promise<Outcome> {
  try {
    const body = await work();
    const location = reply.getHeader('location');
    return { failed: false, answer: { status: reply.statusCode, location: location?.toString(), body } };
  } catch (error) {
    return { failed: true, error };
  }
}
