/**
 * The engine: sockets as objects, without HTTP, framework, logger or environment.
 *
 *   engine.ts             the facade: listen, connect, get, list, remove, events
 *   registry.ts           the set of sockets: ids, names, bounds; socket-list.ts keeps their order
 *   socket.ts             what every socket has: id, state, one close; socket-settings.ts: what was asked for;
 *                         lease.ts: the time it has
 *   data-socket.ts        what every socket has that carries data: a log, counters
 *     flow-events.ts        tells of its pauses and gaps, not too often
 *   listeners.ts          how a listener, of streams or of datagrams, comes to be and takes the place of another
 *                         (make-way.ts: from datagrams to the next, without a pause)
 *   stream-listener.ts    a TCP socket that listens
 *   removal.ts            what callers remove; drain.ts: the end of what a listener accepted
 *   event-history.ts      the last events of all sockets, for who follows them at a pace of its own
 *   stream-connection.ts  a TCP connection, accepted or dialled, with TLS over it or without
 *     receive-log.ts        what it received: offsets, readers, gaps (cursors.ts: who has read how far,
 *                           log-view.ts: one look at it, receive-budget.ts: the bound over all sockets)
 *     byte-log.ts           ... of a stream (byte-window.ts, slab.ts: the memory)
 *     datagram-log.ts       ... datagrams (datagram-record.ts: one in memory, datagram-index.ts: where)
 *     intake.ts             its receiving half: reads, pauses, goes over to TLS
 *     read-buffer.ts        where the kernel writes the next bytes; kernel-handle.ts: Node's handle
 *     send-queue.ts         what it has to send
 *   datagram-socket.ts    UDP, Unix datagram, ICMP echo (icmp-echo.ts); datagram-open.ts makes them
 *     datagram-receiver.ts  from the kernel into the log; datagram-sends.ts: what waits for room
 *     destination.ts        where a datagram may go; memberships.ts: multicast groups
 *   clients.ts            connecting; connecting-client.ts: a client until it is connected
 *   tls-handshake.ts      from a connection to TLS over it (tls-context.ts: certificates and keys,
 *                         tls-peer.ts: who the other is, tls-listener.ts: the handshakes of one listener,
 *                         starttls.ts: over a connection that is in use)
 *   dial.ts  resolve.ts   the one place that connects, and the one that asks the resolver; happy-eyeballs.ts:
 *                         which address is tried when
 *   policy.ts             what may be dialled and bound; endpoint.ts: addresses as values
 *   seqpacket-connection.ts  messages over a Unix socket (seqpacket-server.ts, seqpacket-messages.ts)
 *   stream-server.ts      what listens for them; dial-unix.ts: connecting a Unix socket
 *   other-protocols.ts    what is asked of the kernel only to be refused
 *   unix-path.ts          where Unix sockets may be; unix-files.ts: their files, and which are ours
 *   read.ts  follow.ts    recv (await-data.ts: the wait): reading from a log, with a wait, and all that comes
 *   native/               the socket calls of the C library: libc.ts as they are, syscalls.ts with types and
 *                         errors, sockaddr.ts: addresses as the kernel lays them out, hosts.ts: gethostbyname
 *   options/              getsockopt and setsockopt by name: catalogue.ts lists them (a file a level), value-types.ts
 *                         has their forms, setting.ts and socket-options.ts set and read them, linger.ts;
 *                         tcp-info.ts: what TCP has measured
 *   urgent.ts             MSG_OOB, both ways
 *   payload.ts            bytes as text and back, by the name of the encoding (charset.ts: what one is;
 *                         unicode.ts, charset-tables.ts: all there are)
 *   errors.ts  limits.ts  the closed list of errors, the table of bounds
 */
export type { BindRequest, DatagramRequest } from './datagram-open.js';
export { readRecord, RECORD_HEADER_BYTES, type DatagramRecord } from './datagram-record.js';
export { ByteLog } from './byte-log.js';
export { DatagramLog, type ReceivedDatagram } from './datagram-log.js';
export { sendTo } from './send-to.js';
export { DatagramSocket } from './datagram-socket.js';
export type { Destination } from './destination.js';
export { Engine, type EngineOptions } from './engine.js';
export type { ConnectRequest, UnixConnectRequest } from './clients.js';
export { DataSocket } from './data-socket.js';
export { addressBytes, parseNetwork, type Endpoint, type Network } from './endpoint.js';
export { EventHistory, type EventCursor, type EventPiece } from './event-history.js';
export { SocketError, VERIFY_CODES, type Attempt, type SocketErrorCode, type VerifyCode } from './errors.js';
export {
  DEFAULT_LIMITS,
  IDEMPOTENCY_MS,
  MAX_IDEMPOTENCY_BYTES,
  MAX_IDEMPOTENCY_KEYS,
  MAX_SNI_NAMES,
  MAX_TLS_BYTES,
  type Limits,
} from './limits.js';
export type { Decoded } from './charset.js';
export { decode, decodeWithin, encode, isEncoding, isReadableEncoding, type Encoding } from './payload.js';
export { SOCKET_OPTIONS } from './options/catalogue.js';
export { SETTABLE, UNITS, type SocketOption } from './options/option.js';
export { optionSettings, type OptionSetting } from './options/setting.js';
export { changeOptions, readOption, readOptions, type OptionReading } from './options/socket-options.js';
export { TCP_INFO_FIELDS, TCP_STATES, tcpInfo, type TcpInfo } from './options/tcp-info.js';
export type { OptionValue } from './options/value-types.js';
export { isLoopback, LOOPBACK_NAMES, type PolicySettings } from './policy.js';
export type { Listener, ListenerSpec } from './listeners.js';
export type { ReceiveLog } from './receive-log.js';
export type { Sent } from './send-queue.js';
export {
  LogReader,
  LogView,
  readWhole,
  type BytesPiece,
  type Gap,
  type GapPiece,
  type DataPiece,
  type DatagramsPiece,
} from './log-view.js';
export type { StartAt } from './receive-log.js';
export { follow } from './follow.js';
export {
  readDatagramsAt,
  receiveDatagramsAs,
  type DatagramsAnswer,
  type DatagramsRequest,
} from './read-datagrams.js';
export { readAt, receiveAs, type ReadAnswer, type ReadRequest } from './read.js';
export { isNumeric } from './destination.js';
export type { HostEntry } from './native/hosts.js';
export { hostEntry, isHostSyntax } from './resolve.js';
export {
  CLOSE_REASONS,
  ManagedSocket,
  PROTOCOLS,
  SOCKET_EVENTS,
  SOCKET_KINDS,
  SOCKET_STATES,
  type CloseReason,
  type Protocol,
  type SocketEvent,
  type SocketEventName,
  type SocketKind,
  type SocketState,
} from './socket.js';
export type { ReceiveSettings, SocketLabels } from './socket-settings.js';
export {
  TLS_VERSIONS,
  type ClientTls,
  type Identity,
  type ServerTls,
  type TlsVersion,
} from './tls-context.js';
export { clientHandshake, serverHandshake, type Handshake } from './tls-handshake.js';
export type { FailedHandshake, ListenerHandshakes } from './tls-listener.js';
export { OTHER_PROTOCOLS, refusalOf } from './other-protocols.js';
export { SeqpacketConnection } from './seqpacket-connection.js';
export { StreamConnection } from './stream-connection.js';
export { StreamListener } from './stream-listener.js';
export { receiveUrgent } from './urgent.js';
