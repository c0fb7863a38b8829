import { Transform, Type } from 'class-transformer';
import {
  ArrayMaxSize,
  ArrayUnique,
  IsArray,
  IsBoolean,
  IsIn,
  IsInt,
  IsObject,
  IsString,
  Matches,
  Max,
  MaxLength,
  Min,
  ValidateBy,
  ValidateNested,
} from 'class-validator';
import { isHostSyntax, isNumeric } from '../../sockets/index.js';
import { field, type FieldOptions } from './field.js';

export function Int(options: FieldOptions & { min: number; max: number }): PropertyDecorator {
  const { min, max } = options;
  const rules = [IsInt(), Min(min), Max(max)];
  if (options.query === true) rules.unshift(Transform(({ value }) => numberOf(value)));
  return field(options, { type: 'integer', minimum: min, maximum: max }, ...rules);
}

export function Flag(options: FieldOptions): PropertyDecorator {
  const rules: PropertyDecorator[] = [IsBoolean()];
  if (options.query === true) rules.unshift(Transform(({ value }) => booleanOf(value)));
  return field(options, { type: 'boolean' }, ...rules);
}

export function OneOf(values: readonly string[], options: FieldOptions): PropertyDecorator {
  return field(options, { type: 'string', enum: [...values] }, IsIn(values));
}

export function Text(options: FieldOptions & { maxLength: number; pattern?: RegExp }): PropertyDecorator {
  const { maxLength, pattern } = options;
  const rules: PropertyDecorator[] = [IsString(), MaxLength(maxLength)];
  if (pattern !== undefined) rules.push(Matches(pattern));
  return field(
    options,
    { type: 'string', maxLength, ...(pattern === undefined ? {} : { pattern: pattern.source }) },
    ...rules,
  );
}

export function Port(options: FieldOptions & { min?: number }): PropertyDecorator {
  return Int({ ...options, min: options.min ?? 1, max: 65_535 });
}

/** A name of the DNS or a numeric address; what it resolves to is the policy's to judge. */
export function Host(options: FieldOptions): PropertyDecorator {
  const valid = ValidateBy({
    name: 'isHost',
    validator: {
      validate: (value) => typeof value === 'string' && isHostSyntax(value),
      defaultMessage: () => '$property must be a host name or an address',
    },
  });
  return field(options, { type: 'string', maxLength: 253 }, valid);
}

const MAX_SERVERS = 8;
/** What stands for a server, as `parseServer` takes it: the name or address is looked at there. */
const SERVER = { maxLength: 300, pattern: /^[A-Za-z0-9._:%[\]-]+$/ };

/** Who is asked something: a name or an address, with or without a port. */
export function ServerAddress(options: FieldOptions): PropertyDecorator {
  return Text({ ...options, ...SERVER });
}

/** One or several of them, in a query. */
export function ServerAddresses(options: FieldOptions): PropertyDecorator {
  return Texts({ ...options, ...SERVER, query: true, maxItems: MAX_SERVERS });
}

/** A numeric address, with its interface where it needs one. */
export function NumericAddress(options: FieldOptions): PropertyDecorator {
  const valid = ValidateBy({
    name: 'isNumericAddress',
    validator: {
      validate: (value) => typeof value === 'string' && isNumeric(value),
      defaultMessage: () => '$property must be a numeric address',
    },
  });
  return field(options, { type: 'string', maxLength: 64 }, valid, MaxLength(64));
}

/** Milliseconds; up to a day. */
export function DurationMs(options: FieldOptions & { min?: number }): PropertyDecorator {
  return Int({ ...options, min: options.min ?? 0, max: 86_400_000 });
}

/** A list of texts; equal ones are refused. In a query it is a parameter that comes once or several times. */
export function Texts(
  options: FieldOptions & { maxItems: number; maxLength: number; pattern: RegExp },
): PropertyDecorator {
  const { maxItems, maxLength, pattern, query = false } = options;
  return field(
    options,
    {
      type: 'array',
      maxItems,
      uniqueItems: true,
      items: { type: 'string', maxLength, pattern: pattern.source },
    },
    ...(query
      ? [Transform(({ value }: { value: unknown }) => (typeof value === 'string' ? [value] : value))]
      : []),
    IsArray(),
    ArrayMaxSize(maxItems),
    ArrayUnique(),
    IsString({ each: true }),
    MaxLength(maxLength, { each: true }),
    Matches(pattern, { each: true }),
  );
}

/** An object in the body, whose fields are described by a class of their own. */
export function Nested(type: new () => object, options: FieldOptions): PropertyDecorator {
  return field(
    options,
    { type: () => type },
    IsObject(),
    ValidateNested(),
    Type(() => type),
  );
}

function numberOf(value: unknown): unknown {
  return typeof value === 'string' && /^-?\d{1,17}$/.test(value) ? Number(value) : value;
}

function booleanOf(value: unknown): unknown {
  if (value === 'true' || value === '') return true;
  return value === 'false' ? false : value;
}
