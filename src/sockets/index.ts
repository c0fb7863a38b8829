/**
 * The engine: sockets as objects, without HTTP, framework, logger or environment.
 *
 *   engine.ts         the facade: listen, connect, get, list, remove, events
 *   registry.ts       the set of sockets: ids, names, bounds; socket-list.ts keeps their order
 *   socket.ts         what every socket has: id, state, one close; socket-settings.ts: what was asked for;
 *                     lease.ts: the time it has
 *   data-socket.ts    what every socket has that carries data: a log, counters
 *   removal.ts        what callers remove, and the end of it; forgotten.ts: what was there once;
 *                     succession.ts: things in the order of their coming
 *   big-endian.ts     numbers in network byte order, quickly
 *   turn.ts           what is put off to the end of a turn of the event loop
 *   other-protocols.ts  names of protocols that the kernel is asked about and lacks
 *   event-history.ts  the last events of all sockets, for who follows them at a pace of its own
 *   policy.ts         what may be dialled and bound; endpoint.ts: addresses as values
 *   errors.ts         the closed list of errors; limits.ts: the table of bounds
 *
 *   listen/           how listeners come to be, take the place of others, accept and drain
 *   connect/          from a name to a connected socket: resolving, Happy Eyeballs, the deadline over all;
 *                     every question to the resolver of the host; ways to servers that are asked and forgotten
 *   stream/           a TCP or Unix connection: its receiving half and its turns, its sending queue, its close
 *                     in order, Node's handle, MSG_OOB
 *   tls/              TLS over a stream: certificates and keys, the handshake, STARTTLS, who the peer is
 *   datagram/         UDP, Unix datagrams, ICMP echo: their log, their destinations, multicast
 *   seqpacket/        messages over a Unix socket
 *   exchange/         a dialogue in one call: steps, what each waits for, what came, the time it took
 *   scan/             which ports are open, by connect(2): targets, probes, what came of them, the set of scans
 *   unix/             where Unix sockets may be, their files, and which of them are ours
 *   receive/          what a socket received: offsets, readers, gaps, memory; recv and following
 *   framing/          where in a stream one message ends and the next begins
 *   responders/       answers without code: how they are asked for, compiled, carried out, written down
 *   options/          getsockopt and setsockopt by name: a row an option, a file a level; TCP_INFO
 *   text/             bytes as text and back, in any charset
 *   native/           the socket calls of the C library
 */
export type { BindRequest, DatagramRequest } from './datagram/datagram-open.js';
export { readRecord, RECORD_HEADER_BYTES, type DatagramRecord } from './datagram/datagram-record.js';
export { getUint16, getUint32, putUint16, putUint32 } from './big-endian.js';
export { ByteLog } from './receive/byte-log.js';
export { DatagramLog, type ReceivedDatagram } from './datagram/datagram-log.js';
export { sendTo } from './datagram/send-to.js';
export { DatagramSocket } from './datagram/datagram-socket.js';
export type { Destination } from './datagram/destination.js';
export { Engine, type EngineOptions } from './engine.js';
export type { ConnectRequest, UnixConnectRequest } from './connect/clients.js';
export type { OnDialPhase } from './connect/dial.js';
export { DataSocket } from './data-socket.js';
export {
  addressBytes,
  parseNetwork,
  type Endpoint,
  type InternetEndpoint,
  type Network,
} from './endpoint.js';
export { EventHistory, type EventCursor, type EventPiece } from './event-history.js';
export {
  errnoName,
  SocketError,
  VERIFY_CODES,
  type Attempt,
  type SocketErrorCode,
  type VerifyCode,
} from './errors.js';
export {
  DEFAULT_LIMITS,
  DEFAULT_MATCHED_BYTES,
  EXCHANGE_BYTES,
  IDEMPOTENCY_MS,
  MAX_EXCHANGE_BYTES,
  MAX_EXCHANGE_DATAGRAMS,
  MAX_IDEMPOTENCY_BYTES,
  MAX_IDEMPOTENCY_KEYS,
  MAX_SCAN_CONCURRENCY,
  MAX_MESSAGE_BYTES,
  MAX_SNI_NAMES,
  MAX_TLS_BYTES,
  type Limits,
} from './limits.js';
export type { Decoded } from './text/charset.js';
export {
  decode,
  decodeWithin,
  encode,
  isEncoding,
  isReadableEncoding,
  longestCharacter,
  type Encoding,
} from './text/payload.js';
export type { ExchangeReport, Opening, Timings } from './exchange/exchanges.js';
export { ENDINGS, type Ending, type ExchangePlan, type Step, type Until } from './exchange/plan.js';
export type { StepRecord } from './exchange/exchange.js';
export { PORT_STATES, type PortState } from './scan/results.js';
export { SCAN_STATES, type Scan, type ScanResult, type ScanState } from './scan/scan.js';
export type { ScanRequest } from './scan/scans.js';
export { compilePattern } from './text/pattern.js';
export { SOCKET_OPTIONS } from './options/catalogue.js';
export { SETTABLE, UNITS, type SocketOption } from './options/option.js';
export { optionSettings, type OptionSetting } from './options/setting.js';
export { changeOptions, readOption, readOptions, type OptionReading } from './options/socket-options.js';
export { TCP_INFO_FIELDS, TCP_STATES, tcpInfo, type TcpInfo } from './options/tcp-info.js';
export type { OptionValue } from './options/value-types.js';
export { isLoopback, LOOPBACK_NAMES, type PolicySettings } from './policy.js';
export type { Listener, ListenerSpec } from './listen/listeners.js';
export type { Answering, Tally } from './responders/answering.js';
export {
  FRAMINGS,
  PRESETS,
  type ActionSpec,
  type BytesSpec,
  type ConditionSpec,
  type FramingSpec,
  type PresetName,
  type ResponderSpec,
  type RuleSpec,
} from './responders/responder-spec.js';
export type { Answer, Entry, Transcribed, Transcript } from './responders/transcript.js';
export type { ReceiveLog } from './receive/receive-log.js';
export { adopt, takenByPeer } from './stream/kernel-handle.js';
export type { Sent } from './stream/pending-send.js';
export {
  LogReader,
  LogView,
  readWhole,
  type BytesPiece,
  type Gap,
  type GapPiece,
  type DataPiece,
  type DatagramsPiece,
} from './receive/log-view.js';
export type { StartAt } from './receive/receive-log.js';
export { follow } from './receive/follow.js';
export {
  readDatagramsAt,
  receiveDatagramsAs,
  type DatagramsAnswer,
  type DatagramsRequest,
} from './datagram/read-datagrams.js';
export type { PinnedBytes } from './receive/pinned-bytes.js';
export { readAt, receiveAs, type ReadAnswer, type ReadRequest } from './receive/read.js';
export { isNumeric } from './datagram/destination.js';
export { addressInfo } from './connect/address-info.js';
export { hostEntry, nameInfo, reverseEntry } from './connect/host-entry.js';
export { isHostSyntax } from './connect/resolve.js';
export type { ServerEnd, Servers } from './connect/servers.js';
export type { AddressEntry, AddressQuestion } from './native/getaddrinfo.js';
export type { HostEntry, NameInfo } from './native/hosts.js';
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
} from './tls/tls-context.js';
export { clientHandshake, serverHandshake, type Handshake } from './tls/tls-handshake.js';
export type { FailedHandshake, ListenerHandshakes } from './tls/tls-listener.js';
export { OTHER_PROTOCOLS, refusalOf } from './other-protocols.js';
export { SeqpacketConnection } from './seqpacket/seqpacket-connection.js';
export { atEndOfTurn } from './turn.js';
export { StreamConnection } from './stream/stream-connection.js';
export { StreamListener } from './listen/stream-listener.js';
export { receiveUrgent } from './stream/urgent.js';
