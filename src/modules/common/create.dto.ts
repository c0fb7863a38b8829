import { ApiPropertyOptional } from '@nestjs/swagger';
import { Type } from 'class-transformer';
import { IsObject, ValidateIf, ValidateNested } from 'class-validator';
import {
  DEFAULT_LIMITS,
  OTHER_PROTOCOLS,
  PROTOCOLS,
  refusalOf,
  optionSettings,
  type ConnectRequest,
  type DatagramRequest,
  type DataSocket,
  type Engine,
  type Limits,
  type OptionSetting,
  type ReceiveSettings,
  type SocketLabels,
  type UnixConnectRequest,
} from '../../sockets/index.js';
import { invalid } from '../problems/problem.js';
import { DurationMs, OneOf } from './fields.js';
import { Labels, OptionValues, SocketName, WindowBytes } from './socket-fields.js';

export class ReceiveDto {
  @WindowBytes({
    description: 'Received bytes kept for reading. Full of uncommitted bytes, it stops the peer',
    default: DEFAULT_LIMITS.defaultWindowBytes,
  })
  windowBytes?: number;

  @OneOf(['pause', 'drop-oldest', 'drop-newest'], {
    description:
      'What a full window does. A stream: `pause` (default) slows the peer, `drop-oldest` makes a live feed with gaps. ' +
      'Datagrams: `drop-oldest` (default) or `drop-newest`',
    optional: true,
  })
  overflow?: 'pause' | 'drop-oldest' | 'drop-newest';

  @OneOf(['memory'], { description: 'Where received bytes are kept', default: 'memory' })
  store = 'memory' as const;

  @DurationMs({
    description: 'How long unread bytes outlive the close of their socket',
    default: DEFAULT_LIMITS.lingerMs,
  })
  lingerMs?: number;

  @DurationMs({
    description: 'A reader that is away longer is forgotten; null: never',
    optional: true,
    nullable: true,
    min: 1,
  })
  readerTtlMs: number | null = null;
}

/** What every socket that a caller makes can be given. */
export class CreateSocketDto {
  @OneOf([...PROTOCOLS, ...OTHER_PROTOCOLS], {
    description: '`icmp` is for clients. 422 for what the kernel or the service does not have',
    default: 'tcp',
  })
  protocol: string = 'tcp';

  @SocketName({
    description: 'Unique among open sockets; stands for the id in paths',
    optional: true,
    nullable: true,
    example: 'demo',
  })
  name: string | null = null;

  @Labels({ description: 'To find sockets again', optional: true, example: { run: '42' } })
  labels: Record<string, string> = {};

  @DurationMs({
    description: 'Closed when nobody renews it for this long; null: never',
    optional: true,
    nullable: true,
    min: 1,
    example: 60_000,
  })
  leaseMs: number | null = null;

  @OptionValues({
    description: 'Socket options by name, set before bind(2) and connect(2); `GET /v1/options` lists them',
    optional: true,
    example: { SO_RCVBUF: 65_536, TCP_NODELAY: true },
  })
  options: Record<string, unknown> = {};

  @ApiPropertyOptional({ type: ReceiveDto })
  @ValidateIf((_, value) => value !== undefined)
  @IsObject()
  @ValidateNested()
  @Type(() => ReceiveDto)
  receive: ReceiveDto = new ReceiveDto();
}

/** What is the same for every kind of socket. */
export function socketSettings(
  { name, labels, leaseMs, options, receive, protocol }: CreateSocketDto,
  limits: Limits,
): SocketLabels & { options: OptionSetting[]; receive: ReceiveSettings } {
  return {
    name,
    labels,
    leaseMs,
    options: optionSettings(options, 'options/'),
    receive: receiveSettings(receive, limits, isDatagram(protocol)),
  };
}

/** Protocols of which a message has bounds, and a sender cannot be slowed. */
export function isDatagram(protocol: string): boolean {
  return protocol === 'udp' || protocol === 'unix-datagram' || protocol === 'icmp';
}

export function receiveSettings(dto: ReceiveDto, limits: Limits, datagrams: boolean): ReceiveSettings {
  const { overflow = datagrams ? 'drop-oldest' : 'pause' } = dto;
  if (overflow === (datagrams ? 'pause' : 'drop-newest')) {
    const detail = datagrams
      ? 'the sender of a datagram cannot be slowed'
      : 'of a stream only the oldest can go';
    throw invalid([{ pointer: '/receive/overflow', detail: `${overflow}: ${detail}` }]);
  }
  return {
    windowBytes: dto.windowBytes ?? limits.defaultWindowBytes,
    overflow,
    lingerMs: dto.lingerMs ?? limits.lingerMs,
    readerTtlMs: dto.readerTtlMs,
  };
}

export function requireStream(protocol: string): void {
  if (protocol === 'tcp' || protocol === 'tls' || isUnix(protocol)) return; // TLS goes over TCP
  throw refusalOf(protocol);
}

/** A Unix socket has a path, and every other none. */
export function isUnix(protocol: string): boolean {
  return protocol.startsWith('unix');
}

/** The path of a Unix socket; null for another protocol, which must have none. */
export function pathOf({ protocol, path }: { protocol: string; path?: string | undefined }): string | null {
  if (isUnix(protocol) === (path !== undefined)) return path ?? null;
  const detail = path === undefined ? `must be given with ${protocol}` : `has no meaning with ${protocol}`;
  throw invalid([{ pointer: '/path', detail }]);
}

/** What a caller can have connected. */
export type Dial = ConnectRequest | UnixConnectRequest | DatagramRequest;

/** connect(2) over a protocol that the caller named. EPROTONOSUPPORT for those that are still to come. */
export async function connectOver(
  engine: Engine,
  protocol: string,
  request: Dial,
  gone?: AbortSignal,
): Promise<DataSocket> {
  if ('as' in request) return engine.openDatagram(request);
  if ('path' in request) return engine.connectUnix(request, gone);
  const timeoutMs = engine.dialTimeoutMs(request.timeoutMs);
  if (protocol === 'udp') return engine.openDatagram({ ...request, as: 'connected', protocol, timeoutMs });
  if (protocol === 'icmp') return engine.openDatagram({ ...request, as: 'echo', protocol, timeoutMs });
  requireStream(protocol);
  return engine.connect(request, gone);
}
