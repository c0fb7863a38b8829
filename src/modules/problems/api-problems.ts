import { applyDecorators } from '@nestjs/common';
import { ApiExtraModels, ApiResponse, getSchemaPath } from '@nestjs/swagger';
import { PROBLEM_TYPE_BASE, PROBLEM_MEDIA_TYPE } from './problem.js';
import { ProblemDto } from './problem.dto.js';
import { PROBLEM_TYPES, type ProblemType } from './problem-types.js';

/** What any route can answer: the checks in front of all of them, and our own failure. */
const EVERYWHERE: readonly ProblemType[] = ['bad-request', 'unauthorized', 'forbidden', 'internal-error'];

/** Documents the problems a route answers, one response a status, an example each. */
export function ApiProblems(...types: ProblemType[]): MethodDecorator {
  const all = [...new Set([...types, ...EVERYWHERE])];
  const statuses = [...new Set(all.map((type) => PROBLEM_TYPES[type].status))].sort((a, b) => a - b);
  const responses = statuses.map((status) => {
    const here = all.filter((type) => PROBLEM_TYPES[type].status === status);
    const examples = Object.fromEntries(
      here.map((type) => [type, { value: { type: PROBLEM_TYPE_BASE + type, ...exampleOf(type) } }]),
    );
    return ApiResponse({
      status,
      description: here.map((type) => PROBLEM_TYPES[type].title).join(', '),
      headers: headersOf(status),
      content: { [PROBLEM_MEDIA_TYPE]: { schema: { $ref: getSchemaPath(ProblemDto) }, examples } },
    });
  });
  return applyDecorators(ApiExtraModels(ProblemDto), ...responses);
}

function headersOf(status: number): Record<string, { description: string; schema: { type: 'string' } }> {
  if (status === 401)
    return { 'WWW-Authenticate': { description: 'How a key can be given', schema: { type: 'string' } } };
  if (status === 429 || status === 503)
    return { 'Retry-After': { description: 'Seconds to wait', schema: { type: 'string' } } };
  return {};
}

function exampleOf(type: ProblemType): object {
  const { status, title } = PROBLEM_TYPES[type];
  return { title, status, detail: title, requestId: '3f0c9a1e-7d5b-4c55-9d1e-0c6f6f1f2a10' };
}
