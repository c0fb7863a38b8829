import { ApiProperty } from '@nestjs/swagger';
import { byteOrder, parseUnsigned, type Bits } from '../../network/index.js';
import { OneOf, Text } from '../common/fields.js';

const WIDTHS = ['16', '32', '64'] as const;

export class ByteOrderQuery {
  @Text({
    description: 'A whole number from 0, decimal or hexadecimal with `0x`',
    maxLength: 66,
    example: '1234',
  })
  value!: string;

  @OneOf(WIDTHS, { description: 'Width in bits', default: '32' })
  bits: (typeof WIDTHS)[number] = '32';
}

/** JSON numbers are exact up to 2^53 in most readers: 64-bit ones are text, whatever their size. */
const EXACT = { oneOf: [{ type: 'integer' }, { type: 'string' }] };
const OF_64_BITS = 'With 64 bits it is text';

export class ByteOrderDto {
  @ApiProperty({ ...EXACT, description: OF_64_BITS, example: 1234 })
  value!: number | string;

  @ApiProperty({ enum: [16, 32, 64] })
  bits!: Bits;

  @ApiProperty({ enum: ['big', 'little'] })
  hostEndianness!: 'big' | 'little';

  @ApiProperty({
    ...EXACT,
    description: `htons, htonl or htobe64 of the value. ${OF_64_BITS}`,
    example: 3523477504,
  })
  networkOrder!: number | string;

  @ApiProperty({
    ...EXACT,
    description: `ntohs, ntohl or be64toh of the value. ${OF_64_BITS}`,
    example: 3523477504,
  })
  hostOrder!: number | string;

  @ApiProperty({
    type: 'object',
    description: 'The bytes of the value in memory and on the wire, in hexadecimal',
    properties: { host: { type: 'string' }, network: { type: 'string' } },
    required: ['host', 'network'],
    additionalProperties: false,
    example: { host: 'd2040000', network: '000004d2' },
  })
  bytes!: { host: string; network: string };
}

export function byteOrderDto(query: ByteOrderQuery): ByteOrderDto {
  const bits = Number(query.bits) as Bits;
  const exact = (value: bigint): number | string => (bits === 64 ? value.toString() : Number(value));
  const { value, networkOrder, hostOrder, hostEndianness, bytes } = byteOrder(
    parseUnsigned(query.value, bits),
    bits,
  );
  return {
    value: exact(value),
    bits,
    hostEndianness,
    networkOrder: exact(networkOrder),
    hostOrder: exact(hostOrder),
    bytes,
  };
}
