import { ApiExtraModels, ApiProperty, ApiPropertyOptional, getSchemaPath } from '@nestjs/swagger';
import { DestinationDto, DestinationField } from '../../common/datagram.dto.js';
import { ArrayMaxSize, ArrayNotEmpty, IsArray, ValidateBy, ValidateIf } from 'class-validator';
import type { Encoding, SocketEventName, StartAt } from '../../../sockets/index.js';
import { DEFAULT_LIMITS } from '../../../sockets/index.js';
import { EventFilter } from '../../common/event.dto.js';
import { Int, OneOf, Text } from '../../common/fields.js';
import {
  EncodingField,
  EventId,
  EventNames,
  Offset,
  ReaderName,
  SendEncodingField,
  WindowBytes,
} from '../../common/socket-fields.js';

const STARTS = ['committed', 'earliest', 'live'];

export const DEFAULT_CHANNEL_WINDOW_BYTES = 1024 * 1024;

function ChannelField(): PropertyDecorator {
  return Int({
    description: 'Number of the channel, from `attached` or `accepted`',
    min: 0,
    max: 0xffffffff,
    example: 1,
  });
}

function StartField(): PropertyDecorator {
  const valid = ValidateBy({
    name: 'isStart',
    validator: {
      validate: (value) =>
        STARTS.includes(value as string) || (Number.isSafeInteger(value) && (value as number) >= 0),
      defaultMessage: () => '$property must be committed, earliest, live or an offset',
    },
  });
  const document = ApiPropertyOptional({
    description:
      'Where to start: the cursor of the reader, the oldest byte held, the next byte to come, or an offset',
    oneOf: [
      { type: 'string', enum: STARTS },
      { type: 'integer', minimum: 0 },
    ],
    default: 'committed',
  });
  return (target, key) => {
    document(target, key);
    ValidateIf((_, value) => value !== undefined)(target, key);
    valid(target, key);
  };
}

export class AttachData {
  @Text({
    description: 'Id or name of a connection or client',
    optional: true,
    maxLength: 64,
    example: 'demo-client',
  })
  socketId?: string;

  @Text({
    description: 'Id or name of a listener: all its connections, present and to come',
    optional: true,
    maxLength: 64,
  })
  listenerId?: string;

  @OneOf(['consume', 'observe'], {
    description:
      '`consume`: bytes are kept until acknowledged. `observe`: holds nobody back, too slow means a gap',
    default: 'consume',
  })
  mode: 'consume' | 'observe' = 'consume';

  @ReaderName({
    description: 'Name of the consuming reader; its cursor outlives the WebSocket',
    default: 'main',
  })
  reader: string = 'main';

  @StartField()
  from: StartAt = 'committed';

  @WindowBytes({
    description: 'How far the server sends ahead of the last `ack`',
    default: DEFAULT_CHANNEL_WINDOW_BYTES,
  })
  windowBytes: number = DEFAULT_CHANNEL_WINDOW_BYTES;

  @EncodingField({
    description: 'Bytes come as `data` messages in this encoding instead of binary frames',
    optional: true,
  })
  encoding?: Encoding;
}

/** So many sockets or listeners one `attach` takes. */
export const MAX_ATTACHMENTS = 1_000;

@ApiExtraModels(AttachData)
export class AttachListData {
  /** Each is checked by itself: what is wrong with one must not keep the others out. */
  @ApiProperty({
    description: 'Answered one by one, with `index`: the place in this list, from 0',
    type: 'array',
    items: { $ref: getSchemaPath(AttachData) },
    minItems: 1,
    maxItems: MAX_ATTACHMENTS,
  })
  @IsArray()
  @ArrayNotEmpty()
  @ArrayMaxSize(MAX_ATTACHMENTS)
  attachments!: unknown[];
}

/** Which of the two forms of `attach` it is. */
export function isAttachList(data: unknown): boolean {
  return typeof data === 'object' && data !== null && Object.hasOwn(data, 'attachments');
}

export class AckData {
  @ChannelField()
  channel!: number;

  @Offset({
    description: 'Everything before it is dealt with: committed, and more may be sent',
    example: 262144,
  })
  offset!: number;
}

/** Acknowledgements come thousands a second: what is plainly right needs no validator to say so. */
export function isWellFormedAck(data: unknown): data is AckData {
  if (typeof data !== 'object' || data === null || Object.keys(data).length !== 2) return false;
  const { channel, offset } = data as Record<string, unknown>;
  return (
    Number.isSafeInteger(channel) &&
    Number.isSafeInteger(offset) &&
    (channel as number) >= 0 &&
    (offset as number) >= 0
  );
}

export class SendData {
  @ChannelField()
  channel!: number;

  @ApiProperty({ description: 'The payload, in `encoding`', example: 'hello\n' })
  @Text({
    description: 'The payload, in `encoding`',
    maxLength: DEFAULT_LIMITS.maxWindowBytes,
    example: 'hello\n',
  })
  data!: string;

  @SendEncodingField({ description: 'How `data` stands for bytes', default: 'utf8' })
  encoding: Encoding = 'utf8';

  @DestinationField()
  to?: DestinationDto;
}

export class ShutdownData {
  @ChannelField()
  channel!: number;

  @OneOf(['write', 'read', 'both'], { description: 'Which direction; shutdown(2)', default: 'write' })
  how: 'write' | 'read' | 'both' = 'write';
}

export class CloseData {
  @ChannelField()
  channel!: number;

  @OneOf(['graceful', 'reset'], { description: '`reset` sends RST', default: 'graceful' })
  mode: 'graceful' | 'reset' = 'graceful';
}

export class DetachData {
  @ChannelField()
  channel!: number;
}

/** Which watch is to end: the one with the very same filter. Nothing at all ends every watch. */
export class UnwatchData extends EventFilter {
  @EventNames({ description: 'Only these events', optional: true, example: ['accepted', 'closed'] })
  events?: SocketEventName[];
}

export class WatchData extends UnwatchData {
  @EventId({
    description:
      'The events after this one come first; 0: all that are remembered. Without it only what happens from now on',
    optional: true,
  })
  lastEventId?: number;
}

/** Every event a client can send, with the classes that its data may be of. `ping` carries anything. */
export const CLIENT_EVENTS = {
  attach: [AttachData, AttachListData],
  ack: [AckData],
  send: [SendData],
  shutdown: [ShutdownData],
  close: [CloseData],
  detach: [DetachData],
  watch: [WatchData],
  unwatch: [UnwatchData],
  ping: [],
} as const;

export type ClientEvent = keyof typeof CLIENT_EVENTS;

export function isClientEvent(event: string): event is ClientEvent {
  return Object.hasOwn(CLIENT_EVENTS, event);
}
