import { applyDecorators } from '@nestjs/common';
import { ApiExtraModels, ApiOkResponse, ApiProperty, getSchemaPath } from '@nestjs/swagger';
import { DatagramSocket, StreamListener, type ManagedSocket } from '../../sockets/index.js';
import { ResponderCountsDto, responderCountsDto } from './responder-counts.dto.js';
import { SocketDto, socketDto } from './socket.dto.js';
import type { IncludeQuery } from './tcp-info.dto.js';

/** What it was asked to accept. */
export class AcceptLimitsDto {
  @ApiProperty({ type: 'integer', description: 'Connections open at once; one more is reset' })
  maxConnections!: number;

  @ApiProperty({
    type: 'integer',
    nullable: true,
    description: 'Accepts so many connections, then stops listening; null: no end',
  })
  acceptCount!: number | null;

  @ApiProperty({
    type: 'integer',
    description: 'A connection without a byte for this long is closed; 0: never',
  })
  idleTimeoutMs!: number;
}

/** A listener says besides how its accepting goes. */
@ApiExtraModels(ResponderCountsDto)
export class ListenerDto extends SocketDto {
  @ApiProperty({ type: 'integer', description: 'Connections open now' })
  openConnections!: number;

  @ApiProperty({ type: 'integer', description: 'Connections accepted so far' })
  acceptedConnections!: number;

  @ApiProperty({
    type: 'integer',
    description:
      'Connections that never became a socket: a limit was reached, their handshake failed, or their peer had ' +
      'reset them before they were accepted',
  })
  rejectedConnections!: number;

  @ApiProperty({
    type: 'integer',
    description: 'Queue of connections not yet accepted, as asked for; listen(2)',
  })
  backlog!: number;

  @ApiProperty({
    type: AcceptLimitsDto,
    nullable: true,
    description: 'Null of a bound datagram socket, which accepts nothing',
  })
  limits!: AcceptLimitsDto | null;

  @ApiProperty({
    type: 'boolean',
    nullable: true,
    description: 'As asked for; null of a bound datagram socket, which has the option IPV6_V6ONLY',
  })
  ipv6Only!: boolean | null;

  @ApiProperty({
    oneOf: [{ $ref: '#/components/schemas/ResponderCountsDto' }, { type: 'null' }],
    description: 'What answers for it has done; null where callers answer',
  })
  responder!: ResponderCountsDto | null;
}

type AcceptingPart = Omit<ListenerDto, keyof SocketDto | 'responder'>;

/** What accepts nothing. */
const NO_ACCEPTING: AcceptingPart = {
  openConnections: 0,
  acceptedConnections: 0,
  rejectedConnections: 0,
  backlog: 0,
  limits: null,
  ipv6Only: null,
};

export function listenerDto(
  listener: StreamListener | DatagramSocket,
  include?: IncludeQuery['include'],
): ListenerDto {
  const { answering } = listener;
  const responder = answering && responderCountsDto(answering);
  // Not a spread: V8 takes 20 times as long to add properties to a copy of so many.
  return Object.assign(socketDto(listener, include), acceptingPart(listener), { responder });
}

function acceptingPart(listener: StreamListener | DatagramSocket): AcceptingPart {
  if (listener instanceof DatagramSocket) return NO_ACCEPTING;
  const { backlog, maxConnections, acceptCount, idleTimeoutMs, ipv6Only } = listener.settings;
  return {
    openConnections: listener.open,
    acceptedConnections: listener.accepted,
    rejectedConnections: listener.rejected,
    backlog,
    limits: { maxConnections, acceptCount, idleTimeoutMs },
    ipv6Only,
  };
}

/** A listener is the same wherever it is shown. */
export const ANY_SOCKET = {
  anyOf: [{ $ref: getSchemaPath(ListenerDto) }, { $ref: getSchemaPath(SocketDto) }],
};

export function ApiAnySocket(): MethodDecorator {
  return applyDecorators(ApiExtraModels(ListenerDto, SocketDto), ApiOkResponse({ schema: ANY_SOCKET }));
}

export function anySocketDto(
  socket: ManagedSocket,
  include?: IncludeQuery['include'],
): SocketDto | ListenerDto {
  if (socket instanceof StreamListener) return listenerDto(socket, include);
  if (socket instanceof DatagramSocket && socket.kind === 'listener') return listenerDto(socket, include);
  return socketDto(socket, include);
}
