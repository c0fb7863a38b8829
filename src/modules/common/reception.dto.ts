import { ApiProperty } from '@nestjs/swagger';
import { ByteLog, DatagramSocket, type DataSocket } from '../../sockets/index.js';

/** Datagrams that were dropped, by who did it. */
export class DroppedByDto {
  @ApiProperty({ type: 'integer', description: 'The receive window was full' })
  window!: number;

  @ApiProperty({ type: 'integer', description: 'The receive buffer of the kernel was full' })
  kernel!: number;
}

/** A datagram socket counts datagrams in its offsets: they are sequence numbers. */
export class ReceivedDto {
  @ApiProperty({ type: 'integer', description: 'Bytes received so far' })
  bytes!: number;

  @ApiProperty({ type: 'integer', description: 'Reads from the kernel that brought them; datagrams' })
  chunks!: number;

  @ApiProperty({ type: 'integer', description: 'Oldest offset that can still be read' })
  earliestOffset!: number;

  @ApiProperty({
    type: 'integer',
    description: 'The lowest cursor of all consuming readers: bytes from here on are kept',
  })
  committedOffset!: number;

  @ApiProperty({ type: 'integer', description: 'Offset that the next byte will get' })
  headOffset!: number;

  @ApiProperty({ type: 'integer', description: 'Bytes that went before every consuming reader had them' })
  droppedBytes!: number;

  @ApiProperty({ type: 'integer', description: 'Datagrams that went, whoever dropped them; 0 for a stream' })
  droppedDatagrams!: number;

  @ApiProperty({ type: DroppedByDto })
  droppedBy!: DroppedByDto;

  @ApiProperty({
    description: 'Nothing is read from the peer now: the window is full, or somebody asked for it',
  })
  paused!: boolean;
}

export class SentDto {
  @ApiProperty({ type: 'integer', description: 'Bytes that the kernel took' })
  bytes!: number;

  @ApiProperty({ type: 'integer', description: 'Bytes that wait for the kernel' })
  queuedBytes!: number;
}

export class ReaderDto {
  @ApiProperty({ example: 'main' })
  name!: string;

  @ApiProperty({
    type: 'integer',
    description: 'Everything before it may go, as far as this reader is concerned',
  })
  committedOffset!: number;

  @ApiProperty({ description: 'In use over a WebSocket now; otherwise away' })
  attached!: boolean;

  @ApiProperty({ type: 'integer', description: 'Bytes received and not committed by this reader' })
  lagBytes!: number;

  @ApiProperty({ type: 'integer', description: 'The same in datagrams, where the socket carries these' })
  lagDatagrams!: number;
}

export function readerDtos(stream: DataSocket): ReaderDto[] {
  const isStream = stream.log instanceof ByteLog;
  return stream.log.readers().map(({ name, committedOffset, attached, lag }) => ({
    name,
    committedOffset,
    attached,
    lagBytes: isStream ? lag : 0,
    lagDatagrams: isStream ? 0 : lag,
  }));
}

export function receivedDto(stream: DataSocket): ReceivedDto {
  const { headOffset, earliestOffset, committedOffset, receivedBytes, droppedBytes } = stream.log;
  const droppedBy = droppedDto(stream);
  return {
    bytes: receivedBytes,
    chunks: stream.receivedChunks,
    earliestOffset,
    committedOffset,
    headOffset,
    droppedBytes,
    droppedDatagrams: droppedBy.window + droppedBy.kernel,
    droppedBy,
    paused: stream.isPaused,
  };
}

function droppedDto(stream: DataSocket): DroppedByDto {
  const { log } = stream;
  const window = log instanceof ByteLog ? 0 : log.dropped.window;
  return { window, kernel: stream instanceof DatagramSocket ? stream.kernelDrops : 0 };
}
