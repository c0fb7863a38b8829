import { ApiPropertyOptional } from '@nestjs/swagger';
import { Type } from 'class-transformer';
import { IsObject, ValidateIf, ValidateNested } from 'class-validator';
import { optionSettings, type BindRequest, type Limits, type ListenerSpec } from '../../sockets/index.js';
import { CreateSocketDto, isDatagram, pathOf, requireStream, socketSettings } from '../common/create.dto.js';
import { CloseQuery } from '../common/close.dto.js';
import { DurationMs, Flag, Host, Int, Nested, Port, SocketName, Text } from '../common/fields.js';
import { listenerTls, ServerTlsDto } from '../common/tls.dto.js';
import { validate } from '../common/validation.js';
import { invalid } from '../problems/problem.js';

export class ListenerLimitsDto {
  @Int({ description: 'Connections open at once; one more is reset', default: 1000, min: 1, max: 1_000_000 })
  maxConnections: number = 1000;

  @Int({
    description: 'Accepts so many connections, then stops listening; they go on. null: no end',
    optional: true,
    nullable: true,
    min: 1,
    max: 1_000_000_000,
  })
  acceptCount: number | null = null;

  @DurationMs({ description: 'A connection without a byte for this long is closed; 0: never', default: 0 })
  idleTimeoutMs: number = 0;
}

export class CreateListenerDto extends CreateSocketDto {
  @Host({ description: 'Address, or name that resolves to one, to bind', default: '127.0.0.1' })
  host: string = '127.0.0.1';

  @Port({ description: '0: the kernel picks one, and it is reported', default: 0, min: 0, example: 7007 })
  port: number = 0;

  @Text({
    description: 'Of a Unix socket, instead of `host` and `port`: its file, in `SOCKEYE_UNIX_DIR`',
    optional: true,
    maxLength: 4096,
    example: 'meters.sock',
  })
  path?: string;

  @Int({ description: 'Queue of connections not yet accepted; listen(2)', default: 511, min: 1, max: 65_535 })
  backlog: number = 511;

  @Flag({ description: 'An IPv6 listener takes no IPv4 connections; IPV6_V6ONLY', default: false })
  ipv6Only: boolean = false;

  @Flag({
    description: 'Others of the same user may listen on the same end, and the kernel spreads; SO_REUSEPORT',
    default: false,
  })
  reusePort: boolean = false;

  @ApiPropertyOptional({ type: ListenerLimitsDto })
  @ValidateIf((_, value) => value !== undefined)
  @IsObject()
  @ValidateNested()
  @Type(() => ListenerLimitsDto)
  limits: ListenerLimitsDto = new ListenerLimitsDto();

  @Nested(ServerTlsDto, { description: 'With the protocol `tls`: how it is spoken', optional: true })
  tls?: ServerTlsDto;
}

export class RemoveListenerQuery extends CloseQuery {
  @DurationMs({
    description: 'How long live connections may take to end by themselves',
    query: true,
    default: 0,
  })
  drainMs: number = 0;
}

const REUSE_PORT = optionSettings({ SO_REUSEPORT: true });

class NameInPath {
  @SocketName({ description: 'Name of the listener' })
  name!: string;
}

/** The name in the path counts; one in the body must be the same. */
export function declareRequest(
  nameInPath: string,
  dto: CreateListenerDto,
  limits: Limits,
): ListenerSpec & { name: string } {
  const { name } = validate(NameInPath, { name: nameInPath });
  if (dto.name !== null && dto.name !== name)
    throw invalid([{ pointer: '/name', detail: `must be ${name}, as in the path` }]);
  return { ...listenerSpec(dto, limits), name };
}

/** EPROTONOSUPPORT for what cannot be bound. */
export function listenerSpec(dto: CreateListenerDto, limits: Limits): ListenerSpec {
  if (dto.protocol !== 'icmp' && isDatagram(dto.protocol)) return bindRequest(dto, limits);
  requireStream(dto.protocol);
  return listenRequest(dto, limits);
}

/** bind(2) of a datagram socket: UDP, or the file of a Unix one. */
function bindRequest(dto: CreateListenerDto, limits: Limits): BindRequest {
  const { host, port, ipv6Only, reusePort } = dto;
  const path = pathOf(dto);
  const { idleTimeoutMs } = dto.limits;
  const common = { ...socketSettings(dto, limits), idleTimeoutMs };
  if (path !== null) return { ...common, protocol: 'unix-datagram', path };
  const options = [...(reusePort ? REUSE_PORT : []), ...common.options];
  return { ...common, protocol: 'udp', host, port, ipv6Only, options };
}

function listenRequest(dto: CreateListenerDto, limits: Limits): ListenerSpec {
  const { host, port, backlog, ipv6Only, reusePort } = dto;
  const path = pathOf(dto);
  const end = path === null ? { host, port } : { path, ...typeOf(dto) };
  const common = socketSettings(dto, limits);
  const options = [...(reusePort ? REUSE_PORT : []), ...common.options];
  return {
    ...common,
    ...end,
    ...dto.limits,
    backlog,
    ipv6Only,
    options,
    tls: listenerTls(dto.protocol, dto.tls),
  };
}

function typeOf({ protocol }: CreateListenerDto): { type?: 'seqpacket' } {
  return protocol === 'unix-seqpacket' ? { type: 'seqpacket' } : {};
}
