import { applyDecorators } from '@nestjs/common';
import { ApiProperty, ApiPropertyOptional, type ApiPropertyOptions } from '@nestjs/swagger';
import { IsOptional, ValidateIf } from 'class-validator';

/**
 * One decorator a field: what is valid, how a query string becomes a value, and what the document
 * says, bundled so that the three cannot drift apart.
 */
export interface FieldOptions {
  description: string;
  example?: unknown;
  default?: unknown;
  /** May be left out. */
  optional?: boolean;
  /** May be null. */
  nullable?: boolean;
  /** Comes as text, in a query. */
  query?: boolean;
}

export function field(
  options: FieldOptions,
  schema: ApiPropertyOptions,
  ...rules: PropertyDecorator[]
): PropertyDecorator {
  const { description, example, nullable = false } = options;
  const optional = options.optional === true || options.default !== undefined;
  const described = {
    ...schema,
    description,
    ...(example === undefined ? {} : { example }),
    ...(options.default === undefined ? {} : { default: options.default }),
    ...(nullable ? { nullable } : {}),
  } as ApiPropertyOptions;
  const document = optional ? ApiPropertyOptional(described) : ApiProperty(described);
  const absent = optional ? [nullable ? IsOptional() : OptionalNotNull()] : nullable ? [OrNull()] : [];
  return applyDecorators(document, ...absent, ...rules);
}

/** Lets `undefined` pass and nothing else: null is a value, and is checked like one. */
function OptionalNotNull(): PropertyDecorator {
  return ValidateIf((_, value) => value !== undefined);
}

/** Lets null pass, and refuses what is left out. */
function OrNull(): PropertyDecorator {
  return ValidateIf((_, value) => value !== null);
}
