import { ApiProperty } from '@nestjs/swagger';
import type {
  DefaultRoute,
  Host,
  InterfaceAddress,
  NetworkInterface,
  SysctlValue,
} from '../../network/index.js';
import { SystemReasonDto } from '../common/socket.dto.js';

const FAMILIES = ['ipv4', 'ipv6'] as const;

export class InterfaceAddressDto implements InterfaceAddress {
  @ApiProperty({ enum: FAMILIES })
  family!: 'ipv4' | 'ipv6';

  @ApiProperty({ example: '127.0.0.1' })
  address!: string;

  @ApiProperty({ type: 'integer', example: 8 })
  prefix!: number;

  @ApiProperty({ type: 'string', nullable: true, example: null })
  broadcast!: string | null;

  @ApiProperty({
    type: 'string',
    nullable: true,
    description: 'The other end of a point-to-point link',
    example: null,
  })
  peer!: string | null;
}

export class InterfaceDto implements NetworkInterface {
  @ApiProperty({ example: 'lo' })
  name!: string;

  @ApiProperty({ type: 'integer', description: 'Of if_nametoindex(3)', example: 1 })
  index!: number;

  @ApiProperty({ type: 'string', nullable: true, example: '00:00:00:00:00:00' })
  mac!: string | null;

  @ApiProperty({ type: 'integer', nullable: true, example: 65_536 })
  mtuBytes!: number | null;

  @ApiProperty({
    type: [String],
    description: 'The IFF_ flags of netdevice(7)',
    example: ['UP', 'LOOPBACK', 'RUNNING', 'LOWER_UP'],
  })
  flags!: string[];

  @ApiProperty({ type: [InterfaceAddressDto] })
  addresses!: InterfaceAddressDto[];
}

export class DefaultRouteDto implements DefaultRoute {
  @ApiProperty({ enum: FAMILIES })
  family!: 'ipv4' | 'ipv6';

  @ApiProperty({
    type: 'string',
    nullable: true,
    description: 'Null: straight onto the link',
    example: '192.0.2.1',
  })
  gateway!: string | null;

  @ApiProperty({ example: 'eth0' })
  interface!: string;

  @ApiProperty({ type: 'integer', description: 'Of several the lowest wins', example: 100 })
  metric!: number;
}

export class OperatingSystemDto {
  @ApiProperty({ example: 'Linux' })
  type!: string;

  @ApiProperty({ example: '6.1.0-31-amd64' })
  release!: string;

  @ApiProperty()
  version!: string;

  @ApiProperty({ description: 'The processor, by its name in uname(2)', example: 'x86_64' })
  machine!: string;
}

export class HostDto {
  @ApiProperty({ description: 'gethostname(2)', example: 'gateway' })
  hostname!: string;

  @ApiProperty({
    description: 'The canonical name or the first alias with a dot in it; where there is none, the hostname',
    example: 'gateway.example.test',
  })
  fqdn!: string;

  @ApiProperty({ type: [String], description: 'Other names of the hostname: gethostbyname(3)' })
  aliases!: readonly string[];

  @ApiProperty({
    type: [String],
    description: 'IPv4 addresses of the hostname: gethostbyname(3). What the interfaces have stands there',
    example: ['192.0.2.2'],
  })
  addresses!: readonly string[];

  @ApiProperty({
    type: SystemReasonDto,
    nullable: true,
    description: 'Why the hostname has no aliases and addresses; null where it resolved',
  })
  nameError!: SystemReasonDto | null;

  @ApiProperty({ type: [InterfaceDto] })
  interfaces!: InterfaceDto[];

  @ApiProperty({ type: [DefaultRouteDto] })
  defaultRoutes!: DefaultRouteDto[];

  @ApiProperty({
    type: 'object',
    additionalProperties: {
      oneOf: [{ type: 'integer' }, { type: 'array', items: { type: 'integer' } }, { type: 'string' }],
    },
    description: 'What bounds sockets here, by the names of sysctl(8); those that this kernel has',
    example: { 'net.core.somaxconn': 4096, 'net.ipv4.ip_local_port_range': [32_768, 60_999] },
  })
  sysctls!: Record<string, SysctlValue>;

  @ApiProperty({ enum: ['big', 'little'] })
  endianness!: 'big' | 'little';

  @ApiProperty({ type: OperatingSystemDto })
  os!: OperatingSystemDto;
}

export function hostDto({ nameError, ...host }: Host): HostDto {
  return { ...host, nameError: nameError === null ? null : reasonDto(nameError) };
}

function reasonDto({ code, errno, message }: NonNullable<Host['nameError']>): SystemReasonDto {
  return { code, errno: errno ?? null, message };
}
