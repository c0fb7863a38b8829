import { isIPv4 } from 'node:net';
import { ApiExtraModels, ApiPropertyOptional } from '@nestjs/swagger';
import { Type } from 'class-transformer';
import { IsObject, ValidateIf, ValidateNested } from 'class-validator';
import {
  optionSettings,
  type BindRequest,
  type Limits,
  type ListenerSpec,
  type ResponderSpec,
} from '../../sockets/index.js';
import { CreateSocketDto, isDatagram, pathOf, requireStream, socketSettings } from '../common/create.dto.js';
import { CloseQuery } from '../common/close.dto.js';
import { DurationMs, Flag, Host, Int, Nested, Port, Text } from '../common/fields.js';
import { ResponderDto, ResponderField, responderSpec } from '../common/responder.dto.js';
import { SocketName } from '../common/socket-fields.js';
import { listenerTls, ServerTlsDto } from '../common/tls.dto.js';
import { validate } from '../common/validation.js';
import { invalid } from '../problems/problem.js';

const DEFAULT_HOST = '127.0.0.1';

export class ListenerLimitsDto {
  @Int({ description: 'Connections open at once; one more is reset', default: 1000, min: 1, max: 1_000_000 })
  maxConnections?: number;

  @Int({
    description: 'Accepts so many connections, then stops listening; they go on. null: no end',
    optional: true,
    nullable: true,
    min: 1,
    max: 1_000_000_000,
  })
  acceptCount?: number | null;

  @DurationMs({ description: 'A connection without a byte for this long is closed; 0: never', default: 0 })
  idleTimeoutMs: number = 0;
}

@ApiExtraModels(ResponderDto)
export class CreateListenerDto extends CreateSocketDto {
  @Host({ description: 'Address, or name that resolves to one, to bind', default: DEFAULT_HOST })
  host?: string;

  @Port({ description: '0: the kernel picks one, and it is reported', default: 0, min: 0, example: 7007 })
  port?: number;

  @Text({
    description: 'Of a Unix socket, instead of `host` and `port`: its file, in `SOCKEYE_UNIX_DIR`',
    optional: true,
    maxLength: 4096,
    example: 'meters.sock',
  })
  path?: string;

  @Int({ description: 'Queue of connections not yet accepted; listen(2)', default: 511, min: 1, max: 65_535 })
  backlog?: number;

  @Flag({ description: 'An IPv6 listener takes no IPv4 connections; IPV6_V6ONLY', default: false })
  ipv6Only?: boolean;

  @Flag({
    description: 'Others of the same user may listen on the same end, and the kernel spreads; SO_REUSEPORT',
    default: false,
  })
  reusePort?: boolean;

  @ApiPropertyOptional({ type: ListenerLimitsDto })
  @ValidateIf((_, value) => value !== undefined)
  @IsObject()
  @ValidateNested()
  @Type(() => ListenerLimitsDto)
  limits: ListenerLimitsDto = new ListenerLimitsDto();

  @Nested(ServerTlsDto, { description: 'With the protocol `tls`: how it is spoken', optional: true })
  tls?: ServerTlsDto;

  @ResponderField()
  responder?: ResponderDto | string;
}

export class RemoveListenerQuery extends CloseQuery {
  @DurationMs({
    description: 'How long live connections may take to end by themselves',
    query: true,
    default: 0,
  })
  drainMs: number = 0;
}

const OF_INTERNET = ['host', 'port', 'ipv6Only'];
const OF_CONNECTIONS = ['backlog', 'limits/maxConnections', 'limits/acceptCount'];

/** What would be taken and do nothing; `path` and `tls` are looked at where they are read. */
const WITHOUT_MEANING: Readonly<Record<string, readonly string[]>> = {
  udp: OF_CONNECTIONS,
  unix: OF_INTERNET,
  'unix-seqpacket': OF_INTERNET,
  'unix-datagram': [...OF_INTERNET, ...OF_CONNECTIONS, 'reusePort'],
};

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

function refuseWithoutMeaning(dto: CreateListenerDto): void {
  const { protocol, host = DEFAULT_HOST, ipv6Only = false } = dto;
  const wrong = (WITHOUT_MEANING[protocol] ?? [])
    .filter((field) => isGiven(dto, field))
    .map((field) => ({ pointer: `/${field}`, detail: `has no meaning with ${protocol}` }));
  if (ipv6Only && wrong.length === 0 && isIPv4(host))
    wrong.push({ pointer: '/ipv6Only', detail: `has no meaning with ${host}` });
  if (wrong.length > 0) throw invalid(wrong);
}

function isGiven(dto: CreateListenerDto, path: string): boolean {
  const value = path.split('/').reduce<unknown>((of, name) => (of as Record<string, unknown>)[name], dto);
  return (value ?? null) !== null;
}

/** EPROTONOSUPPORT for what cannot be bound. */
export function listenerSpec(dto: CreateListenerDto, limits: Limits): ListenerSpec {
  refuseWithoutMeaning(dto);
  if (dto.protocol !== 'icmp' && isDatagram(dto.protocol)) return bindRequest(dto, limits);
  requireStream(dto.protocol);
  return listenRequest(dto, limits);
}

/** bind(2) of a datagram socket: UDP, or the file of a Unix one. */
function bindRequest(dto: CreateListenerDto, limits: Limits): BindRequest {
  const { host = DEFAULT_HOST, port = 0, ipv6Only = false, reusePort = false } = dto;
  const path = pathOf(dto);
  const { idleTimeoutMs } = dto.limits;
  const common = { ...socketSettings(dto, limits), ...answersOf(dto), idleTimeoutMs };
  if (path !== null) return { ...common, protocol: 'unix-datagram', path };
  const options = [...(reusePort ? REUSE_PORT : []), ...common.options];
  return { ...common, protocol: 'udp', host, port, ipv6Only, options };
}

function listenRequest(dto: CreateListenerDto, limits: Limits): ListenerSpec {
  const { host = DEFAULT_HOST, port = 0, backlog = 511, ipv6Only = false, reusePort = false } = dto;
  const { maxConnections = 1000, acceptCount = null, idleTimeoutMs } = dto.limits;
  const path = pathOf(dto);
  const { name, labels, leaseMs, options, receive } = socketSettings(dto, limits);
  const common = {
    name,
    labels,
    leaseMs,
    receive,
    maxConnections,
    acceptCount,
    idleTimeoutMs,
    backlog,
    ipv6Only,
    options: reusePort ? [...REUSE_PORT, ...options] : options,
    tls: listenerTls(dto.protocol, dto.tls),
    ...answersOf(dto),
  };
  // No spreads: V8 takes ten times as long to add fields to a copy.
  if (path === null) return Object.assign(common, { host, port });
  return Object.assign(common, { path, ...typeOf(dto) });
}

function typeOf({ protocol }: CreateListenerDto): { type?: 'seqpacket' } {
  return protocol === 'unix-seqpacket' ? { type: 'seqpacket' } : {};
}

function answersOf({ responder }: CreateListenerDto): { responder?: ResponderSpec } {
  return responder === undefined ? {} : { responder: responderSpec(responder) };
}
