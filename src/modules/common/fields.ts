import { applyDecorators } from '@nestjs/common';
import { ApiProperty, ApiPropertyOptional, type ApiPropertyOptions } from '@nestjs/swagger';
import { Transform, Type } from 'class-transformer';
import {
  ArrayNotEmpty,
  ArrayMaxSize,
  ArrayUnique,
  IsArray,
  IsBoolean,
  IsIn,
  IsInt,
  IsObject,
  IsOptional,
  IsString,
  Matches,
  Max,
  MaxLength,
  Min,
  ValidateBy,
  ValidateIf,
  ValidateNested,
} from 'class-validator';
import {
  DEFAULT_LIMITS,
  isEncoding,
  isHostSyntax,
  isNumeric,
  isReadableEncoding,
  SOCKET_EVENTS,
} from '../../sockets/index.js';

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

function field(
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

/** An offset in a stream: how many bytes came before. Exact up to 2^53 - 1. */
export function Offset(options: FieldOptions): PropertyDecorator {
  return Int({ ...options, min: 0, max: Number.MAX_SAFE_INTEGER });
}

export function WindowBytes(options: FieldOptions): PropertyDecorator {
  return Int({ ...options, min: 1, max: DEFAULT_LIMITS.maxWindowBytes });
}

const ENCODING_EXAMPLES = ['utf8', 'latin1', 'hex', 'base64', 'GBK', 'Shift_JIS', 'windows-1252', 'UTF-16LE'];

/** How received bytes are to stand in an answer. */
export function EncodingField(options: FieldOptions): PropertyDecorator {
  return encodingField(isReadableEncoding, options);
}

/** How a payload stands for the bytes to send: UTF-7 too, which cannot be read in pieces. */
export function SendEncodingField(options: FieldOptions): PropertyDecorator {
  return encodingField(isEncoding, options);
}

function encodingField(isUsable: (name: string) => boolean, options: FieldOptions): PropertyDecorator {
  const valid = ValidateBy({
    name: 'isEncoding',
    validator: {
      validate: (value) => typeof value === 'string' && value.length <= 64 && isUsable(value),
      defaultMessage: () =>
        '$property must be utf8, latin1, hex, base64 or a charset that can be used here, like GBK or UTF-16LE',
    },
  });
  const description =
    `${options.description}: \`utf8\`, \`latin1\`, \`hex\`, \`base64\`, or a charset that iconv-lite knows, ` +
    'by any of its names in any case. No byte order mark is added or taken away';
  // A schema lists its examples, a parameter names them.
  const examples =
    options.query === true
      ? Object.fromEntries(ENCODING_EXAMPLES.map((value) => [value, { value }]))
      : ENCODING_EXAMPLES;
  return field({ ...options, description }, { type: 'string', maxLength: 64, examples }, valid);
}

/** The id of an event, as the service gave it; 0 stands for the beginning. */
export function EventId(options: FieldOptions): PropertyDecorator {
  return Int({ ...options, min: 0, max: Number.MAX_SAFE_INTEGER });
}

/** Names of events, at least one. */
export function EventNames(options: FieldOptions): PropertyDecorator {
  const items = { type: 'string' as const, enum: [...SOCKET_EVENTS] };
  const schema = { type: 'array' as const, items, minItems: 1, uniqueItems: true };
  const each = IsIn(SOCKET_EVENTS, { each: true });
  return field(options, schema, IsArray(), ArrayNotEmpty(), ArrayUnique(), each);
}

/** Names of events in a query: `accepted,closed`. */
export function EventNameList(options: FieldOptions): PropertyDecorator {
  const names = SOCKET_EVENTS.join('|');
  const pattern = new RegExp(`^(${names})(,(${names}))*$`);
  return Text({ ...options, maxLength: 200, pattern });
}

const READER_NAME = /^[A-Za-z0-9][A-Za-z0-9._-]*$/;

export function ReaderName(options: FieldOptions): PropertyDecorator {
  return Text({ ...options, maxLength: 64, pattern: READER_NAME });
}

/** A list of texts; equal ones are refused. */
export function Texts(
  options: FieldOptions & { maxItems: number; maxLength: number; pattern: RegExp },
): PropertyDecorator {
  const { maxItems, maxLength, pattern } = options;
  return field(
    options,
    {
      type: 'array',
      maxItems,
      uniqueItems: true,
      items: { type: 'string', maxLength, pattern: pattern.source },
    },
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

/** Not the form of an id: a path part is looked up as an id first, then as a name. */
const SOCKET_NAME = /^(?!(?:lsn|con|cli|dgm|scn)_)[A-Za-z0-9][A-Za-z0-9._-]*$/;

export function SocketName(options: FieldOptions): PropertyDecorator {
  return Text({ ...options, maxLength: 64, pattern: SOCKET_NAME });
}

const MAX_LABELS = 32;
const LABEL_KEY = /^[A-Za-z0-9][A-Za-z0-9._/-]{0,63}$/;

export function Labels(options: FieldOptions): PropertyDecorator {
  const valid = ValidateBy({
    name: 'isLabels',
    validator: {
      validate: isLabels,
      defaultMessage: () =>
        `$property must map at most ${String(MAX_LABELS)} names to texts of at most 256 characters`,
    },
  });
  return field(options, { type: 'object', additionalProperties: { type: 'string', maxLength: 256 } }, valid);
}

/** Values as options.ts of the engine takes them; which option takes which, it knows. */
export const OPTION_VALUE_SCHEMAS = [
  { type: 'boolean' },
  { type: 'integer' },
  { type: 'string' },
  {
    type: 'object',
    description: 'SO_LINGER',
    required: ['onoff', 'seconds'],
    properties: { onoff: { type: 'boolean' }, seconds: { type: 'integer', minimum: 0 } },
  },
];

export function OptionValues(options: FieldOptions): PropertyDecorator {
  const additionalProperties = { oneOf: OPTION_VALUE_SCHEMAS };
  return field(options, { type: 'object', additionalProperties }, IsObject());
}

function isLabels(value: unknown): boolean {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return false;
  const entries = Object.entries(value);
  if (entries.length > MAX_LABELS) return false;
  return entries.every(
    ([key, text]) => LABEL_KEY.test(key) && typeof text === 'string' && text.length <= 256,
  );
}

const LABEL_PAIR = /^[^=]{1,64}=.{0,256}$/s;

/** `key=value`, once or several times, in a query. */
export function LabelFilter(options: FieldOptions): PropertyDecorator {
  const valid = ValidateBy({
    name: 'isLabelFilter',
    validator: {
      validate: isLabelFilter,
      defaultMessage: () => `$property must be key=value, at most ${String(MAX_LABELS)} times`,
    },
  });
  const item = { type: 'string', pattern: LABEL_PAIR.source };
  return field(
    options,
    { type: 'array', items: item, maxItems: MAX_LABELS },
    Transform(({ value }: { value: unknown }) => (typeof value === 'string' ? [value] : value)),
    valid,
  );
}

function isLabelFilter(value: unknown): boolean {
  if (!Array.isArray(value) || value.length > MAX_LABELS) return false;
  return value.every((pair) => typeof pair === 'string' && LABEL_PAIR.test(pair));
}

function numberOf(value: unknown): unknown {
  return typeof value === 'string' && /^-?\d{1,17}$/.test(value) ? Number(value) : value;
}

function booleanOf(value: unknown): unknown {
  if (value === 'true' || value === '') return true;
  return value === 'false' ? false : value;
}
