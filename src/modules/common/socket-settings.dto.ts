import { ApiProperty } from '@nestjs/swagger';
import { DataSocket, StreamListener, type ManagedSocket } from '../../sockets/index.js';

/** As it was asked for, with the defaults filled in. */
export class ReceiveSettingsDto {
  @ApiProperty({ type: 'integer', description: 'Received bytes kept for reading', example: 1_048_576 })
  windowBytes!: number;

  @ApiProperty({ enum: ['pause', 'drop-oldest', 'drop-newest'], description: 'What a full window does' })
  overflow!: string;

  @ApiProperty({ type: 'integer', description: 'How long unread bytes outlive the close of their socket' })
  lingerMs!: number;

  @ApiProperty({
    type: 'integer',
    nullable: true,
    description: 'A reader that is away longer is forgotten; null: never',
  })
  readerTtlMs!: number | null;

  @ApiProperty({ enum: ['memory'], description: 'Where received bytes are kept' })
  store!: 'memory';
}

/** What a listener gives to each connection, and every other socket has itself. */
export class SocketSettingsDto {
  @ApiProperty({
    type: ReceiveSettingsDto,
    nullable: true,
    description:
      'How it keeps what it receives; of a listener, how its connections do. Null before it is connected',
  })
  receive!: ReceiveSettingsDto | null;

  @ApiProperty({
    type: 'integer',
    nullable: true,
    description:
      'Closed after so long without a byte, of a listener its connections; 0: never. Null before it is connected',
  })
  idleTimeoutMs!: number | null;
}

export function socketSettingsDto(socket: ManagedSocket): SocketSettingsDto {
  const settings = socket instanceof StreamListener ? socket.settings : socket;
  if (!(settings instanceof DataSocket) && !('receive' in settings))
    return { receive: null, idleTimeoutMs: null };
  const { receive, idleTimeoutMs } = settings;
  const { windowBytes, overflow, lingerMs, readerTtlMs } = receive;
  return { receive: { windowBytes, overflow, lingerMs, readerTtlMs, store: 'memory' }, idleTimeoutMs };
}
