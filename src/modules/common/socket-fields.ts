import { Transform } from 'class-transformer';
import { ArrayNotEmpty, ArrayUnique, IsArray, IsIn, IsObject, ValidateBy } from 'class-validator';
import { DEFAULT_LIMITS, isEncoding, isReadableEncoding, SOCKET_EVENTS } from '../../sockets/index.js';
import { field, type FieldOptions } from './field.js';
import { Int, Text } from './fields.js';

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

/** Not the form of an id: a path part is looked up as an id first, then as a name. */
const SOCKET_NAME = /^(?!(?:lsn|con|cli|dgm|scn)_)[A-Za-z0-9][A-Za-z0-9._-]*$/;

/** A name, which may be there later; what is none can only be an id. */
export function isSocketName(idOrName: string): boolean {
  return SOCKET_NAME.test(idOrName);
}

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
