import type {
  ConnectRequest,
  DatagramRequest,
  OptionSetting,
  ReceiveSettings,
  SocketLabels,
  UnixConnectRequest,
} from '../../sockets/index.js';
import { invalid, type FieldError } from '../problems/problem.js';
import { isUnix, pathOf, type Dial } from './create.dto.js';
import { dialledTls, type ClientTlsDto } from './tls.dto.js';

/** What a caller says of a peer to connect to. */
export interface DialFields {
  protocol: string;
  host?: string;
  port?: number;
  path?: string;
  localPath?: string;
  family: 'any' | 'ipv4' | 'ipv6';
  timeoutMs?: number;
  localAddress: string | null;
  localPort: number | null;
  idleTimeoutMs: number;
  tls?: ClientTlsDto;
}

/** What is the same for every kind of socket. */
type Common = SocketLabels & { options: OptionSetting[]; receive: ReceiveSettings };

/** What is to be connected, by the protocol. */
export function dialOf(fields: DialFields, common: Common): Dial {
  if (fields.protocol === 'unix-datagram') return unixDatagramRequest(fields, common);
  return isUnix(fields.protocol) ? unixConnectRequest(fields, common) : connectRequest(fields, common);
}

function connectRequest(dto: DialFields, common: Common): ConnectRequest {
  const { family, localAddress, localPort, idleTimeoutMs } = dto;
  const timeoutMs = dto.timeoutMs ?? null;
  const tls = dialledTls(dto.protocol, dto.tls);
  const { host, port } = internetPeer(dto);
  return { ...common, host, port, family, localAddress, localPort, idleTimeoutMs, timeoutMs, tls };
}

/** Which of these a protocol needs, the others it refuses. */
function internetPeer({ host = '', port = 0, ...dto }: DialFields): { host: string; port: number } {
  const needsPort = dto.protocol !== 'icmp';
  const wrong: FieldError[] = [];
  if (host === '') wrong.push({ pointer: '/host', detail: 'must be given' });
  if (needsPort === (port === 0))
    wrong.push({ pointer: '/port', detail: needsPort ? 'must be given' : `${dto.protocol} has no ports` });
  for (const field of ['path', 'localPath'] as const)
    if (dto[field] !== undefined) wrong.push({ pointer: `/${field}`, detail: 'is for Unix sockets' });
  if (wrong.length > 0) throw invalid(wrong);
  return { host, port };
}

/** connect(2) of a Unix socket that has connections. */
function unixConnectRequest(dto: DialFields, common: Common): UnixConnectRequest {
  if (dto.localPath !== undefined)
    throw invalid([{ pointer: '/localPath', detail: 'is for Unix datagram sockets' }]);
  const protocol = dto.protocol === 'unix-seqpacket' ? 'unix-seqpacket' : 'unix';
  return { ...common, ...unixPeer(dto), protocol, timeoutMs: dto.timeoutMs ?? null };
}

/** connect(2) of a Unix datagram socket. */
function unixDatagramRequest(dto: DialFields, common: Common): DatagramRequest {
  const { localPath = null } = dto;
  return { ...common, ...unixPeer(dto), as: 'file', protocol: 'unix-datagram', localPath };
}

function unixPeer(dto: DialFields): { path: string; idleTimeoutMs: number } {
  const { host, port, idleTimeoutMs } = dto;
  if (host !== undefined || port !== undefined)
    throw invalid([{ pointer: '/host', detail: 'a Unix socket has a path instead of host and port' }]);
  return { path: pathOf(dto) ?? '', idleTimeoutMs };
}
