import { observeArrivals, openDatagram, sharePort } from './datagram-descriptor.js';
import { DatagramSocket, type OpenDatagram } from './datagram-socket.js';
import { allowedOf, bindable, checkLocalEnd, localEnd, type DialTarget } from '../connect/dial.js';
import type { Endpoint } from '../endpoint.js';
import { SocketError } from '../errors.js';
import type { Ways } from './destination.js';
import { IcmpEcho } from './icmp-echo.js';
import { autobind, bind, close, connect, getpeername } from '../native/syscalls.js';
import { setOptions, type OptionSetting } from '../options/setting.js';
import type { ResponderSpec } from '../responders/responder-spec.js';
import { resolveHost } from '../connect/resolve.js';
import type { SocketContext } from '../socket.js';
import type { DataSettings } from '../socket-settings.js';

/** A datagram socket to bind: UDP, or the file of a Unix one. */
export type BindRequest = InternetBindRequest | UnixBindRequest;

interface InternetBindRequest extends DataSettings {
  protocol: 'udp';
  host: string;
  port: number;
  ipv6Only: boolean;
  options: readonly OptionSetting[];
  /** Answers for it. */
  responder?: ResponderSpec;
}

interface UnixBindRequest extends DataSettings {
  protocol: 'unix-datagram';
  /** In the directory for Unix sockets. */
  path: string;
  options: readonly OptionSetting[];
  /** Answers for it. */
  responder?: ResponderSpec;
}

interface DatagramDial extends DataSettings, DialTarget {
  protocol: 'udp';
}

/** What is connected: a UDP socket, a Unix one, or one for echo requests. */
export type DatagramRequest =
  ({ as: 'connected' } & DatagramDial) | ({ as: 'file' } & UnixDatagramRequest) | ({ as: 'echo' } & EchoDial);

/** Errors: ADDRESS_BLOCKED, those of the resolver, of paths and of the kernel. */
export async function openDatagramSocket(
  request: DatagramRequest,
  ways: Ways,
  context: SocketContext,
): Promise<DatagramSocket> {
  switch (request.as) {
    case 'connected':
      return dialDatagram(request, ways, context);
    case 'file':
      return openUnixDatagram(request, ways, context);
    case 'echo':
      return dialEcho(request, ways, context);
  }
}

/**
 * bind(2) of a datagram socket, at an end that the policy has allowed. `shared`: another socket of ours
 * has the port and lets it be shared; makeWay. Errors: those of the kernel.
 */
export function bindDatagram(
  { at, shared }: { at: Endpoint; shared: boolean },
  request: BindRequest,
  ways: Ways,
  context: SocketContext,
): DatagramSocket {
  const { options, protocol } = request;
  const { family } = at;
  const ipv6Only = protocol === 'udp' && request.ipv6Only;
  const fd = openDatagram({ family, local: null, remote: null, ipv6Only, options });
  let unlink = (): void => undefined;
  try {
    const unshare = shared && family !== 'unix' ? sharePort(fd) : null;
    if (family === 'unix') unlink = ways.unix.bind(fd, at);
    else bind(fd, at, family);
    unshare?.();
    const open = { fd, kind: 'listener', protocol, family, remote: null, unlink } as const;
    return new DatagramSocket(open, request, context, ways);
  } catch (error) {
    close(fd);
    unlink();
    throw error;
  }
}

/**
 * connect(2) of a datagram socket: it sends to, and receives from, this peer alone. Nothing is sent by
 * it, so the first address that there is a way to is the peer, listening or not.
 */
async function dialDatagram(
  target: DatagramDial,
  ways: Ways,
  context: SocketContext,
): Promise<DatagramSocket> {
  const { host, port, family, timeoutMs, options, protocol } = target;
  const resolved = await resolveHost(host, family, timeoutMs);
  target.onPhase?.('resolved');
  const allowed = allowedOf(resolved, target, ways.policy);
  checkLocalEnd(target, ways.policy);
  let failure: unknown;
  for (const found of bindable(allowed, target)) {
    try {
      const remote = { ...found, port };
      const fd = openDatagram({
        family: found.family,
        local: localEnd(target, found.family),
        remote,
        options,
      });
      return over(
        { fd, kind: 'client', protocol, family: found.family, remote: getpeername(fd) },
        target,
        context,
        ways,
      );
    } catch (error) {
      failure = error;
    }
  }
  throw SocketError.fromSystem(failure, { syscall: 'connect', port });
}

interface UnixDatagramRequest extends DataSettings {
  protocol: 'unix-datagram';
  /** File to bind; null, of a client: an abstract name of the kernel's choice, so that there can be answers. */
  localPath: string | null;
  /** File of the peer to connect to. */
  path: string;
  options: readonly OptionSetting[];
}

/** A Unix datagram socket that is connected. Errors: ADDRESS_BLOCKED, those of paths and the kernel. */
function openUnixDatagram(request: UnixDatagramRequest, ways: Ways, context: SocketContext): DatagramSocket {
  const { path, localPath, options } = request;
  const remote = ways.unix.endpoint(path, 'connect');
  const local = localPath === null ? null : ways.unix.endpoint(localPath, 'bind');
  const fd = openDatagram({ family: 'unix', local: null, remote: null, options });
  let unlink = (): void => undefined;
  try {
    if (local === null) autobind(fd);
    else unlink = ways.unix.bind(fd, local);
    connect(fd, remote);
    const open = { fd, kind: 'client', protocol: 'unix-datagram', family: 'unix', remote, unlink } as const;
    return new DatagramSocket(open, request, context, ways);
  } catch (error) {
    close(fd);
    unlink();
    throw error;
  }
}

interface EchoDial extends DataSettings, DialTarget {
  protocol: 'icmp';
}

/** A socket for echo requests to one host. EPERM without leave for raw sockets; ADDRESS_BLOCKED. */
async function dialEcho(target: EchoDial, ways: Ways, context: SocketContext): Promise<DatagramSocket> {
  const { host, family, timeoutMs, options } = target;
  const found = await resolveHost(host, family, timeoutMs);
  const [first] = allowedOf(found, target, ways.policy);
  if (first === undefined) throw new SocketError('EAI_NONAME', `getaddrinfo EAI_NONAME ${host}`);
  const echo = IcmpEcho.open(first.family);
  const remote = { ...first, port: 0 };
  try {
    observeArrivals(echo.fd);
    setOptions(echo.fd, options);
    connect(echo.fd, remote);
  } catch (error) {
    close(echo.fd);
    throw error;
  }
  const open = { fd: echo.fd, kind: 'client', protocol: 'icmp', family: first.family, remote, echo } as const;
  return over(open, target, context, ways);
}

function over(
  open: OpenDatagram,
  settings: DataSettings,
  context: SocketContext,
  ways: Ways,
): DatagramSocket {
  try {
    return new DatagramSocket(open, settings, context, ways);
  } catch (error) {
    close(open.fd);
    throw error;
  }
}
