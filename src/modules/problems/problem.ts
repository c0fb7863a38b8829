import type { SoFar } from '../common/dialogue.dto.js';
import { SocketError, type Attempt } from '../../sockets/index.js';
import { PROBLEM_OF_CODE, PROBLEM_OF_CALL, PROBLEM_TYPES, type ProblemType } from './problem-types.js';

export const PROBLEM_TYPE_BASE = 'https://sockeye.dev/problems/';
export const PROBLEM_MEDIA_TYPE = 'application/problem+json';

/** Where in the input something is wrong: a JSON pointer into the body, or `/name` of a parameter. */
export interface FieldError {
  pointer: string;
  detail: string;
}

/** What every error looks like, over HTTP and WebSocket (RFC 9457). */
export interface Problem extends Partial<SoFar> {
  type: string;
  title: string;
  status: number;
  detail: string;
  code?: string;
  errno?: number;
  syscall?: string;
  address?: string;
  port?: number;
  rule?: string;
  gap?: { from: number; to: number };
  bytesSent?: number;
  kissCode?: string;
  attempts?: Attempt[];
  errors?: FieldError[];
  requestId?: string;
}

/** An error of the service's own doors, as opposed to the engine's: it knows its problem. */
export class ProblemError extends Error {
  constructor(
    readonly type: ProblemType,
    detail: string,
    readonly extra: Omit<Problem, 'type' | 'title' | 'status' | 'detail'> = {},
  ) {
    super(detail);
    this.name = 'ProblemError';
  }
}

/** Input that is not valid, with every place that is wrong. */
export function invalid(errors: FieldError[]): ProblemError {
  const detail = errors
    .map(({ pointer, detail: what }) => (pointer === '' ? what : `${pointer}: ${what}`))
    .join('; ');
  return new ProblemError('validation-failed', detail, { errors });
}

/** Any error as a problem. What is not known to be the caller's to see says nothing but that it happened. */
export function problemOf(error: unknown): Problem {
  if (error instanceof ProblemError) return problem(error.type, error.message, error.extra);
  if (error instanceof SocketError) return problemOfSocketError(error);
  return problem('internal-error', 'the service failed; its log has more under this request id');
}

/** The last part of a problem's `type`: what close reasons carry. */
export function slugOf(of: Problem): ProblemType {
  return of.type.slice(PROBLEM_TYPE_BASE.length) as ProblemType;
}

export function problem(type: ProblemType, detail: string, extra: Partial<Problem> = {}): Problem {
  const { status, title } = PROBLEM_TYPES[type];
  return { type: PROBLEM_TYPE_BASE + type, title, status, detail, ...extra };
}

function problemOfSocketError(error: SocketError): Problem {
  const { syscall, address, port, rule, gap, bytesSent, kissCode, attempts, field } = error.details;
  const known = { errno: error.errno, syscall, address, port, rule, gap, bytesSent, kissCode, attempts };
  const extra: Partial<Problem> = Object.fromEntries(
    Object.entries(known).filter(([, value]) => value !== undefined),
  );
  const type = PROBLEM_OF_CALL[syscall ?? '']?.[error.code] ?? PROBLEM_OF_CODE[error.code];
  if (type !== 'validation-failed') return problem(type, error.message, { code: error.code, ...extra });
  const { errors } = error.details;
  if (errors !== undefined) return problem(type, error.message, { code: error.code, errors });
  const { message, extra: where } = invalid([{ pointer: `/${field ?? 'host'}`, detail: error.message }]);
  return problem(type, message, { code: error.code, ...extra, ...where });
}
