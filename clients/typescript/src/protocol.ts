import type { Address } from './address.js';
import type { CloseReason, Problem } from './errors.js';

/** A socket as every answer shows it; what is not named here is there as well. */
export interface SocketView {
  id: string;
  kind: 'listener' | 'connection' | 'client';
  protocol: string;
  family: 'ipv4' | 'ipv6' | 'unix';
  state: string;
  name: string | null;
  labels: Record<string, string>;
  listenerId: string | null;
  localAddress: Address;
  remoteAddress: Address | null;
  createdAt: string;
  closedAt: string | null;
  closeReason: CloseReason | null;
  received: { bytes: number; earliestOffset: number; committedOffset: number; headOffset: number };
  sent: { bytes: number; queuedBytes: number };
  [more: string]: unknown;
}

export interface AttachOptions {
  /** `consume` (the default) keeps bytes until they are acknowledged; `observe` holds nobody back. */
  mode?: 'consume' | 'observe';
  /** Name of the consuming reader; `main` without it. */
  reader?: string;
  /** Where to start: `committed` without it. */
  from?: 'committed' | 'earliest' | 'live' | number;
  /** How far the service sends ahead of what was acknowledged; 1 MiB without it. */
  windowBytes?: number;
  /** What comes is text in this encoding, decoded by the service, instead of bytes. */
  encoding?: string;
}

export interface SocketEvent {
  kind: 'event';
  id: number;
  name: string;
  time: string;
  socketId: string;
  socket: SocketView;
  gap: { from: number; to: number; dropped: number } | null;
}

/** Which events are wanted: those that have all of it. */
export interface EventFilter {
  kind?: SocketView['kind'];
  listenerId?: string;
  /** `key=value` */
  label?: string;
  events?: string[];
}

export interface AttachedData {
  channel: number;
  offset: number;
  socket: SocketView;
}

export interface AcceptedData extends AttachedData {
  listenerChannel: number;
}

export interface TextData {
  channel: number;
  offset: number;
  nextOffset: number;
  bytes: number;
  data: string;
  lossy: boolean;
  time?: string;
  from?: Address;
}

/** What the service says, with the data of each. */
export interface ServerData {
  attached: AttachedData;
  accepted: AcceptedData;
  data: TextData;
  gap: { channel: number; from: number; to: number };
  eof: { channel: number; offset: number };
  closed: { channel: number; offset: number; reason: CloseReason };
  credit: { channel: number; bytes: number };
  sent: { channel: number; bytesSent: number };
  done: { channel: number };
  watching: { watches: number; lastEventId: number };
  event: Omit<SocketEvent, 'kind'>;
  missed: { from: number; to: number };
  error: Problem & { channel?: number };
  pong: unknown;
}

/** One message, its event and its data together. */
export type ServerMessage = {
  [Event in keyof ServerData]: { event: Event; data: ServerData[Event]; ref?: unknown };
}[keyof ServerData];
