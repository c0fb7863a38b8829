import { ApiProperty, ApiPropertyOptional } from '@nestjs/swagger';
import { ADDRESS_REFS, AddressDto, UnixAddressDto } from '../../common/address.dto.js';
import { MissedDto, SocketEventDto } from '../../common/event.dto.js';
import { SystemReasonDto, SocketDto } from '../../common/socket.dto.js';
import { ProblemDto } from '../../problems/problem.dto.js';

const channel = { type: 'integer', minimum: 0, maximum: 0xffffffff, example: 1 } as const;
const index = {
  type: 'integer',
  minimum: 0,
  description: 'Of a list of attachments: the place in it',
} as const;
const offset = { type: 'integer', minimum: 0, example: 0 } as const;

export class AttachedData {
  @ApiProperty({ ...channel, description: 'Its number in frames and messages from now on' })
  channel!: number;

  @ApiPropertyOptional(index)
  index?: number;

  @ApiPropertyOptional({ description: 'Of an attach to a socket' })
  socketId?: string;

  @ApiPropertyOptional({ description: 'Of an attach to a listener' })
  listenerId?: string;

  @ApiPropertyOptional({ ...offset, description: 'Offset of the first byte that will come' })
  offset?: number;

  @ApiPropertyOptional({ ...offset, description: 'Oldest byte held' })
  earliestOffset?: number;

  @ApiPropertyOptional({ ...offset, description: 'Offset that the next byte received will get' })
  headOffset?: number;

  @ApiProperty({ type: SocketDto })
  socket!: SocketDto;
}

export class AcceptedData {
  @ApiProperty({ ...channel, description: 'Channel of this connection' })
  channel!: number;

  @ApiProperty({ ...channel, description: 'Channel of the listener' })
  listenerChannel!: number;

  @ApiProperty({ ...offset, description: 'Offset of the first byte that will come' })
  offset!: number;

  @ApiProperty({ type: SocketDto })
  socket!: SocketDto;
}

export class DataData {
  @ApiProperty(channel)
  channel!: number;

  @ApiProperty({ ...offset, description: 'Offset of the first byte that `data` stands for' })
  offset!: number;

  @ApiProperty({ ...offset, description: 'Acknowledge this: offset + bytes; of a datagram, offset + 1' })
  nextOffset!: number;

  @ApiProperty({ type: 'integer', description: 'Bytes that `data` stands for' })
  bytes!: number;

  @ApiProperty()
  data!: string;

  @ApiProperty({ description: 'As `attach` has named it', example: 'utf8' })
  encoding!: string;

  @ApiProperty({ description: 'Some bytes were not valid in that encoding' })
  lossy!: boolean;

  @ApiPropertyOptional({ format: 'date-time', description: 'Of a datagram: when the kernel received it' })
  time?: string;

  @ApiPropertyOptional({ oneOf: ADDRESS_REFS, description: 'Of a datagram: who sent it' })
  from?: AddressDto | UnixAddressDto;

  @ApiPropertyOptional({ type: 'integer', description: 'Of an ICMP reply: number of the request' })
  icmpSequence?: number;

  @ApiPropertyOptional({ type: 'integer', description: 'Of an ICMP reply: TTL or hop limit' })
  ttl?: number;

  @ApiPropertyOptional({ type: 'number', nullable: true, description: 'Of an ICMP reply: milliseconds' })
  rttMs?: number | null;
}

export class GapData {
  @ApiProperty(channel)
  channel!: number;

  @ApiProperty({ ...offset, description: 'First offset that is gone' })
  from!: number;

  @ApiProperty({ ...offset, description: 'First offset that is there again' })
  to!: number;
}

export class EofData {
  @ApiProperty(channel)
  channel!: number;

  @ApiProperty({ ...offset, description: 'Where the stream of the peer ends' })
  offset!: number;
}

export class ClosedData {
  @ApiProperty(channel)
  channel!: number;

  @ApiProperty({ ...offset, description: 'How many bytes were received in all' })
  offset!: number;

  @ApiProperty({ oneOf: [{ $ref: '#/components/schemas/SystemReasonDto' }, { type: 'string' }] })
  reason!: SystemReasonDto | string;
}

export class CreditData {
  @ApiProperty(channel)
  channel!: number;

  @ApiProperty({ type: 'integer', minimum: 0, description: 'How many bytes more may be sent' })
  bytes!: number;
}

export class SentData {
  @ApiProperty(channel)
  channel!: number;

  @ApiProperty({ type: 'integer', minimum: 0, description: 'Bytes that the kernel took' })
  bytesSent!: number;
}

export class DoneData {
  @ApiProperty(channel)
  channel!: number;
}

export class WatchingData {
  @ApiProperty({ type: 'integer', minimum: 0, description: 'Watches on this WebSocket now' })
  watches!: number;

  @ApiProperty({ type: 'integer', minimum: 0, description: 'Events after this one follow' })
  lastEventId!: number;
}

export class ErrorData extends ProblemDto {
  @ApiPropertyOptional(channel)
  channel?: number;

  @ApiPropertyOptional(index)
  index?: number;
}

/** Every event the server sends, with the class of its data; `pong` repeats what `ping` brought. */
export const SERVER_EVENTS = {
  attached: [AttachedData],
  accepted: [AcceptedData],
  data: [DataData],
  gap: [GapData],
  eof: [EofData],
  closed: [ClosedData],
  credit: [CreditData],
  sent: [SentData],
  done: [DoneData],
  watching: [WatchingData],
  event: [SocketEventDto],
  missed: [MissedDto],
  error: [ErrorData],
  pong: [],
} as const;

export type ServerEvent = keyof typeof SERVER_EVENTS;

/** The data that each event carries, for the code that sends it. */
export type ServerData = {
  [Event in ServerEvent]: (typeof SERVER_EVENTS)[Event] extends readonly [new () => infer Data]
    ? Data
    : unknown;
};
