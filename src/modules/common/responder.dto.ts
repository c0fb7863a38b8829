import { applyDecorators } from '@nestjs/common';
import { ApiExtraModels, ApiPropertyOptional, getSchemaPath } from '@nestjs/swagger';
import { Transform, Type } from 'class-transformer';
import {
  ArrayMaxSize,
  IsArray,
  IsObject,
  IsString,
  MaxLength,
  ValidateBy,
  ValidateIf,
  ValidateNested,
} from 'class-validator';
import {
  FRAMINGS,
  MAX_MESSAGE_BYTES,
  PRESETS,
  type PresetName,
  type ResponderSpec,
} from '../../sockets/index.js';
import { field, type FieldOptions } from './field.js';
import { DurationMs, Flag, Int, Nested, OneOf, Text } from './fields.js';
import { instanceOf } from './instances.js';

const MAX_RULES = 256;
const MAX_ACTIONS = 64;
const MAX_TEXT = 65_536;

/** A list of objects that are described by a class of their own. */
function NestedList(
  type: () => new () => object,
  options: FieldOptions & { maxItems: number },
): PropertyDecorator {
  const { maxItems } = options;
  return field(
    options,
    { type: () => [type()], maxItems },
    IsArray(),
    ArrayMaxSize(maxItems),
    IsObject({ each: true }),
    ValidateNested({ each: true }),
    Type(type),
  );
}

export class FramingDto {
  @OneOf(FRAMINGS, {
    description:
      '`none`: what comes at once. `delimiter`: up to a delimiter. `length-prefix`: a length, then so many bytes. ' +
      '`fixed`: always so many bytes. `idle`: what comes until there is a pause',
  })
  type!: (typeof FRAMINGS)[number];

  @Text({
    description: 'In the `encoding`. With a line feed, a carriage return before it goes too',
    optional: true,
    maxLength: 64,
    example: '\n',
  })
  delimiter?: string;

  @Text({ description: 'Instead of `delimiter`: its bytes', optional: true, maxLength: 128 })
  delimiterHex?: string;

  @Int({
    description:
      'Of one message; a longer one closes the connection with EMSGSIZE. Default: 65536, with `matches` 8192, or what the receive window has room for',
    optional: true,
    min: 1,
    max: MAX_MESSAGE_BYTES,
  })
  maxBytes?: number;

  @Int({ description: 'Of the length: 1, 2, 4 or 8. Default: 4', optional: true, min: 1, max: 8 })
  lengthBytes?: 1 | 2 | 4 | 8;

  @OneOf(['big', 'little'], { description: 'Of the length. Default: big', optional: true })
  endian?: 'big' | 'little';

  @Int({ description: 'Bytes of the message before its length. Default: 0', optional: true, min: 0, max: 64 })
  offset?: number;

  @Flag({ description: 'The length counts all of the message, itself included', optional: true })
  includesHeader?: boolean;

  @Int({ description: 'With `fixed`: of each message', optional: true, min: 1, max: MAX_MESSAGE_BYTES })
  bytes?: number;

  @DurationMs({
    description: 'With `idle`: how long nothing must come. Default: 200',
    optional: true,
    min: 1,
  })
  idleMs?: number;
}

/** Text of a condition; it may be empty. */
function Compared(description: string): PropertyDecorator {
  return Text({ description, optional: true, maxLength: MAX_TEXT });
}

/** One of its fields. */
export class ConditionDto {
  @Compared('The text of the message is this')
  equals?: string;

  @Compared('It begins with this')
  startsWith?: string;

  @Compared('It ends with this')
  endsWith?: string;

  @Compared('This is in it')
  contains?: string;

  @Compared('A regular expression (RE2) is found in it; its groups are `match` in templates')
  matches?: string;

  @Compared('The message is exactly these bytes')
  hex?: string;

  @NestedList(() => ConditionDto, { description: 'All are fulfilled', optional: true, maxItems: MAX_RULES })
  all?: ConditionDto[];

  @NestedList(() => ConditionDto, {
    description: 'At least one is fulfilled',
    optional: true,
    maxItems: MAX_RULES,
  })
  any?: ConditionDto[];

  @ApiPropertyOptional({ type: () => ConditionDto, description: 'This is not fulfilled' })
  @ValidateIf((_, value) => value !== undefined)
  @IsObject()
  @ValidateNested()
  @Type(() => ConditionDto)
  not?: ConditionDto;
}

/** One of its fields. */
export class BytesDto {
  @Text({ description: 'Hex digits; a template, too', optional: true, maxLength: MAX_TEXT, example: '06' })
  hex?: string;

  @Text({ description: 'Base64 (RFC 4648, 4); a template, too', optional: true, maxLength: MAX_TEXT })
  base64?: string;
}

/** One of its fields; `framed` beside what is sent. */
export class ActionDto {
  @Text({
    description:
      'Sends a text: a Liquid template that sees `message` (text, hex, length, bytes), `match`, `peer`, `local`, `connection` (id, name, index, messages, receivedBytes, sentBytes) and `now`',
    optional: true,
    maxLength: MAX_TEXT,
    example: '{{ message.text | upcase }}\n',
  })
  send?: string;

  @ApiPropertyOptional({
    oneOf: [{ type: 'string' }, { $ref: getSchemaPath(BytesDto) }],
    description: 'Sends bytes; a text stands for hex digits',
  })
  @ValidateIf((_, value) => value !== undefined)
  @IsObject()
  @ValidateNested()
  @Type(() => BytesDto)
  @Transform(({ value }: { value: unknown }) =>
    typeof value === 'string' ? instanceOf(BytesDto, { hex: value }) : value,
  )
  // The document would take it for an object alone.
  sendBytes?: BytesDto | string;

  @Flag({ description: 'What is sent has its bounds as the messages do', optional: true })
  framed?: boolean;

  @DurationMs({ description: 'Waits; other connections do not', optional: true })
  delayMs?: number;

  @Flag({ description: 'Closes the connection, after what was sent', optional: true })
  close?: boolean;

  @Flag({ description: 'Resets the connection', optional: true })
  reset?: boolean;

  @OneOf(['write', 'read', 'both'], { description: 'shutdown(2)', optional: true })
  shutdown?: 'write' | 'read' | 'both';

  @Flag({ description: 'Closes the listener; connections go on', optional: true })
  closeListener?: boolean;
}

export class RuleDto {
  @Nested(ConditionDto, { description: 'What the message must be' })
  when!: ConditionDto;

  @NestedList(() => ActionDto, { description: 'What is done then, in order', maxItems: MAX_ACTIONS })
  then!: ActionDto[];
}

@ApiExtraModels(BytesDto)
export class ResponderDto {
  @OneOf(PRESETS, { description: 'A ready one, RFC 862 to 868; only `consume` goes with it', optional: true })
  preset?: PresetName;

  @Nested(FramingDto, { description: 'Where messages end. Default: `none`', optional: true })
  framing?: FramingDto;

  @ApiPropertyOptional({
    description: 'Of text, both ways: `utf8` (default), or another charset',
    maxLength: 64,
    example: 'utf8',
  })
  @ValidateIf((_, value) => value !== undefined)
  @IsString()
  @MaxLength(64)
  encoding?: string;

  @Flag({
    description:
      'Default: true, under the name `responder`. False: what is answered stays for a consuming reader',
    optional: true,
  })
  consume?: boolean;

  @NestedList(() => ActionDto, {
    description: 'Done when somebody connects',
    optional: true,
    maxItems: MAX_ACTIONS,
  })
  onConnect?: ActionDto[];

  @NestedList(() => RuleDto, {
    description: 'Tried in order: the first that fits answers',
    optional: true,
    maxItems: MAX_RULES,
  })
  rules?: RuleDto[];

  @NestedList(() => ActionDto, { description: 'Where no rule fits', optional: true, maxItems: MAX_ACTIONS })
  otherwise?: ActionDto[];
}

/** What is said of anything else. */
export const RESPONDER_FORM = `must be an object, or one of ${PRESETS.join(', ')}`;

/** The name of a preset stands for a responder. */
export function responderOf(value: unknown): unknown {
  const isPreset = typeof value === 'string' && (PRESETS as readonly string[]).includes(value);
  return isPreset ? instanceOf(ResponderDto, { preset: value }) : value;
}

export function ResponderField(): PropertyDecorator {
  const valid = ValidateBy({
    name: 'isResponder',
    validator: {
      validate: (value) => value instanceof ResponderDto,
      defaultMessage: () => `$property ${RESPONDER_FORM}`,
    },
  });
  return applyDecorators(
    ApiPropertyOptional({
      oneOf: [{ type: 'string', enum: [...PRESETS] }, { $ref: getSchemaPath(ResponderDto) }],
      description: 'Answers by itself: a preset, or rules. Without it, callers answer',
    }),
    ValidateIf((_, value) => value !== undefined),
    valid,
    ValidateNested(),
    Type(() => ResponderDto),
    Transform(({ value }: { value: unknown }) => responderOf(value)),
  );
}

/** What was given, and nothing else: two that are asked for alike are equal. */
export function responderSpec(dto: ResponderDto | string): ResponderSpec {
  return JSON.parse(JSON.stringify(dto)) as ResponderSpec;
}
