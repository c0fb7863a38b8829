/** An engine without a service around it: as its callers start it, and the least that can be asked of it. */
import { once } from 'node:events';
import net from 'node:net';
import { Engine, type Limits, type PolicySettings, type SocketEvent } from '../../src/sockets/index.js';
import type { ListenRequest } from '../../src/sockets/listen/listeners.js';
import type { StreamConnection } from '../../src/sockets/stream/stream-connection.js';
import type { StreamListener } from '../../src/sockets/listen/stream-listener.js';
import { portOf } from './ends.js';

/** Of a service without keys. */
export const POLICY: PolicySettings = {
  protectedMode: true,
  egressAllow: [],
  egressDeny: [],
  bindAllow: [],
  bindPorts: { from: 1024, to: 65_535 },
  allowMetadata: false,
};

/** What any socket is asked to be. */
export const SOCKET = {
  name: null,
  labels: {},
  leaseMs: null,
  idleTimeoutMs: 0,
  options: [],
  receive: { windowBytes: 65_536, overflow: 'pause', lingerMs: 60_000, readerTtlMs: null },
} as const;

/** And any listener of streams. */
export const LISTENER = {
  ...SOCKET,
  backlog: 511,
  ipv6Only: false,
  maxConnections: 1000,
  acceptCount: null,
  tls: null,
} as const;

export const TCP_LISTENER: ListenRequest = { ...LISTENER, host: '127.0.0.1', port: 0 };

export class RunningEngine {
  readonly engine: Engine;
  readonly events: SocketEvent[] = [];

  constructor(limits: Partial<Limits> = {}) {
    this.engine = new Engine({ limits, policy: POLICY });
    this.engine.onEvent((event) => this.events.push(event));
  }

  close(): Promise<void> {
    return this.engine.close();
  }

  listen(over: Partial<ListenRequest> = {}): Promise<StreamListener> {
    return this.engine.listen({ ...TCP_LISTENER, ...over });
  }

  /** A connection of a listener of its own, from both sides. */
  async connected(over: Partial<ListenRequest> = {}): Promise<{ ours: StreamConnection; peer: net.Socket }> {
    const listener = await this.listen(over);
    const accepted = this.next('accepted');
    const peer = net.connect({ port: portOf(listener), host: '127.0.0.1', allowHalfOpen: true });
    peer.on('error', () => undefined);
    await once(peer, 'connect');
    return { ours: (await accepted).socket as StreamConnection, peer };
  }

  next(name: SocketEvent['name']): Promise<SocketEvent> {
    return new Promise((resolve) => {
      const stop = this.engine.onEvent((event) => {
        if (event.name !== name) return;
        stop();
        resolve(event);
      });
    });
  }
}

/** Resolves once the log of a connection satisfies a condition; every change of it wakes this. */
export function until(connection: StreamConnection, condition: () => boolean): Promise<void> {
  return new Promise((resolve) => {
    const look = (): void => {
      if (!condition()) return;
      view.detach();
      resolve();
    };
    const view = connection.log.observe('live', look);
    look();
  });
}
