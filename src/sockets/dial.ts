import net from 'node:net';
import { endpointOf } from './endpoint.js';
import { SocketError } from './errors.js';
import { blocked, type Policy } from './policy.js';
import { resolveHost, type FamilyChoice, type ResolvedAddress } from './resolve.js';

export interface DialTarget {
  host: string;
  port: number;
  family: FamilyChoice;
  localAddress: string | null;
  localPort: number | null;
  /** For the whole: name, all addresses. */
  timeoutMs: number;
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
  let failure: unknown;
  for (const { address } of candidates) {
    try {
      return await connect(address, target, deadline, policy, onConnect);
    } catch (error) {
      failure = error;
      if (Date.now() >= deadline) break;
    }
  }
  throw SocketError.fromSystem(failure, { syscall: 'connect', port: target.port });
}

function allowedOf(found: ResolvedAddress[], target: DialTarget, policy: Policy): ResolvedAddress[] {
  let rule = 'no-address';
  const allowed = found.filter(({ address }) => {
    const decision = policy.mayConnect(address, target.port);
    if (!decision.allowed) rule = decision.rule;
    return decision.allowed;
  });
  if (allowed.length === 0) throw blocked('connect', target.host, target.port, rule);
  return allowed;
}

function connect<T>(
  address: string,
  target: DialTarget,
  deadline: number,
  policy: Policy,
  onConnect: (socket: net.Socket) => T | null,
): Promise<T> {
  const { port, localAddress, localPort } = target;
  return new Promise<T>((resolve, reject) => {
    const socket = net.connect({
      host: address,
      port,
      ...(localAddress === null ? {} : { localAddress }),
      ...(localPort === null ? {} : { localPort }),
      allowHalfOpen: true,
    });
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
