import { randomInt } from 'node:crypto';
import { SocketError } from '../errors.js';
import type { ArenaDatagram } from '../native/datagram-arena.js';
import { realtimeMicros } from '../native/libc.js';
import { setsockopt, socket } from '../native/syscalls.js';

const HEADER_BYTES = 8;
const REQUEST_TYPE = { ipv4: 8, ipv6: 128 } as const;
const REPLY_TYPE = { ipv4: 0, ipv6: 129 } as const;
const PROTOCOL = { ipv4: 1, ipv6: 58 } as const;

const IPPROTO_IP = 0;
const IP_RECVTTL = 12;
const IPPROTO_IPV6 = 41;
const IPV6_RECVHOPLIMIT = 51;
/** raw(7): which types are let through; a set bit keeps one out. */
const SOL_RAW = 255;
const ICMP_FILTER = 1;
const ICMPV6_FILTER = 1;

/** How a datagram of an ICMP socket answers: RFC 792, RFC 4443. */
export interface EchoReply {
  icmpSequence: number;
  /** TTL or hop limit that it arrived with. */
  ttl: number;
  /** null when no request of that number was sent here. */
  rttMs: number | null;
}

/**
 * Echo requests, and the replies to them: identifier and sequence numbers are ours. Needs CAP_NET_RAW
 * for a raw socket, or a group in net.ipv4.ping_group_range for a ping socket, icmp(7).
 */
export class IcmpEcho {
  private readonly identifier: number;
  private readonly sentAt = new Map<number, number>();
  private last = 0;
  private startedAt = 0;

  private constructor(
    readonly fd: number,
    private readonly family: 'ipv4' | 'ipv6',
    private readonly raw: boolean,
  ) {
    this.identifier = randomInt(1, 0x1_0000);
  }

  /** EPERM where neither kind of socket is allowed. */
  static open(family: 'ipv4' | 'ipv6'): IcmpEcho {
    try {
      const echo = new IcmpEcho(socket(family, 'raw', PROTOCOL[family]), family, true);
      echo.filterReplies();
      return echo.withHops();
    } catch (error) {
      if (!(error instanceof SocketError) || error.code !== 'EPERM') throw error;
      return openPing(family, error, (fd) => new IcmpEcho(fd, family, false)).withHops();
    }
  }

  /** The packet of the next request. It counts once `sent` is called. */
  request(payload: Buffer): Buffer {
    // Before the call: over the loopback the reply is there when send(2) returns.
    this.startedAt = realtimeMicros();
    const packet = Buffer.alloc(HEADER_BYTES + payload.length);
    packet[0] = REQUEST_TYPE[this.family];
    packet.writeUInt16BE(this.identifier, 4);
    packet.writeUInt16BE((this.last + 1) & 0xffff, 6);
    payload.copy(packet, HEADER_BYTES);
    // The kernel writes the sum of ICMPv6, and that of a ping socket.
    if (this.raw && this.family === 'ipv4') packet.writeUInt16BE(checksum(packet), 2);
    return packet;
  }

  sent(): void {
    this.last = (this.last + 1) & 0xffff;
    this.sentAt.set(this.last, this.startedAt);
  }

  /** Whether a packet is a reply to this socket. If so, the datagram is then the reply's payload. */
  isReply(datagram: ArenaDatagram): boolean {
    const { bytes } = datagram;
    let at = datagram.start;
    if (this.raw && this.family === 'ipv4') {
      // A raw IPv4 socket gets the header of IP, too.
      datagram.hops = bytes[at + 8] ?? 0;
      at += ((bytes[at] ?? 0) & 0xf) * 4;
    }
    if (datagram.end - at < HEADER_BYTES || bytes[at] !== REPLY_TYPE[this.family]) return false;
    if (this.raw && bytes.readUInt16BE(at + 4) !== this.identifier) return false;
    datagram.port = bytes.readUInt16BE(at + 6);
    datagram.start = at + HEADER_BYTES;
    return true;
  }

  /** What a record of the log says: its port is the sequence number. */
  describe({ port, hops, timeMicros }: { port: number; hops: number; timeMicros: number }): EchoReply {
    const sentAt = this.sentAt.get(port);
    const rttMs = sentAt === undefined ? null : Math.max(0, timeMicros - sentAt) / 1000;
    return { icmpSequence: port, ttl: hops, rttMs };
  }

  private withHops(): this {
    if (this.family === 'ipv4') setsockopt(this.fd, IPPROTO_IP, IP_RECVTTL, 1);
    else setsockopt(this.fd, IPPROTO_IPV6, IPV6_RECVHOPLIMIT, 1);
    return this;
  }

  /** A raw socket would get all of ICMP. */
  private filterReplies(): void {
    const type = REPLY_TYPE[this.family];
    const filter = Buffer.alloc(this.family === 'ipv4' ? 4 : 32, 0xff);
    const word = (type >>> 5) * 4;
    filter.writeUInt32LE((filter.readUInt32LE(word) & ~(1 << (type & 31))) >>> 0, word);
    if (this.family === 'ipv4') setsockopt(this.fd, SOL_RAW, ICMP_FILTER, filter);
    else setsockopt(this.fd, PROTOCOL.ipv6, ICMPV6_FILTER, filter);
  }
}

/** Where raw sockets are not allowed, a ping socket may be; where it is not either, the first error counts. */
function openPing(family: 'ipv4' | 'ipv6', refusal: SocketError, made: (fd: number) => IcmpEcho): IcmpEcho {
  try {
    return made(socket(family, 'datagram', PROTOCOL[family]));
  } catch {
    throw refusal;
  }
}

/** RFC 1071. */
function checksum(packet: Buffer): number {
  let sum = 0;
  for (let at = 0; at + 1 < packet.length; at += 2) sum += packet.readUInt16BE(at);
  if (packet.length % 2 === 1) sum += (packet[packet.length - 1] ?? 0) << 8;
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16);
  return ~sum & 0xffff;
}
