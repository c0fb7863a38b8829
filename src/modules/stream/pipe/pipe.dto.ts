import type { ClientTls, Limits } from '../../../sockets/index.js';
import { isDatagram, pathOf, ReceiveDto, receiveSettings, type Dial } from '../../common/create.dto.js';
import { DurationMs, Flag, Host, OneOf, Port, Text } from '../../common/fields.js';
import { ReaderName } from '../../common/socket-fields.js';
import { ClientTlsDto, dialledTls } from '../../common/tls.dto.js';
import { invalid } from '../../problems/problem.js';

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

  @OneOf(['tcp', 'tls', 'udp', 'unix', 'unix-seqpacket', 'unix-datagram'], {
    description: 'With `udp`, `unix-seqpacket` and `unix-datagram` one message is one datagram',
    default: 'tcp',
  })
  protocol: string = 'tcp';

  @Text({
    optional: true,
    maxLength: 4096,
    description: 'Of a Unix socket: the file to connect to, instead of host and port',
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

/** `dial: null`: a socket that is there. */
export type PipeTarget = { socketId: string; dial: null } | { protocol: string; dial: Dial };

export function pipeTarget(query: PipeQuery, limits: Limits): PipeTarget {
  const { socketId, host, port, path, protocol } = query;
  if (socketId === undefined) return { protocol, dial: pipeDial(query, limits) };
  if (host === undefined && port === undefined && path === undefined) return { socketId, dial: null };
  throw invalid([
    { pointer: '/socketId', detail: 'a socket that is there has its peer: give one or the other' },
  ]);
}

/** Neither more nor less than the protocol needs. */
function pipeDial(query: PipeQuery, limits: Limits): Dial {
  const { host, port, protocol, timeoutMs = null } = query;
  const receive = receiveSettings(new ReceiveDto(), limits, isDatagram(protocol));
  const common = { name: null, labels: {}, leaseMs: null, options: [], receive, idleTimeoutMs: 0 };
  const tls = tlsOf(query);
  const path = pathOf(query);
  if (path !== null) {
    if (host !== undefined || port !== undefined)
      throw invalid([{ pointer: '/host', detail: 'a Unix socket has a path instead of host and port' }]);
    if (protocol === 'unix-datagram') return { ...common, as: 'file', protocol, path, localPath: null };
    return { ...common, protocol: protocol === 'unix-seqpacket' ? protocol : 'unix', path, timeoutMs };
  }
  if (host === undefined || port === undefined) {
    throw invalid([{ pointer: '/host', detail: 'either socketId, or host and port, must be given' }]);
  }
  const anyEnd = { family: 'any', localAddress: null, localPort: null } as const;
  return { ...common, ...anyEnd, host, port, timeoutMs, tls };
}

function tlsOf({ protocol, servername, insecure }: PipeQuery): ClientTls | null {
  if (servername === undefined && insecure === undefined) return dialledTls(protocol, undefined);
  return dialledTls(
    protocol,
    Object.assign(new ClientTlsDto(), { servername: servername ?? null, insecure }),
  );
}
