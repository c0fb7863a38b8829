import type net from 'node:net';
import {
  addressBytes,
  endpointOf,
  isLinkLocal,
  scopedAddressBytes,
  splitZone,
  type Family,
  type InternetEndpoint,
} from '../endpoint.js';
import { SocketError } from '../errors.js';
import { interleave, race } from './happy-eyeballs.js';
import { socketOver } from '../stream/kernel-handle.js';
import { ATTEMPT_DELAY_MS } from '../limits.js';
import { interfaceIndex } from '../native/sockaddr.js';
import { blocked, type Policy } from '../policy.js';
import type { OptionSetting } from '../options/setting.js';
import { openStream } from '../stream/stream-descriptor.js';
import { resolveHost, type FamilyChoice, type ResolvedAddress } from './resolve.js';

/** Told how far it has come, for who wants to know where the time goes. */
export type OnDialPhase = (phase: 'resolved' | 'connected') => void;

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
  onPhase?: OnDialPhase | undefined;
}

/** What dialling needs of who asks for it. */
export interface Dialling<T> {
  /** Ends it, with the error that is its reason. */
  signal: AbortSignal;
  /** A place for one more descriptor, beside the one that the client has: Registry.reserve. */
  reserve: () => () => void;
  /** Runs in the tick of the connect, before a byte is read, and owns the socket if it answers a value. */
  onConnect: (socket: net.Socket) => T | null;
}

/**
 * Connects a TCP socket: syntax of the name, one resolution, policy over every address, then the
 * numeric addresses by Happy Eyeballs (RFC 8305) until one answers or the deadline has passed.
 */
export async function dial<T>(target: DialTarget, policy: Policy, dialling: Dialling<T>): Promise<T> {
  const { host, family, timeoutMs } = target;
  const deadline = new AbortController();
  const giveUp = (): void => deadline.abort(dialling.signal.reason);
  dialling.signal.addEventListener('abort', giveUp);
  const timer = setTimeout(() => deadline.abort(tooLate(host)), timeoutMs);
  const { signal } = deadline;
  try {
    if (dialling.signal.aborted) giveUp();
    const found = await unlessAborted(resolveHost(host, family, timeoutMs), signal);
    target.onPhase?.('resolved');
    const allowed = allowedOf(found, target, policy);
    checkLocalEnd(target, policy);
    const places = new Places(dialling.reserve);
    return await race({
      candidates: interleave(bindable(allowed, target)),
      delayMs: ATTEMPT_DELAY_MS,
      signal,
      connect: ({ address }, cut) => places.during(() => connect(address, target, policy, dialling, cut)),
    });
  } finally {
    clearTimeout(timer);
    dialling.signal.removeEventListener('abort', giveUp);
  }
}

function tooLate(host: string): SocketError {
  const details = { syscall: 'getaddrinfo', address: host };
  return new SocketError('ETIMEDOUT', `getaddrinfo ETIMEDOUT ${host}`, details);
}

/** The resolver cannot be cancelled; its answer is not waited for any more. */
export function unlessAborted<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const stop = (): void => reject(SocketError.fromSystem(signal.reason, { syscall: 'getaddrinfo' }));
    if (signal.aborted) stop();
    signal.addEventListener('abort', stop);
    work.then(resolve, reject).finally(() => signal.removeEventListener('abort', stop));
  });
}

/** The first attempt has the client's own place; whoever tries beside it needs another. */
class Places {
  private ownIsFree = true;

  constructor(private readonly reserve: () => () => void) {}

  async during<T>(work: () => Promise<T>): Promise<T> {
    const release = this.take();
    try {
      return await work();
    } finally {
      release();
    }
  }

  private take(): () => void {
    if (!this.ownIsFree) return this.reserve();
    this.ownIsFree = false;
    return () => (this.ownIsFree = true);
  }
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

/**
 * The end to connect from is bound: the same policy as for a listener. With a port alone only the port
 * is judged: the kernel takes the address from its routes, as it does for who asks for nothing.
 */
export function checkLocalEnd({ localAddress, localPort }: DialTarget, policy: Policy): void {
  if (localAddress === null && localPort === null) return;
  const address = localAddress ?? '127.0.0.1';
  if (scopedAddressBytes(address) === null) {
    throw new SocketError('EINVAL', 'must be a numeric address', { syscall: 'bind', field: 'localAddress' });
  }
  const decision = policy.mayBind(address, localPort ?? 0);
  if (!decision.allowed) throw blocked('bind', address, localPort ?? 0, decision.rule);
}

/** Where a client binds; null: the kernel decides. */
export function localEnd({ localAddress, localPort }: DialTarget, family: Family): InternetEndpoint | null {
  if (localAddress === null && localPort === null) return null;
  return endpointOf(localAddress ?? (family === 'ipv6' ? '::' : '0.0.0.0'), localPort ?? 0);
}

/** A socket that is bound to an address of one family cannot connect to the other. EAFNOSUPPORT when none is left. */
export function bindable(found: ResolvedAddress[], { host, localAddress }: DialTarget): ResolvedAddress[] {
  if (localAddress === null) return found;
  const { family } = endpointOf(localAddress, 0);
  const left = found.filter((candidate) => candidate.family === family);
  if (left.length > 0) return left;
  throw new SocketError('EAFNOSUPPORT', `no address of ${host} is ${family}, as ${localAddress} is`, {
    syscall: 'connect',
    address: host,
  });
}

/** One attempt. Rejects at once when `signal` is aborted; after an error the descriptor is closed. */
function connect<T>(
  address: string,
  target: DialTarget,
  policy: Policy,
  { onConnect }: Dialling<T>,
  signal: AbortSignal,
): Promise<T> {
  const end = endpointOf(address, target.port);
  const { port, family } = end;
  return new Promise<T>((resolve, reject) => {
    checkZone(end, target.localAddress);
    const fd = openStream({ family, local: localEnd(target, family), options: target.options });
    const socket = socketOver(fd);
    const fail = (error: SocketError): void => {
      signal.removeEventListener('abort', cut);
      socket.destroy();
      reject(error);
    };
    const cut = (): void => fail(cutShort(signal.reason, end));
    signal.addEventListener('abort', cut);
    socket.connect({ host: address, port });
    socket.on('error', (error) => fail(SocketError.fromSystem(error, { syscall: 'connect', address, port })));
    socket.once('connect', () => {
      signal.removeEventListener('abort', cut);
      // The peer that the kernel reached is what counts, whatever was asked for.
      const peer = endpointOf(socket.remoteAddress ?? '', socket.remotePort ?? 0);
      const decision = policy.mayConnect(peer.address, peer.port);
      if (!decision.allowed) return fail(blocked('connect', target.host, port, decision.rule));
      target.onPhase?.('connected');
      const taken = onConnect(socket);
      if (taken === null)
        return fail(new SocketError('ECONNRESET', 'read ECONNRESET', { syscall: 'read', address, port }));
      resolve(taken);
    });
  });
}

/** Why an attempt was ended from outside, as its own error; undefined: another one has connected. */
function cutShort(reason: unknown, { address, port }: InternetEndpoint): SocketError {
  const code = reason instanceof SocketError ? reason.code : 'ECANCELED';
  const message = `connect ${code} ${address}:${String(port)}`;
  return new SocketError(code, message, { syscall: 'connect', address, port });
}

/**
 * libuv would take an interface that there is not for none, and newer versions choose one where none is
 * given. The kernel refuses both; only an own end on a link says which is meant.
 */
function checkZone({ address, port }: InternetEndpoint, localAddress: string | null): void {
  const { zone } = splitZone(address);
  if (zone !== null) return void interfaceIndex(zone);
  const bytes = addressBytes(address);
  if (bytes === null || !isLinkLocal(bytes) || localAddress?.includes('%') === true) return;
  const message = `connect EINVAL ${address}: a link-local address needs its zone`;
  throw new SocketError('EINVAL', message, { syscall: 'connect', address, port });
}
