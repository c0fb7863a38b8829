import { ApiPropertyOptional } from '@nestjs/swagger';
import { Type } from 'class-transformer';
import { IsObject, ValidateIf, ValidateNested } from 'class-validator';
import {
  DEFAULT_LIMITS,
  PROTOCOLS,
  SocketError,
  optionSettings,
  type Limits,
  type OptionSetting,
  type ReceiveSettings,
  type SocketLabels,
} from '../../sockets/index.js';
import { DurationMs, Labels, OneOf, OptionValues, SocketName, WindowBytes } from './fields.js';

export class ReceiveDto {
  @WindowBytes({
    description: 'Received bytes kept for reading. Full of uncommitted bytes, it stops the peer',
    default: DEFAULT_LIMITS.defaultWindowBytes,
  })
  windowBytes?: number;

  @OneOf(['pause', 'drop-oldest'], {
    description: '`pause`: a full window slows the peer. `drop-oldest`: a live feed, with gaps',
    default: 'pause',
  })
  overflow: 'pause' | 'drop-oldest' = 'pause';

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
  @OneOf(PROTOCOLS, { description: 'Only `tcp` and `tls` so far', default: 'tcp' })
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
  { name, labels, leaseMs, options, receive }: CreateSocketDto,
  limits: Limits,
): SocketLabels & { options: OptionSetting[]; receive: ReceiveSettings } {
  const common = { name, labels, leaseMs, options: optionSettings(options, 'options/') };
  return { ...common, receive: receiveSettings(receive, limits) };
}

export function receiveSettings(dto: ReceiveDto, limits: Limits): ReceiveSettings {
  return {
    windowBytes: dto.windowBytes ?? limits.defaultWindowBytes,
    overflow: dto.overflow,
    lingerMs: dto.lingerMs ?? limits.lingerMs,
    readerTtlMs: dto.readerTtlMs,
  };
}

export function requireTcp(protocol: string): void {
  if (protocol === 'tcp' || protocol === 'tls') return; // TLS goes over TCP
  throw new SocketError('EPROTONOSUPPORT', `socket EPROTONOSUPPORT: ${protocol}`, { syscall: 'socket' });
}
