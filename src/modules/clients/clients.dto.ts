import type { Limits } from '../../sockets/index.js';
import { CreateSocketDto, socketSettings, type Dial } from '../common/create.dto.js';
import { dialOf } from '../common/dial.js';
import { DurationMs, Host, Nested, OneOf, Port, Text } from '../common/fields.js';
import { ClientTlsDto } from '../common/tls.dto.js';

export class CreateClientDto extends CreateSocketDto {
  @Host({ description: 'Name or address to connect to', optional: true, example: '127.0.0.1' })
  host?: string;

  @Port({ description: 'Port to connect to; `icmp` has none', optional: true, example: 7007 })
  port?: number;

  @Text({
    description:
      'Of a Unix socket, instead of `host` and `port`: the file to connect to, in `SOCKEYE_UNIX_DIR`',
    optional: true,
    maxLength: 4096,
  })
  path?: string;

  @Text({
    description: 'Of a Unix datagram client: the file to bind. Without it the kernel picks an abstract name',
    optional: true,
    maxLength: 4096,
  })
  localPath?: string;

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

/** What is to be connected, by the protocol. */
export function clientRequest(dto: CreateClientDto, limits: Limits): Dial {
  return dialOf(dto, socketSettings(dto, limits));
}
