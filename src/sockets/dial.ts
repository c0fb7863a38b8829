import type net from 'node:net';
import { addressBytes, endpointOf, type Family, type InternetEndpoint } from './endpoint.js';
import { SocketError } from './errors.js';
import { unconnectedSocket } from './kernel-handle.js';
import { blocked, type Policy } from './policy.js';
import type { OptionSetting } from './options/setting.js';
import { openStream } from './stream-descriptor.js';
import { resolveHost, type FamilyChoice, type ResolvedAddress } from './resolve.js';

export interface DialTarget {
  host: string;
  port: number;
  family: FamilyChoice;
  localAddress: string | null;
  localPort: number | null;
  /** For the whole: name, all addresses. */
  timeoutMs: number;
  /** Set before it is bound and connected. */
  options: readonly OptionSetting[];
}

/**
 * Connects a TCP socket: syntax of the name, one resolution, policy over every address, then the
 * numeric addresses in the resolver's order until one answers or the deadline has passed. `onConnect`
 * runs in the tick of the connect, before a byte is read, and owns the socket if it answers a value.
 */
export async function dial<T>(
  target: DialTarget,
  policy: Policy,
  onConnect: (socket: net.Socket) => T | null,
): Promise<T> {
  const deadline = Date.now() + target.timeoutMs;
  const candidates = allowedOf(
    await resolveHost(target.host, target.family, target.timeoutMs),
    target,
    policy,
  );
  checkLocalEnd(target, policy);
  let failure: unknown;
  for (const [index, { address }] of candidates.entries()) {
    try {
      // An address that swallows everything must not take the time of those after it.
      const share = (deadline - Date.now()) / (candidates.length - index);
      return await connect(address, target, Date.now() + share, policy, onConnect);
    } catch (error) {
      failure = error;
      if (Date.now() >= deadline) break;
    }
  }
  throw SocketError.fromSystem(failure, { syscall: 'connect', port: target.port });
}

/** Every address that the policy lets a socket connect to; ADDRESS_BLOCKED when there is none. */
export function allowedOf(found: ResolvedAddress[], target: DialTarget, policy: Policy): ResolvedAddress[] {
  let rule = 'no-address';
  const allowed = found.filter(({ address }) => {
    const decision = policy.mayConnect(address, target.port);
    if (!decision.allowed) rule = decision.rule;
    return decision.allowed;
  });
  if (allowed.length === 0) throw blocked('connect', target.host, target.port, rule);
  return allowed;
}

/** The end to connect from is bound: the same policy as for a listener. */
export function checkLocalEnd({ localAddress, localPort }: DialTarget, policy: Policy): void {
  if (localAddress === null && localPort === null) return;
  const address = localAddress ?? '127.0.0.1';
  if (addressBytes(address) === null) {
    throw new SocketError('EINVAL', 'must be a numeric address', { syscall: 'bind', field: 'localAddress' });
  }
  const decision = policy.mayBind(address, localPort ?? 0);
  if (!decision.allowed) throw blocked('bind', address, localPort ?? 0, decision.rule);
}

/** Where a client binds; null: the kernel decides. */
export function localEnd({ localAddress, localPort }: DialTarget, family: Family): InternetEndpoint | null {
  if (localAddress === null && localPort === null) return null;
  return { address: localAddress ?? (family === 'ipv6' ? '::' : '0.0.0.0'), port: localPort ?? 0, family };
}

function connect<T>(
  address: string,
  target: DialTarget,
  deadline: number,
  policy: Policy,
  onConnect: (socket: net.Socket) => T | null,
): Promise<T> {
  const { port } = target;
  return new Promise<T>((resolve, reject) => {
    const { family } = endpointOf(address, port);
    const fd = openStream({ family, local: localEnd(target, family), options: target.options });
    const socket = unconnectedSocket(fd);
    socket.connect({ host: address, port });
    const fail = (error: SocketError): void => {
      clearTimeout(timer);
      socket.destroy();
      reject(error);
    };
    const late = (): void =>
      fail(
        new SocketError('ETIMEDOUT', `connect ETIMEDOUT ${address}:${String(port)}`, {
          syscall: 'connect',
          address,
          port,
        }),
      );
    const timer = setTimeout(late, Math.max(0, deadline - Date.now()));
    socket.on('error', (error) => fail(SocketError.fromSystem(error, { syscall: 'connect', address, port })));
    socket.once('connect', () => {
      clearTimeout(timer);
      // The peer that the kernel reached is what counts, whatever was asked for.
      const peer = endpointOf(socket.remoteAddress ?? '', socket.remotePort ?? 0);
      const decision = policy.mayConnect(peer.address, peer.port);
      if (!decision.allowed) return fail(blocked('connect', target.host, port, decision.rule));
      const taken = onConnect(socket);
      if (taken === null)
        return fail(new SocketError('ECONNRESET', 'read ECONNRESET', { syscall: 'read', address, port }));
      resolve(taken);
    });
  });
}
