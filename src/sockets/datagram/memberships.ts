import { networkInterfaces } from 'node:os';
import { addressBytes, endpointOf, type Family } from '../endpoint.js';
import { SocketError } from '../errors.js';
import { interfaceIndex, interfaceName } from '../native/sockaddr.js';
import { IPPROTO_IPV6, setsockopt } from '../native/syscalls.js';
import { blocked, type Policy } from '../policy.js';

const IPPROTO_IP = 0;
const IP_ADD_MEMBERSHIP = 35;
const IP_DROP_MEMBERSHIP = 36;
const IPV6_JOIN_GROUP = 20;
const IPV6_LEAVE_GROUP = 21;

/** A multicast group that a socket receives, by one interface of the host; null: the kernel chose it. */
export interface Membership {
  group: string;
  interface: string | null;
}

/** The groups of one datagram socket. The kernel has the same list, but tells it nobody. */
export class Memberships {
  private readonly joined = new Map<string, Membership>();

  constructor(
    /** The socket's, while it is open. */
    private readonly descriptor: () => number,
    private readonly policy: Policy,
    /** That the socket is bound to. */
    private readonly port: number,
  ) {}

  list(): Membership[] {
    return [...this.joined.values()];
  }

  /**
   * IP_ADD_MEMBERSHIP, ip(7); IPV6_JOIN_GROUP, ipv6(7). Joining twice is joining once. ADDRESS_BLOCKED,
   * EINVAL for what is no group, ENODEV where no interface leads there, EADDRNOTAVAIL.
   */
  join(group: string, via: string | null): Membership {
    const fd = this.descriptor();
    const { key, membership, index } = describe(group, via);
    const decision = this.policy.mayConnect(group, this.port);
    if (!decision.allowed) throw blocked('connect', group, this.port, decision.rule);
    if (this.joined.has(key)) return membership;
    change(fd, group, index, 'join');
    this.joined.set(key, membership);
    return membership;
  }

  /** EADDRNOTAVAIL where the socket is no member. */
  leave(group: string, via: string | null): void {
    const fd = this.descriptor();
    const { key, index } = describe(group, via);
    change(fd, group, index, 'leave');
    this.joined.delete(key);
  }
}

function describe(group: string, via: string | null): { key: string; membership: Membership; index: number } {
  const bytes = addressBytes(group);
  if (bytes === null)
    throw new SocketError('EINVAL', 'must be a multicast address', { syscall: 'setsockopt', field: 'group' });
  const index = via === null ? 0 : indexOf(via);
  const membership = { group, interface: index === 0 ? null : interfaceName(index) };
  return { key: `${Buffer.from(bytes).toString('hex')}%${String(index)}`, membership, index };
}

/** An interface by its name, its index, or an address that it has. */
function indexOf(via: string): number {
  const bytes = addressBytes(via);
  if (bytes === null) return interfaceIndex(via);
  for (const [name, addresses = []] of Object.entries(networkInterfaces())) {
    const has = addresses.some(({ address }) => addressBytes(address)?.every((byte, i) => byte === bytes[i]));
    if (has) return interfaceIndex(name);
  }
  throw new SocketError('EADDRNOTAVAIL', `no interface has the address ${via}`, { syscall: 'setsockopt' });
}

function change(fd: number, group: string, index: number, what: 'join' | 'leave'): void {
  const family: Family = endpointOf(group, 0).family === 'ipv6' ? 'ipv6' : 'ipv4';
  try {
    if (family === 'ipv4') {
      setsockopt(
        fd,
        IPPROTO_IP,
        what === 'join' ? IP_ADD_MEMBERSHIP : IP_DROP_MEMBERSHIP,
        ipMreqn(group, index),
      );
    } else {
      setsockopt(
        fd,
        IPPROTO_IPV6,
        what === 'join' ? IPV6_JOIN_GROUP : IPV6_LEAVE_GROUP,
        ipv6Mreq(group, index),
      );
    }
  } catch (error) {
    const { code, message, details } = SocketError.fromSystem(error);
    throw new SocketError(code, message, { ...details, address: group, field: 'group' });
  }
}

/** struct ip_mreqn: group, address of the interface (0), its index. */
function ipMreqn(group: string, index: number): Buffer {
  const bytes = Buffer.alloc(12);
  bytes.set(group.split('.').map(Number), 0);
  bytes.writeInt32LE(index, 8);
  return bytes;
}

/** struct ipv6_mreq: group, index of the interface. */
function ipv6Mreq(group: string, index: number): Buffer {
  const bytes = Buffer.alloc(20);
  bytes.set(addressBytes(group) ?? [], 0);
  bytes.writeUInt32LE(index, 16);
  return bytes;
}
