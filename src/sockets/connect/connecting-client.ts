import type { Endpoint } from '../endpoint.js';
import { SocketError } from '../errors.js';
import { ManagedSocket, type CloseReason, type Protocol, type SocketContext } from '../socket.js';
import type { SocketLabels } from '../socket-settings.js';

/**
 * A client from the moment it is asked for until it is connected, when a connection of the same id
 * takes its place. To close it is to give up; what could not connect stays here, failed, with the reason.
 */
export class ConnectingClient extends ManagedSocket {
  private readonly ending = new AbortController();

  constructor(protocol: Protocol, local: Endpoint, identity: SocketLabels, context: SocketContext) {
    super('client', protocol, 'connecting', local, identity, context);
  }

  /** Aborted, with the error for who asked for the client, when it is closed. */
  get signal(): AbortSignal {
    return this.ending.signal;
  }

  /** Several descriptors may be trying, or none yet. */
  override get fileno(): null {
    return null;
  }

  override sweep(): void {
    // Whoever connects looks at the deadline.
  }

  override close(_mode: 'graceful' | 'reset', reason: CloseReason): Promise<void> {
    if (this.isClosed) return Promise.resolve();
    this.settleClosed(reason);
    this.context.released(this);
    const told = typeof reason === 'string' ? `closed while connecting: ${reason}` : reason.message;
    this.ending.abort(new SocketError('ECANCELED', `connect ECANCELED: ${told}`, { syscall: 'connect' }));
    return Promise.resolve();
  }
}
