import { openDatagram } from './datagram-descriptor.js';
import { DatagramSocket, type OpenDatagram } from './datagram-socket.js';
import { allowedOf, checkLocalEnd, localEnd, type DialTarget } from './dial.js';
import { SocketError } from './errors.js';
import { close } from './native/syscalls.js';
import type { OptionSetting } from './options/setting.js';
import { blocked, type Policy } from './policy.js';
import { resolveHost } from './resolve.js';
import type { SocketContext } from './socket.js';
import type { DataSettings } from './socket-settings.js';

export interface BindRequest extends DataSettings {
  protocol: 'udp';
  host: string;
  port: number;
  ipv6Only: boolean;
  options: readonly OptionSetting[];
}

interface DatagramDial extends Omit<DataSettings, 'timeoutMs'>, DialTarget {
  protocol: 'udp';
}

/** bind(2) of a datagram socket. Errors: ADDRESS_BLOCKED, those of the resolver and the kernel. */
export async function bindDatagram(
  request: BindRequest,
  policy: Policy,
  context: SocketContext,
): Promise<DatagramSocket> {
  const { host, port, ipv6Only, options, protocol } = request;
  const [found] = await resolveHost(host, 'any', context.limits.connectTimeoutMs);
  if (found === undefined) throw new SocketError('EAI_NONAME', `getaddrinfo EAI_NONAME ${host}`);
  const decision = policy.mayBind(found.address, port);
  if (!decision.allowed) throw blocked('bind', host, port, decision.rule);
  const { family } = found;
  const fd = openDatagram({ family, local: { ...found, port }, remote: null, ipv6Only, options });
  return over({ fd, kind: 'listener', protocol, family }, request, context, policy);
}

/**
 * connect(2) of a datagram socket: it sends to, and receives from, this peer alone. Nothing is sent by
 * it, so the first address that there is a way to is the peer, listening or not.
 */
export async function dialDatagram(
  target: DatagramDial,
  policy: Policy,
  context: SocketContext,
): Promise<DatagramSocket> {
  const { host, port, family, timeoutMs, options, protocol } = target;
  const candidates = allowedOf(await resolveHost(host, family, timeoutMs), target, policy);
  checkLocalEnd(target, policy);
  let failure: unknown;
  for (const found of candidates) {
    try {
      const remote = { ...found, port };
      const fd = openDatagram({
        family: found.family,
        local: localEnd(target, found.family),
        remote,
        options,
      });
      return over({ fd, kind: 'client', protocol, family: found.family }, target, context, policy);
    } catch (error) {
      failure = error;
    }
  }
  throw SocketError.fromSystem(failure, { syscall: 'connect', port });
}

function over(
  open: OpenDatagram,
  settings: DataSettings,
  context: SocketContext,
  policy: Policy,
): DatagramSocket {
  try {
    return new DatagramSocket(open, settings, context, policy);
  } catch (error) {
    close(open.fd);
    throw error;
  }
}
