import type { ConnectRequest, Limits } from '../../sockets/index.js';
import { CreateSocketDto, socketSettings } from '../common/create.dto.js';
import { DurationMs, Host, Nested, OneOf, Port } from '../common/fields.js';
import { ClientTlsDto, dialledTls } from '../common/tls.dto.js';

export class CreateClientDto extends CreateSocketDto {
  @Host({ description: 'Name or address to connect to', example: '127.0.0.1' })
  host!: string;

  @Port({ description: 'Port to connect to', example: 7007 })
  port!: number;

  @OneOf(['any', 'ipv4', 'ipv6'], { description: 'Which addresses of the name are tried', default: 'any' })
  family: 'any' | 'ipv4' | 'ipv6' = 'any';

  @DurationMs({
    description:
      'Deadline for the whole: name, all addresses, TLS. Without it the default timeout, or the limit',
    optional: true,
    min: 1,
  })
  timeoutMs?: number;

  @Host({ description: 'Address to connect from', optional: true, nullable: true })
  localAddress: string | null = null;

  @Port({ description: 'Port to connect from', optional: true, nullable: true })
  localPort: number | null = null;

  @DurationMs({ description: 'Closed without a byte for this long; 0: never', default: 0 })
  idleTimeoutMs: number = 0;

  @Nested(ClientTlsDto, { description: 'With the protocol `tls`: how it is spoken', optional: true })
  tls?: ClientTlsDto;
}

export function connectRequest(dto: CreateClientDto, limits: Limits): ConnectRequest {
  const { host, port, family, localAddress, localPort, idleTimeoutMs } = dto;
  const timeoutMs = dto.timeoutMs ?? null;
  const common = socketSettings(dto, limits);
  const tls = dialledTls(dto.protocol, dto.tls);
  return { ...common, host, port, family, localAddress, localPort, idleTimeoutMs, timeoutMs, tls };
}
