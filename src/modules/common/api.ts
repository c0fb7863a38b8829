import { applyDecorators, type Type } from '@nestjs/common';
import {
  ApiBody,
  ApiExtension,
  ApiExtraModels,
  ApiOperation,
  ApiParam,
  getSchemaPath,
} from '@nestjs/swagger';
import { ApiProblems } from '../problems/api-problems.js';
import type { ProblemType } from '../problems/problem-types.js';

interface OperationOptions {
  /** Unique over all routes; clients generated from the document name their methods by it. */
  id: string;
  summary: string;
  description?: string;
  problems?: readonly ProblemType[];
}

/** What opening any socket can answer: input, policy, names and addresses taken, bounds. */
export const OPENING_PROBLEMS: readonly ProblemType[] = [
  'validation-failed',
  'blocked-by-policy',
  'permission-denied',
  'conflict',
  'address-in-use',
  'address-not-available',
  'payload-too-large',
  'unsupported-media-type',
  'not-supported',
  'quota-exceeded',
  'name-not-resolved',
  'unreachable',
  'resource-exhausted',
  'timed-out',
];

/** What a call with a JSON body about something that is there can answer, whatever it asks for. */
export const CHANGING_PROBLEMS: readonly ProblemType[] = [
  'validation-failed',
  'not-found',
  'gone',
  'payload-too-large',
  'unsupported-media-type',
];

/** Headers of the answer to a POST that has made something. */
export function createdHeaders(what: string): Record<string, ResponseHeader> {
  return {
    Location: { description: `Path of the ${what}`, required: true, schema: { type: 'string' } },
    'Idempotency-Replayed': {
      description: 'The request came before with this key; this is the answer of then',
      schema: { type: 'boolean' },
    },
  };
}

interface ResponseHeader {
  description: string;
  required?: boolean;
  schema: { type: 'string' | 'boolean' };
}

/** What the document says of a route: one decorator each. */
export function Operation({ id, summary, description, problems = [] }: OperationOptions): MethodDecorator {
  return applyDecorators(
    ApiOperation({ operationId: id, summary, ...(description === undefined ? {} : { description }) }),
    ApiProblems(...problems),
  );
}

interface OtherExamples {
  required?: boolean;
  /** By their title; they work as they stand, too. */
  others?: Record<string, object>;
  /** Those need a server that nobody but the caller can have. */
  elsewhere?: Record<string, object>;
}

/** In front of the names of examples that need a server of the caller's own. */
export const ELSEWHERE = 'elsewhere: ';

/**
 * A JSON body with an example that works as it stands, and others. Where
 * every field has a default, it may be left out.
 */
export function JsonBody(
  type: Type<unknown>,
  example: object,
  { required = true, others = {}, elsewhere = {} }: OtherExamples = {},
): MethodDecorator {
  const further = [
    ...Object.entries(others).map(([summary, value]) => [summary, { summary, value }] as const),
    ...Object.entries(elsewhere).map(
      ([summary, value]) =>
        [ELSEWHERE + summary, { summary: `${summary} (of a server of yours)`, value }] as const,
    ),
  ];
  return applyDecorators(
    ApiExtraModels(type),
    ApiBody({
      required,
      schema: { $ref: getSchemaPath(type) },
      examples: {
        example: { summary: 'Works as it stands', value: example },
        ...Object.fromEntries(further),
      },
    }),
  );
}

export const EVENT_STREAM = 'text/event-stream';

/** Marks of this extension are turned into a second media type when the document is written. */
export const OCTET_STREAM_EXTENSION = 'x-sockeye-octet-stream';

/** The request or the answer can also be bare bytes. */
export function OctetStream(where: 'request' | 'response'): MethodDecorator {
  return ApiExtension(OCTET_STREAM_EXTENSION, where);
}

/** A socket in a path, by id or by name. The example is the name that the create example gives. */
export function SocketParam(name: string, example: string): MethodDecorator {
  return ApiParam({
    name,
    description: 'Id, or name of an open socket',
    // Nest drops an example that stands beside a schema.
    schema: { type: 'string', maxLength: 64, example },
  });
}

export function ScanParam(name: string, example: string): MethodDecorator {
  return ApiParam({
    name,
    description: 'Id, or name of a scan',
    schema: { type: 'string', maxLength: 64, example },
  });
}

export function ReaderParam(): MethodDecorator {
  return ApiParam({
    name: 'reader',
    description: 'Name of a consuming reader',
    schema: { type: 'string', maxLength: 64, example: 'main' },
  });
}
