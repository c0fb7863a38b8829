import { ApiExtraModels, ApiProperty } from '@nestjs/swagger';
import {
  SOCKET_EVENTS,
  SOCKET_KINDS,
  type SocketEvent,
  type SocketEventName,
  type SocketKind,
} from '../../sockets/index.js';
import { OneOf, Text } from './fields.js';
import { hasLabel } from './list.dto.js';
import { ANY_SOCKET, anySocketDto, ListenerDto } from './listener.dto.js';
import { SocketDto } from './socket.dto.js';

const eventId = { type: 'integer', minimum: 0, example: 1792000000000042 } as const;

export class DroppedDto {
  @ApiProperty({ type: 'integer', description: 'First offset that is gone' })
  from!: number;

  @ApiProperty({ type: 'integer', description: 'First offset behind what is gone' })
  to!: number;

  @ApiProperty({
    type: 'integer',
    description: 'How many were dropped: less than `to - from` where several gaps are told as one',
  })
  dropped!: number;
}

/** One event in the life of a socket. */
@ApiExtraModels(ListenerDto, SocketDto)
export class SocketEventDto {
  @ApiProperty({ ...eventId, description: 'Grows by one with each event, and over restarts' })
  id!: number;

  @ApiProperty({ enum: [...SOCKET_EVENTS], description: 'What happened' })
  name!: SocketEventName;

  @ApiProperty({ format: 'date-time' })
  time!: string;

  @ApiProperty({ example: 'con_5f0c9a1e7d5b4c559d1e0c6f' })
  socketId!: string;

  @ApiProperty({ ...ANY_SOCKET, description: 'The socket as it was at that time, without certificates' })
  socket!: SocketDto | ListenerDto;

  @ApiProperty({ type: DroppedDto, nullable: true, description: 'Of `gap`: what was dropped' })
  gap!: DroppedDto | null;
}

/** Events that are gone from the history before they could be told. */
export class MissedDto {
  @ApiProperty({ ...eventId, description: 'Id of the first event that was missed' })
  from!: number;

  @ApiProperty({ ...eventId, description: 'Id of the last event that was missed' })
  to!: number;
}

/** Which events are wanted: those that have all of it. */
export class EventFilter {
  @OneOf(SOCKET_KINDS, { description: 'Only of sockets of this kind', optional: true })
  kind?: SocketKind;

  @Text({
    description: 'Only of this listener and the connections it accepted: its id, or its name',
    optional: true,
    maxLength: 64,
  })
  listenerId?: string;

  @Text({
    description: 'Only of sockets with this label, as `key=value`',
    optional: true,
    maxLength: 321,
    pattern: /^[^=]+=.*$/,
  })
  label?: string;
}

/** An event as it is remembered: what is sent, and what filters ask for besides. */
export interface EventRecord {
  shown: Omit<SocketEventDto, 'id'>;
  listener: { id: string; name: string | null } | null;
}

export function eventRecord({ name, time, socket, listener, gap }: SocketEvent): EventRecord {
  return {
    shown: {
      name,
      time: new Date(time).toISOString(),
      socketId: socket.id,
      socket: withoutCertificates(anySocketDto(socket)),
      gap,
    },
    listener: listener === null ? null : { id: listener.id, name: listener.name },
  };
}

/** Events are remembered by the thousand, and a certificate can be hundreds of KiB. */
function withoutCertificates(shown: SocketDto): SocketDto {
  const { tls } = shown;
  if (tls === null) return shown;
  const kept = 'certificate' in tls ? { ...tls, certificate: null } : { ...tls, peerCertificate: null };
  return { ...shown, tls: kept };
}

export function isWanted(
  { shown, listener }: EventRecord,
  { kind, listenerId, label }: EventFilter,
  names: readonly string[] | undefined,
): boolean {
  if (names !== undefined && !names.includes(shown.name)) return false;
  if (kind !== undefined && shown.socket.kind !== kind) return false;
  if (label !== undefined && !hasLabel(shown.socket.labels, label)) return false;
  return listenerId === undefined || listener?.id === listenerId || listener?.name === listenerId;
}
