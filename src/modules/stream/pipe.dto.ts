import type { ClientTls, ConnectRequest, Limits, UnixConnectRequest } from '../../sockets/index.js';
import { isDatagram, pathOf, ReceiveDto, receiveSettings } from '../common/create.dto.js';
import { DurationMs, Flag, Host, OneOf, Port, Text } from '../common/fields.js';
import { ReaderName } from '../common/socket-fields.js';
import { ClientTlsDto, dialledTls } from '../common/tls.dto.js';
import { invalid } from '../problems/problem.js';

/** Which socket a pipe is for: one there is, or one to dial. */
export class PipeQuery {
  @Text({
    description: 'Id or name of an open socket',
    optional: true,
    maxLength: 64,
    example: 'demo-client',
  })
  socketId?: string;

  @Host({ description: 'Where to connect to when the WebSocket opens', optional: true, example: '127.0.0.1' })
  host?: string;

  @Port({ description: 'Port to connect to', query: true, optional: true, example: 6379 })
  port?: number;

  @OneOf(['tcp', 'tls', 'udp', 'unix', 'unix-seqpacket'], {
    description: 'With `udp` one message is one datagram',
    default: 'tcp',
  })
  protocol: string = 'tcp';

  @Text({
    optional: true,
    maxLength: 4096,
    description: 'With `unix`: the file to connect to, instead of host and port',
  })
  path?: string;

  @DurationMs({ description: 'Deadline of the connect', query: true, optional: true, min: 1 })
  timeoutMs?: number;

  @Host({ description: 'With `tls`: as for a client', optional: true })
  servername?: string;

  @Flag({ description: 'With `tls`: as for a client', query: true, optional: true })
  insecure?: boolean;

  @ReaderName({ description: 'Name under which the pipe consumes', default: 'main' })
  reader: string = 'main';
}

export type PipeTarget =
  | { socketId: string; dial: null }
  | { socketId: null; protocol: string; dial: ConnectRequest | UnixConnectRequest };

export function pipeTarget(query: PipeQuery, limits: Limits): PipeTarget {
  const { socketId, host, port, protocol, timeoutMs = null } = query;
  if (socketId !== undefined) {
    if (host === undefined && port === undefined && query.path === undefined) return { socketId, dial: null };
    throw invalid([{ pointer: '/socketId', detail: 'either socketId, or host and port, must be given' }]);
  }
  const receive = receiveSettings(new ReceiveDto(), limits, isDatagram(protocol));
  const nameless = { name: null, labels: {}, leaseMs: null, options: [], receive, idleTimeoutMs: 0 };
  const path = pathOf(query);
  const unixProtocol = protocol === 'unix-seqpacket' ? protocol : 'unix';
  if (path !== null)
    return { socketId: null, protocol, dial: { ...nameless, protocol: unixProtocol, path, timeoutMs } };
  if (host === undefined || port === undefined) {
    throw invalid([{ pointer: '/host', detail: 'either socketId, or host and port, must be given' }]);
  }
  const anyEnd = { family: 'any', localAddress: null, localPort: null } as const;
  return {
    socketId: null,
    protocol,
    dial: { ...nameless, ...anyEnd, host, port, timeoutMs, tls: tlsOf(query) },
  };
}

function tlsOf({ protocol, servername, insecure }: PipeQuery): ClientTls | null {
  if (servername === undefined && insecure === undefined) return dialledTls(protocol, undefined);
  return dialledTls(
    protocol,
    Object.assign(new ClientTlsDto(), { servername: servername ?? null, insecure }),
  );
}
