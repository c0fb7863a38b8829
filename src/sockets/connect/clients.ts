import type { Socket } from 'node:net';
import { ConnectingClient } from './connecting-client.js';
import type { DataSocket } from '../data-socket.js';
import { dial, type DialTarget } from './dial.js';
import { dialUnix } from './dial-unix.js';
import type { Endpoint } from '../endpoint.js';
import { SocketError } from '../errors.js';
import { socketOver } from '../stream/kernel-handle.js';
import type { OptionSetting } from '../options/setting.js';
import type { Policy } from '../policy.js';
import type { Registry } from '../registry.js';
import type { Protocol, SocketContext } from '../socket.js';
import type { DataSettings } from '../socket-settings.js';
import { SeqpacketConnection } from '../seqpacket/seqpacket-connection.js';
import { StreamConnection } from '../stream/stream-connection.js';
import type { Admission } from '../listen/stream-listener.js';
import type { ClientTls } from '../tls/tls-context.js';
import { clientHandshake, type TlsSession } from '../tls/tls-handshake.js';

export interface ConnectRequest extends DataSettings, Omit<DialTarget, 'timeoutMs'> {
  /** For the whole: name, all addresses, TLS. null: the default timeout, or the limit. */
  timeoutMs: number | null;
  /** TLS over the connection; null: plain TCP. */
  tls: ClientTls | null;
}

export interface UnixConnectRequest extends DataSettings {
  protocol: 'unix' | 'unix-seqpacket';
  /** In the directory for Unix sockets. */
  path: string;
  /** null: the default timeout, or the limit. */
  timeoutMs: number | null;
  options: readonly OptionSetting[];
}

/** Makes clients: sockets that are in the set, under their name, from before they are connected. */
export class Clients {
  constructor(
    private readonly registry: Registry,
    private readonly policy: Policy,
    private readonly context: SocketContext,
    private readonly admission: Admission,
    /** Options of every client that does not ask otherwise. */
    private readonly defaults: readonly OptionSetting[],
  ) {}

  /** `gone`: aborted when nobody waits for the client any more. */
  async connect(request: ConnectRequest, gone?: AbortSignal): Promise<StreamConnection> {
    const handshake = request.tls === null ? null : clientHandshake(request.tls, request.host);
    const timeoutMs = this.timeoutOf(request);
    const deadline = Date.now() + timeoutMs;
    const target = { ...request, timeoutMs, options: [...this.defaults, ...request.options] };
    const protocol = request.tls === null ? 'tcp' : 'tls';
    const local = request.family === 'ipv6' ? ANY_IPV6 : ANY_IPV4;
    return this.connecting({ ...request, protocol, local }, gone, async (client) => {
      const take = (raw: Socket, session: TlsSession | null): StreamConnection | null =>
        this.connected(client, raw, session, { ...request, dialledHost: request.host });
      const reserve = (): (() => void) => this.admission.reserve(null);
      const { signal } = client;
      if (handshake === null) {
        const onConnect = (raw: Socket): StreamConnection | null => take(raw, null);
        return dial(target, this.policy, { signal, reserve, onConnect });
      }
      const secured = await dial(target, this.policy, {
        signal,
        reserve,
        onConnect: (raw) => {
          signal.addEventListener('abort', () => raw.destroy());
          return { raw, session: handshake(raw, deadline - Date.now()) };
        },
      });
      const connection = take(secured.raw, await secured.session);
      if (connection !== null) return connection;
      throw new SocketError('ECONNRESET', 'read ECONNRESET', { syscall: 'read' });
    });
  }

  async connectUnix(request: UnixConnectRequest, gone?: AbortSignal): Promise<DataSocket> {
    const { path, options, protocol } = request;
    const type = protocol === 'unix' ? 'stream' : 'seqpacket';
    const target = { type, timeoutMs: this.timeoutOf(request), options } as const;
    return this.connecting({ ...request, local: UNNAMED }, gone, (client) => {
      const end = this.admission.files.endpoint(path, 'connect');
      return dialUnix({ ...target, end }, client.signal, (fd) => {
        const connection =
          type === 'stream' ? this.unixStream(client, fd, request) : this.seqpacket(client, fd, request);
        if (connection !== null) return connection;
        throw new SocketError('ECONNRESET', 'connect ECONNRESET', { syscall: 'connect', address: path });
      });
    });
  }

  private unixStream(client: ConnectingClient, fd: number, request: DataSettings): StreamConnection | null {
    const raw = socketOver(fd);
    const connection = this.connected(client, raw, null, request);
    if (connection === null) raw.destroy();
    return connection;
  }

  private seqpacket(client: ConnectingClient, fd: number, request: DataSettings): SeqpacketConnection | null {
    return this.take(client, request, (settings) =>
      SeqpacketConnection.over(fd, 'client', settings, this.context, null),
    );
  }

  private timeoutOf({ timeoutMs }: { timeoutMs: number | null }): number {
    const { settings, limits } = this.context;
    return timeoutMs ?? settings.defaultTimeoutMs ?? limits.connectTimeoutMs;
  }

  private async connecting<T>(
    request: DataSettings & { protocol: Protocol; local: Endpoint },
    gone: AbortSignal | undefined,
    connect: (client: ConnectingClient) => Promise<T>,
  ): Promise<T> {
    const { protocol, local } = request;
    const release = this.admission.reserve(request.name);
    const client = new ConnectingClient(protocol, local, request, this.context);
    this.registry.add(client);
    release();
    const giveUp = (): void =>
      void client.close(
        'reset',
        new SocketError('ECANCELED', 'the caller went away while it was connecting'),
      );
    gone?.addEventListener('abort', giveUp);
    if (gone?.aborted === true) giveUp();
    try {
      return await connect(client);
    } catch (error) {
      const reason = SocketError.fromSystem(error, { syscall: 'connect' });
      // A handshake that was cut short knows only that its connection went away.
      const given: unknown = client.isClosed && reason.code !== 'ECANCELED' ? client.signal.reason : reason;
      await client.close('reset', reason);
      throw SocketError.fromSystem(given);
    } finally {
      gone?.removeEventListener('abort', giveUp);
    }
  }

  private connected(
    client: ConnectingClient,
    raw: Socket,
    session: TlsSession | null,
    request: DataSettings,
  ): StreamConnection | null {
    return this.take(client, request, (settings) =>
      StreamConnection.over(raw, session, 'client', settings, this.context, null),
    );
  }

  /** What has connected takes the place of the client that was connecting. */
  private take<Made extends DataSocket>(
    client: ConnectingClient,
    request: DataSettings,
    over: (settings: DataSettings) => Made | null,
  ): Made | null {
    const connection = over({ ...request, born: { id: client.id, at: client.createdAt } });
    if (connection === null) return null;
    this.registry.replace(client, connection);
    this.context.emit('connected', connection);
    return connection;
  }
}

/** What getsockname(2) says of a socket that has no end yet. */
const ANY_IPV4: Endpoint = { address: '0.0.0.0', port: 0, family: 'ipv4' };
const ANY_IPV6: Endpoint = { address: '::', port: 0, family: 'ipv6' };
const UNNAMED: Endpoint = { path: '', family: 'unix' };
