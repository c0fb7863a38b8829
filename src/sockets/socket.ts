import { randomUUID } from 'node:crypto';
import type { Endpoint } from './endpoint.js';
import { SocketError } from './errors.js';
import type { Dropped } from './receive/flow-events.js';
import { Lease, renewed } from './lease.js';
import type { Limits } from './limits.js';
import type { Answering } from './responders/answering.js';
import type { ReceiveBudget } from './receive/receive-budget.js';
import type { ReadTurns } from './stream/read-turns.js';
import type { ProcessSettings, SocketLabels } from './socket-settings.js';

export const SOCKET_KINDS = ['listener', 'connection', 'client'] as const;
export type SocketKind = (typeof SOCKET_KINDS)[number];

export const PROTOCOLS = ['tcp', 'tls', 'udp', 'unix', 'unix-datagram', 'unix-seqpacket', 'icmp'] as const;
export type Protocol = (typeof PROTOCOLS)[number];

export const SOCKET_STATES = [
  'listening',
  'connecting',
  'open',
  'half-closed-local',
  'half-closed-remote',
  'closed',
  'failed',
] as const;
export type SocketState = (typeof SOCKET_STATES)[number];

/** Why a socket is closed: what the kernel said, or who decided. */
export const CLOSE_REASONS = [
  'eof',
  'api',
  'idle',
  'lease',
  'accept-count',
  'listener-closed',
  'replaced',
  'responder',
  'shutdown',
] as const;
export type CloseReason = SocketError | (typeof CLOSE_REASONS)[number];

/**
 * A life begins with one of the first three, and ends with `closed` or `failed`; each comes once. A
 * client that could not connect has its end only.
 */
export const SOCKET_EVENTS = [
  'created',
  'accepted',
  'connected',
  'eof',
  'closed',
  'failed',
  'paused',
  'resumed',
  'gap',
  'unreachable',
] as const;
export type SocketEventName = (typeof SOCKET_EVENTS)[number];

export interface SocketEvent {
  name: SocketEventName;
  /** Milliseconds since 1970. */
  time: number;
  socket: ManagedSocket;
  /** The listener itself, or the one that accepted the connection; null when there is none any more. */
  listener: ManagedSocket | null;
  /** Of `gap`: what was dropped. */
  gap: Dropped | null;
}

/** What a socket needs from the engine around it. */
export interface SocketContext {
  readonly limits: Limits;
  readonly settings: Readonly<ProcessSettings>;
  readonly budget: ReceiveBudget;
  readonly turns: ReadTurns;
  readonly now: () => number;
  emit(name: SocketEventName, socket: ManagedSocket, gap?: Dropped | null): void;
  /** The descriptor of a socket is closed: its place is free. */
  released(socket: ManagedSocket): void;
}

/** 24 hexadecimal digits, 90 bits of chance in them: a UUID, for which Node keeps random bytes in store. */
function randomDigits(): string {
  const uuid = randomUUID();
  return uuid.slice(9, 13) + uuid.slice(14, 18) + uuid.slice(19, 23) + uuid.slice(24);
}

const ID_PREFIX: Record<SocketKind, string> = { listener: 'lsn_', connection: 'con_', client: 'cli_' };

/** Which moves a socket may make; a final state is left by none. */
const NEXT_STATES: Record<SocketState, readonly SocketState[]> = {
  listening: ['closed', 'failed'],
  connecting: ['open', 'closed', 'failed'],
  open: ['half-closed-local', 'half-closed-remote', 'closed', 'failed'],
  'half-closed-local': ['closed', 'failed'],
  'half-closed-remote': ['closed', 'failed'],
  closed: [],
  failed: [],
};

/** What every socket has, whatever its kind: an id, a state, and one close that can be called twice. */
export abstract class ManagedSocket {
  readonly id: string;
  readonly identity: SocketLabels;
  readonly createdAt: number;
  /** Place in the order of creation; lists and their cursors go by it. Given by the registry. */
  sequence = 0;
  /** A caller has removed it: it is on its way out, or nobody finds it by its id any more. Given by Removals. */
  removal: 'leaving' | 'removed' | null = null;
  closedAt: number | null = null;
  /** Known from the moment that its end is decided: what is queued may still be sent then. */
  closeReason: CloseReason | null = null;
  /** Of a listener: who answers for it; null: nobody does. */
  answering: Answering | null = null;
  /**
   * How long a call on this socket may take that does not say itself; null: as long as the limits allow.
   * Python's socket.settimeout, but for 0 (which is what `sendSome` does) and for receiving, which waits
   * only when it is asked to.
   */
  private currentTimeoutMs: number | null;
  private currentLease: Lease | null;
  private current: SocketState;
  private spoken: Protocol;

  protected constructor(
    readonly kind: SocketKind,
    protocol: Protocol,
    initial: SocketState,
    readonly localAddress: Endpoint,
    { name, labels, leaseMs, born }: SocketLabels,
    protected readonly context: SocketContext,
  ) {
    // Not what it stands in: that can hold keys, and a record outlives its socket.
    this.identity = { name, labels, leaseMs };
    this.id = born?.id ?? ID_PREFIX[kind] + randomDigits();
    this.current = initial;
    this.spoken = protocol;
    this.createdAt = born?.at ?? context.now();
    this.currentTimeoutMs = context.settings.defaultTimeoutMs;
    this.currentLease = Lease.of(leaseMs, this.createdAt);
  }

  get state(): SocketState {
    return this.current;
  }

  /** What it speaks now: a TCP connection can be upgraded to TLS. */
  get protocol(): Protocol {
    return this.spoken;
  }

  get name(): string | null {
    return this.identity.name;
  }

  get family(): Endpoint['family'] {
    return this.localAddress.family;
  }

  /** Nothing can be sent or received any more. */
  get isClosed(): boolean {
    return this.current === 'closed' || this.current === 'failed';
  }

  /** What is left of its time; null: nobody needs to renew it. */
  get lease(): Lease | null {
    return this.currentLease;
  }

  get timeoutMs(): number | null {
    return this.currentTimeoutMs;
  }

  /** Holds for calls that begin from now on. Fails with SOCKET_GONE. */
  changeTimeout(ms: number | null): void {
    this.requireOpen();
    this.currentTimeoutMs = ms;
  }

  abstract get fileno(): number | null;

  /** Begins the lease anew, with another length if one is given; null ends it. Fails with EINVAL or SOCKET_GONE. */
  renewLease(ms?: number | null): void {
    this.requireOpen();
    if (this.lease?.isOver === true)
      throw new SocketError('SOCKET_GONE', `the lease of socket ${this.id} has run out: it is closing`);
    this.currentLease = renewed(this.lease, ms, this.context.now());
  }

  /** SOCKET_GONE once it is closed: whatever acts on a socket answers the same then. */
  requireOpen(syscall?: string): void {
    if (this.isClosed) throw new SocketError('SOCKET_GONE', `socket ${this.id} is closed`, { syscall });
  }

  /** Nothing of it is wanted any more once it is closed. */
  isSpent(): boolean {
    return true;
  }

  /** Looks at the deadlines of this socket; called a few times a second. */
  abstract sweep(now: number): void;

  /** Ends the socket; resolves once nothing of it is left in the kernel's hands that we wait for. */
  abstract close(mode: 'graceful' | 'reset', reason: CloseReason): Promise<void>;

  protected speaks(protocol: Protocol): void {
    this.spoken = protocol;
  }

  protected moveTo(next: SocketState): boolean {
    if (!NEXT_STATES[this.current].includes(next)) return false;
    this.current = next;
    return true;
  }

  /** Enters the final state, once, and says so to everybody who watches. */
  protected settleClosed(reason: CloseReason): void {
    const failed = typeof reason === 'object';
    if (!this.moveTo(failed ? 'failed' : 'closed')) return;
    this.closedAt = this.context.now();
    this.closeReason = reason;
    this.context.emit(failed ? 'failed' : 'closed', this);
  }
}
