import { ApiProperty } from '@nestjs/swagger';
import type { Endpoint } from '../../sockets/index.js';

export class AddressDto {
  @ApiProperty({ example: '127.0.0.1' })
  address!: string;

  @ApiProperty({ type: 'integer', example: 9999 })
  port!: number;
}

export class UnixAddressDto {
  @ApiProperty({ description: 'Empty for a socket without a name', example: '/run/sockeye/meters.sock' })
  path!: string;
}

/** For a field that is either. */
export const ADDRESS_REFS = [
  { $ref: '#/components/schemas/AddressDto' },
  { $ref: '#/components/schemas/UnixAddressDto' },
];

export function addressDto(end: Endpoint): AddressDto | UnixAddressDto {
  return end.family === 'unix' ? { path: end.path } : { address: end.address, port: end.port };
}
