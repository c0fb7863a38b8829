import type { Socket } from 'node:net';
import { UdpPeer, type UdpEvents } from '../datagram/udp-peer.js';
import { endpointOf, type InternetEndpoint } from '../endpoint.js';
import { SocketError } from '../errors.js';
import type { Policy } from '../policy.js';
import { clientHandshake, type TlsSession } from '../tls/tls-handshake.js';
import type { ClientTls } from '../tls/tls-context.js';
import { allowedOf, dial, unlessAborted, type DialTarget } from './dial.js';
import { resolveHost } from './resolve.js';

/** Where a server is: a name or a numeric address, and a port. */
export interface ServerEnd {
  readonly host: string;
  readonly port: number;
}

/** What ends the way to a server early. */
export interface ServerBounds {
  /** For the name and the connecting. */
  timeoutMs: number;
  /** Nobody waits any more, and why. */
  gone: AbortSignal;
}

/** A connection to a server. Whoever has it destroys the socket. */
export interface ServerStream {
  readonly socket: Socket;
  readonly end: InternetEndpoint;
  /** What ALPN came to; null over plain TCP too. */
  readonly alpn: string | null;
}

/**
 * Ways to servers that are asked one thing and forgotten. They are no sockets that a caller sees, but the same policy
 * decides over them, and each takes a place for a descriptor.
 */
export class Servers {
  constructor(
    private readonly policy: Policy,
    /** A place, until it is given back: Registry.reserve. */
    private readonly reserve: () => () => void,
  ) {}

  /**
   * Runs `exchange` with a UDP socket, which is closed after it. Names are resolved once, and the first address that
   * there is a way to counts. Errors: ADDRESS_BLOCKED, LIMIT_REACHED, those of the resolver and the kernel.
   */
  async overUdp<T>(
    server: ServerEnd,
    { timeoutMs, gone }: ServerBounds,
    events: UdpEvents,
    exchange: (peer: UdpPeer) => Promise<T>,
  ): Promise<T> {
    const release = this.reserve();
    let peer: UdpPeer | null = null;
    try {
      const found = await unlessAborted(resolveHost(server.host, 'any', timeoutMs), gone);
      const allowed = allowedOf(found, targetOf(server, timeoutMs), this.policy);
      const ends = allowed.map(({ address }) => endpointOf(address, server.port));
      peer = firstPeer(ends, events);
      return await exchange(peer);
    } finally {
      peer?.close();
      release();
    }
  }

  /** Connects, with TLS if that is asked for, within the deadline. Errors as `overUdp`, and those of the handshake. */
  async connect(
    server: ServerEnd,
    tls: ClientTls | null,
    { timeoutMs, gone }: ServerBounds,
  ): Promise<ServerStream> {
    const handshake = tls === null ? null : clientHandshake(tls, server.host);
    const deadline = Date.now() + timeoutMs;
    const release = this.reserve();
    try {
      const { raw, session } = await dial(targetOf(server, timeoutMs), this.policy, {
        signal: gone,
        reserve: this.reserve,
        onConnect: (socket) => ({ raw: socket, session: handshake?.(socket, deadline - Date.now()) ?? null }),
      });
      // In the middle of a handshake, too.
      const cut = (): void => void raw.destroy();
      gone.addEventListener('abort', cut);
      raw.once('close', () => {
        gone.removeEventListener('abort', cut);
        release();
      });
      return streamOver(raw, await session);
    } catch (error) {
      release();
      throw error;
    }
  }
}

function targetOf({ host, port }: ServerEnd, timeoutMs: number): DialTarget {
  return { host, port, family: 'any', localAddress: null, localPort: null, timeoutMs, options: [] };
}

function firstPeer(ends: readonly InternetEndpoint[], events: UdpEvents): UdpPeer {
  let failure: unknown;
  for (const end of ends) {
    try {
      return new UdpPeer(end, events);
    } catch (error) {
      failure = error;
    }
  }
  throw SocketError.fromSystem(failure, { syscall: 'connect' });
}

function streamOver(raw: Socket, session: TlsSession | null): ServerStream {
  const end = endpointOf(raw.remoteAddress ?? '', raw.remotePort ?? 0);
  if (session === null) return { socket: raw, end, alpn: null };
  return { socket: session.socket, end, alpn: session.state.alpn };
}
