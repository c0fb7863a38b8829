import type { ConnectRequest, DatagramRequest, Limits, UnixConnectRequest } from '../../sockets/index.js';
import { CreateSocketDto, isUnix, pathOf, socketSettings, type Dial } from '../common/create.dto.js';
import { invalid, type FieldError } from '../problems/problem.js';
import { DurationMs, Host, Nested, OneOf, Port, Text } from '../common/fields.js';
import { ClientTlsDto, dialledTls } from '../common/tls.dto.js';

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
  if (dto.protocol === 'unix-datagram') return unixDatagramRequest(dto, limits);
  return isUnix(dto.protocol) ? unixConnectRequest(dto, limits) : connectRequest(dto, limits);
}

function connectRequest(dto: CreateClientDto, limits: Limits): ConnectRequest {
  const { family, localAddress, localPort, idleTimeoutMs } = dto;
  const timeoutMs = dto.timeoutMs ?? null;
  const common = socketSettings(dto, limits);
  const tls = dialledTls(dto.protocol, dto.tls);
  const { host, port } = internetPeer(dto);
  return { ...common, host, port, family, localAddress, localPort, idleTimeoutMs, timeoutMs, tls };
}

/** Which of these a protocol needs, the others it refuses. */
function internetPeer({ host = '', port = 0, ...dto }: CreateClientDto): { host: string; port: number } {
  const needsPort = dto.protocol !== 'icmp';
  const wrong: FieldError[] = [];
  if (host === '') wrong.push({ pointer: '/host', detail: 'must be given' });
  if (needsPort === (port === 0))
    wrong.push({ pointer: '/port', detail: needsPort ? 'must be given' : `${dto.protocol} has no ports` });
  for (const field of ['path', 'localPath'] as const)
    if (dto[field] !== undefined) wrong.push({ pointer: `/${field}`, detail: 'is for Unix sockets' });
  if (wrong.length > 0) throw invalid(wrong);
  return { host, port };
}

/** connect(2) of a Unix socket that has connections. */
function unixConnectRequest(dto: CreateClientDto, limits: Limits): UnixConnectRequest {
  if (dto.localPath !== undefined)
    throw invalid([{ pointer: '/localPath', detail: 'is for Unix datagram sockets' }]);
  const protocol = dto.protocol === 'unix-seqpacket' ? 'unix-seqpacket' : 'unix';
  return { ...socketSettings(dto, limits), ...unixPeer(dto), protocol, timeoutMs: dto.timeoutMs ?? null };
}

/** connect(2) of a Unix datagram socket. */
function unixDatagramRequest(dto: CreateClientDto, limits: Limits): DatagramRequest {
  const { localPath = null } = dto;
  const common = { ...socketSettings(dto, limits), ...unixPeer(dto) };
  return { ...common, as: 'file', protocol: 'unix-datagram', localPath };
}

function unixPeer(dto: CreateClientDto): { path: string; idleTimeoutMs: number } {
  const { host, port, idleTimeoutMs } = dto;
  if (host !== undefined || port !== undefined)
    throw invalid([{ pointer: '/host', detail: 'a Unix socket has a path instead of host and port' }]);
  return { path: pathOf(dto) ?? '', idleTimeoutMs };
}
