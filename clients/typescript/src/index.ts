/**
 * Sockets of a Sockeye service in TypeScript, for browsers and Node.
 *
 *   connection.ts   connect(): one client, over as many WebSockets as it takes; reconnect.ts: when it tries again
 *   channel.ts      one socket: an async iterator, send, shutdown, close; listener.ts: the channels of its connections
 *   attachment.ts   a channel from one WebSocket to the next; receiver.ts and sender.ts: its two directions
 *   link.ts         one WebSocket: questions, answers, routes
 *   watch.ts        events in the life of sockets; http.ts: the calls that make and close sockets
 *   frame.ts        the binary message; datagram.ts: records in it; items.ts: what is received
 *   errors.ts       everything that can be thrown
 */
export type { Address, InternetAddress, PathAddress } from './address.js';
export type { ChannelEnd, ChannelOptions } from './attachment.js';
export { Channel } from './channel.js';
export { connect, type Connection, type ConnectionState, type ConnectOptions } from './connection.js';
export type { Datagram, Destination } from './datagram.js';
export {
  ClosedError,
  ConnectionLostError,
  GapError,
  ProblemError,
  SendInterruptedError,
  SocketClosedError,
  SockeyeError,
  TakenOverError,
  TooMuchWaitingError,
  UnreachableError,
  type CloseReason,
  type Problem,
} from './errors.js';
export type { DialSpec, ListenSpec, SocketCalls } from './http.js';
export type { Gap, Item, ReceivedBytes, ReceivedText } from './items.js';
export type { WebSocketConstructor, WebSocketLike } from './link.js';
export { Listener } from './listener.js';
export type { EventFilter, SocketEvent, SocketView } from './protocol.js';
export type { ReconnectOptions } from './reconnect.js';
export { Watch, type Missed } from './watch.js';
