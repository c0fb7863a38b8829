import { ApiProperty } from '@nestjs/swagger';
import {
  PROTOCOLS,
  SETTABLE,
  UNITS,
  type OptionReading,
  type OptionValue,
  type SocketOption,
} from '../../sockets/index.js';
import { OPTION_VALUE_SCHEMAS } from '../common/socket-fields.js';

const CREDENTIALS_SCHEMA = {
  type: 'object',
  description: 'SO_PEERCRED',
  required: ['pid', 'uid', 'gid'],
  properties: { pid: { type: 'integer' }, uid: { type: 'integer' }, gid: { type: 'integer' } },
};

const unit = {
  type: 'string',
  enum: [...UNITS, null],
  nullable: true,
  description: 'What a number counts; null where it is a code, or no number',
} as const;

/** What only a list in one piece has. */
const NO_CURSOR = { type: 'null', description: 'Always null: the list comes in one piece' } as const;

/** An option of a socket, as the kernel has it. */
export class OptionDto {
  @ApiProperty({ example: 'SO_RCVBUF' })
  name!: string;

  @ApiProperty({ example: 'SOL_SOCKET' })
  level!: string;

  @ApiProperty({
    oneOf: [...OPTION_VALUE_SCHEMAS, CREDENTIALS_SCHEMA],
    description: 'What the kernel reports: it may not be what was set',
    example: 8192,
  })
  value!: OptionValue;

  @ApiProperty(unit)
  unit!: string | null;

  @ApiProperty({ description: 'False where the kernel takes no value' })
  writable!: boolean;
}

export class OptionListDto {
  @ApiProperty({ type: [OptionDto] })
  items!: OptionDto[];

  @ApiProperty(NO_CURSOR)
  nextCursor!: null;
}

/** A row of the catalogue. */
export class KnownOptionDto {
  @ApiProperty({ example: 'SO_RCVBUF' })
  name!: string;

  @ApiProperty({ example: 'SOL_SOCKET' })
  level!: string;

  @ApiProperty({ type: 'integer', description: 'The number of the level', example: 1 })
  levelNumber!: number;

  @ApiProperty({ type: 'integer', description: 'The number of the option, for C', example: 8 })
  number!: number;

  @ApiProperty({ description: 'The form of its value', example: 'int' })
  type!: string;

  @ApiProperty({ description: 'The form of its value, in words', example: 'an integer of 32 bits' })
  expects!: string;

  @ApiProperty(unit)
  unit!: string | null;

  @ApiProperty({
    enum: [...SETTABLE],
    description: 'What is for before bind(2) or connect(2) is given when the socket is made, as `options`',
  })
  settable!: string;

  @ApiProperty({ enum: [...PROTOCOLS], isArray: true, description: 'Sockets for which it means something' })
  protocols!: string[];

  @ApiProperty({ example: 'what the kernel keeps that was received' })
  description!: string;

  @ApiProperty({ example: 'socket(7)' })
  manPage!: string;
}

export class KnownOptionListDto {
  @ApiProperty({ type: [KnownOptionDto] })
  items!: KnownOptionDto[];

  @ApiProperty(NO_CURSOR)
  nextCursor!: null;
}

export function optionDto({ option, value }: OptionReading): OptionDto {
  const { name, level, unit: counted, settable } = option;
  return { name, level: level.name, value, unit: counted, writable: settable !== 'never' };
}

export function optionListDto(readings: readonly OptionReading[]): OptionListDto {
  return { items: readings.map(optionDto), nextCursor: null };
}

export function knownOptionDto(option: SocketOption): KnownOptionDto {
  const { name, level, number, type, unit: counted, settable, protocols, does } = option;
  return {
    name,
    level: level.name,
    levelNumber: level.number,
    number,
    type: type.name,
    expects: type.expects,
    unit: counted,
    settable,
    protocols: [...protocols],
    description: does,
    manPage: level.manPage,
  };
}
