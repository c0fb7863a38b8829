import { ApiExtraModels, ApiProperty, IntersectionType } from '@nestjs/swagger';
import {
  CLOSE_REASONS,
  PROTOCOLS,
  SOCKET_STATES,
  SocketError,
  tcpInfo,
  DatagramSocket,
  DataSocket,
  type CloseReason,
  type ManagedSocket,
  type SocketKind,
  type SocketState,
  type TcpInfo,
} from '../../sockets/index.js';
import { ADDRESS_REFS, AddressDto, addressDto, UnixAddressDto } from './address.dto.js';
import { LeaseDto, leaseDto } from './lease.dto.js';
import { SocketSettingsDto, socketSettingsDto } from './socket-settings.dto.js';
import { readerDtos, receivedDto, ReaderDto, ReceivedDto, SentDto } from './reception.dto.js';
import { TcpInfoDto, type IncludeQuery } from './tcp-info.dto.js';
import { ListenerTlsDto, TlsDto, tlsDto } from './tls.dto.js';

export class SystemReasonDto {
  @ApiProperty({ example: 'ECONNRESET' })
  code!: string;

  @ApiProperty({ type: 'integer', nullable: true, example: 104 })
  errno!: number | null;

  @ApiProperty({ example: 'read ECONNRESET' })
  message!: string;
}

export class PeerCredentialsDto {
  @ApiProperty({ type: 'integer', example: 4711 })
  pid!: number;

  @ApiProperty({ type: 'integer', example: 1000 })
  uid!: number;

  @ApiProperty({ type: 'integer', example: 1000 })
  gid!: number;
}

/** An error that the kernel reported later, for a datagram sent before: ICMP port unreachable, say. */
export class LateErrorDto extends SystemReasonDto {
  @ApiProperty({ format: 'date-time' })
  time!: string;

  @ApiProperty({ type: 'integer', description: 'How many there have been' })
  count!: number;
}

/** One shape for every kind of socket; what a kind does not have is null or 0. */
@ApiExtraModels(SystemReasonDto, AddressDto, UnixAddressDto, TlsDto, ListenerTlsDto, TcpInfoDto)
export class SocketDto extends IntersectionType(LeaseDto, SocketSettingsDto) {
  @ApiProperty({
    description: 'lsn_ listener, con_ accepted connection, cli_ client',
    example: 'con_5f0c9a1e7d5b4c559d1e0c6f',
  })
  id!: string;

  @ApiProperty({ enum: ['listener', 'connection', 'client'] })
  kind!: SocketKind;

  @ApiProperty({ enum: [...PROTOCOLS] })
  protocol!: string;

  @ApiProperty({ enum: ['ipv4', 'ipv6', 'unix'] })
  family!: string;

  @ApiProperty({ enum: [...SOCKET_STATES] })
  state!: SocketState;

  @ApiProperty({ type: 'string', nullable: true, example: 'meters' })
  name!: string | null;

  @ApiProperty({ type: 'object', additionalProperties: { type: 'string' } })
  labels!: Record<string, string>;

  @ApiProperty({ type: 'string', nullable: true, description: 'The key that made it; null without keys' })
  owner!: string | null;

  @ApiProperty({
    type: 'string',
    nullable: true,
    description: 'Of a connection: the listener that accepted it',
  })
  listenerId!: string | null;

  @ApiProperty({ oneOf: ADDRESS_REFS })
  localAddress!: AddressDto | UnixAddressDto;

  @ApiProperty({
    oneOf: [...ADDRESS_REFS, { type: 'null' }],
    description: 'The peer; null where there is none',
  })
  remoteAddress!: AddressDto | UnixAddressDto | null;

  @ApiProperty({
    type: PeerCredentialsDto,
    nullable: true,
    description:
      'Of a connection of Unix sockets: the process at the other end (SO_PEERCRED); null elsewhere',
  })
  peerCredentials!: PeerCredentialsDto | null;

  @ApiProperty({ type: 'integer', nullable: true, description: 'Descriptor number; null once closed' })
  fileno!: number | null;

  @ApiProperty({
    type: 'integer',
    nullable: true,
    description: 'How long a send may take that does not say itself; null: as long as the limit allows',
  })
  timeoutMs!: number | null;

  @ApiProperty({ format: 'date-time' })
  createdAt!: string;

  @ApiProperty({ type: 'string', format: 'date-time', nullable: true })
  closedAt!: string | null;

  @ApiProperty({
    nullable: true,
    description:
      'What the kernel said, or who decided; null until then. A socket that is closing sends what is queued first',
    oneOf: [{ $ref: '#/components/schemas/SystemReasonDto' }, { type: 'string', enum: [...CLOSE_REASONS] }],
  })
  closeReason!: SystemReasonDto | string | null;

  @ApiProperty({ type: ReceivedDto })
  received!: ReceivedDto;

  @ApiProperty({ type: SentDto })
  sent!: SentDto;

  @ApiProperty({
    type: LateErrorDto,
    nullable: true,
    description: 'Of a datagram socket: the last error of a datagram sent before; the socket goes on',
  })
  lastError!: LateErrorDto | null;

  @ApiProperty({ type: [ReaderDto], description: 'Consuming readers, attached or away' })
  readers!: ReaderDto[];

  @ApiProperty({ type: 'integer', description: 'Observing readers attached now' })
  observers!: number;

  @ApiProperty({ type: 'integer', description: 'Milliseconds since the last byte in either direction' })
  idleMs!: number;

  @ApiProperty({
    nullable: true,
    description: 'What the handshake came to; of a listener, how it speaks TLS. Null without TLS',
    oneOf: [{ $ref: '#/components/schemas/TlsDto' }, { $ref: '#/components/schemas/ListenerTlsDto' }],
  })
  tls!: TlsDto | ListenerTlsDto | null;

  @ApiProperty({
    oneOf: [{ $ref: '#/components/schemas/TcpInfoDto' }, { type: 'null' }],
    description: 'With `?include=tcpInfo`, of an open TCP socket; otherwise null',
  })
  tcpInfo!: TcpInfo | null;
}

/** What only a socket that carries bytes has. */
type StreamPart = Pick<
  SocketDto,
  | 'listenerId'
  | 'remoteAddress'
  | 'peerCredentials'
  | 'received'
  | 'sent'
  | 'lastError'
  | 'readers'
  | 'observers'
  | 'idleMs'
>;

const NO_STREAM: StreamPart = {
  listenerId: null,
  remoteAddress: null,
  peerCredentials: null,
  received: {
    bytes: 0,
    chunks: 0,
    earliestOffset: 0,
    committedOffset: 0,
    headOffset: 0,
    droppedBytes: 0,
    droppedDatagrams: 0,
    droppedBy: { window: 0, kernel: 0 },
    paused: false,
  },
  sent: { bytes: 0, queuedBytes: 0 },
  lastError: null,
  readers: [],
  observers: 0,
  idleMs: 0,
};

/** Field by field: a spread in the middle is ten times as dear, and each event and each item of a list is made here. */
export function socketDto(socket: ManagedSocket, include?: IncludeQuery['include']): SocketDto {
  const { leaseMs, leaseExpiresAt } = leaseDto(socket);
  const { receive, idleTimeoutMs } = socketSettingsDto(socket);
  const stream = socket instanceof DataSocket ? streamPart(socket) : NO_STREAM;
  return {
    id: socket.id,
    kind: socket.kind,
    protocol: socket.protocol,
    family: socket.family,
    state: socket.state,
    name: socket.name,
    labels: { ...socket.identity.labels },
    owner: null,
    localAddress: addressDto(socket.localAddress),
    fileno: socket.fileno,
    timeoutMs: socket.timeoutMs,
    createdAt: new Date(socket.createdAt).toISOString(),
    closedAt: socket.closedAt === null ? null : new Date(socket.closedAt).toISOString(),
    closeReason: socket.closeReason === null ? null : closeReasonDto(socket.closeReason),
    leaseMs,
    leaseExpiresAt,
    receive,
    idleTimeoutMs,
    listenerId: stream.listenerId,
    remoteAddress: stream.remoteAddress,
    peerCredentials: stream.peerCredentials,
    received: stream.received,
    sent: stream.sent,
    lastError: stream.lastError,
    readers: stream.readers,
    observers: stream.observers,
    idleMs: stream.idleMs,
    tls: tlsDto(socket),
    tcpInfo: include === 'tcpInfo' ? tcpInfo(socket) : null,
  };
}

function streamPart(stream: DataSocket): StreamPart {
  return {
    listenerId: stream.listenerId,
    remoteAddress: stream.remoteAddress === null ? null : addressDto(stream.remoteAddress),
    peerCredentials: stream.peerCredentials,
    received: receivedDto(stream),
    sent: { bytes: stream.sentBytes, queuedBytes: stream.queuedBytes },
    lastError: stream instanceof DatagramSocket ? lateErrorDto(stream) : null,
    readers: readerDtos(stream),
    observers: stream.log.observerCount,
    idleMs: stream.idleMs,
  };
}

export function closeReasonDto(reason: CloseReason): SystemReasonDto | string {
  if (!(reason instanceof SocketError)) return reason;
  return { code: reason.code, errno: reason.errno ?? null, message: reason.message };
}

function lateErrorDto({ lastError }: DatagramSocket): LateErrorDto | null {
  if (lastError === null) return null;
  const { error, at, count } = lastError;
  const { code, errno = null, message } = error;
  return { code, errno, message, time: new Date(at).toISOString(), count };
}
