import type { Arrival } from '../datagram/datagram-record.js';
import { SocketError } from '../errors.js';
import { errno, lastingMemory, libc } from './libc.js';
import { AF } from './sockaddr.js';

const MSG_DONTWAIT = 0x40;
const MSG_TRUNC = 0x20;
const EAGAIN = 11;

/** sizeof: sockaddr_storage, struct iovec, struct mmsghdr; what the control messages asked for take. */
const NAME_BYTES = 128;
const IOVEC_BYTES = 16;
const HEADER_BYTES = 64;
const CONTROL_BYTES = 192;

/** Offsets in struct mmsghdr. */
const NAME_LENGTH_AT = 8;
const CONTROL_LENGTH_AT = 40;
const FLAGS_AT = 48;
const LENGTH_AT = 56;

const SOL_SOCKET = 1;
const SCM_TIMESTAMP = 29;
const SO_RXQ_OVFL = 40;

/** A datagram in the arena; it is there until the next `receive`. */
export interface ArenaDatagram extends Arrival {
  /** How many the kernel had dropped on this socket before it, modulo 2^32; 0 when it does not say. */
  kernelDrops: number;
  /** It was longer than the arena has room for. */
  isCut: boolean;
  /** The kernel said when it came. The end of a connection, which also has no bytes, never came. */
  isStamped: boolean;
}

/**
 * Memory that recvmmsg(2) fills: so many datagrams of so many bytes at a time. All sockets share it,
 * since what comes is copied out before the next call.
 */
export class DatagramArena {
  private readonly bytes;
  private readonly names;
  private readonly controls;
  private readonly headers: Buffer;
  private readonly current: ArenaDatagram;

  constructor(
    readonly count: number,
    private readonly datagramBytes: number,
  ) {
    this.bytes = lastingMemory(count * datagramBytes);
    this.names = lastingMemory(count * NAME_BYTES);
    this.controls = lastingMemory(count * CONTROL_BYTES);
    const vectors = lastingMemory(count * IOVEC_BYTES);
    this.headers = lastingMemory(count * HEADER_BYTES).memory;
    for (let i = 0; i < count; i += 1) {
      vectors.memory.writeBigUInt64LE(this.bytes.address + BigInt(i * datagramBytes), i * IOVEC_BYTES);
      vectors.memory.writeBigUInt64LE(BigInt(datagramBytes), i * IOVEC_BYTES + 8);
      const at = i * HEADER_BYTES;
      this.headers.writeBigUInt64LE(this.names.address + BigInt(i * NAME_BYTES), at);
      this.headers.writeBigUInt64LE(vectors.address + BigInt(i * IOVEC_BYTES), at + 16);
      this.headers.writeBigUInt64LE(1n, at + 24);
      this.headers.writeBigUInt64LE(this.controls.address + BigInt(i * CONTROL_BYTES), at + 32);
      this.expectNext(i);
    }
    const nowhere = { nameStart: 0, nameEnd: 0, start: 0, end: 0, timeMicros: 0, port: 0, hops: 0 };
    const { memory: names } = this.names;
    this.current = {
      ...nowhere,
      names,
      bytes: this.bytes.memory,
      kernelDrops: 0,
      isCut: false,
      isStamped: false,
    };
  }

  /** recvmmsg(2): how many datagrams came, 0 when there is none now. An error that waited is thrown. */
  receive(fd: number): number {
    const received = libc.recvmmsg(fd, this.headers, this.count, MSG_DONTWAIT, null);
    if (received >= 0) return received;
    const error = errno();
    if (error === EAGAIN) return 0;
    throw SocketError.fromErrno(error, 'recv');
  }

  /** Datagram `i` of the last `receive`; once each, since it makes the place ready for the next one. */
  datagram(i: number): ArenaDatagram {
    const { current, headers } = this;
    const at = i * HEADER_BYTES;
    current.start = i * this.datagramBytes;
    current.end = current.start + headers.readUInt32LE(at + LENGTH_AT);
    current.isCut = (headers.readUInt32LE(at + FLAGS_AT) & MSG_TRUNC) !== 0;
    this.readName(i * NAME_BYTES, headers.readUInt32LE(at + NAME_LENGTH_AT));
    this.readControls(i * CONTROL_BYTES, headers.readUInt32LE(at + CONTROL_LENGTH_AT));
    this.expectNext(i);
    return current;
  }

  private expectNext(i: number): void {
    this.headers.writeUInt32LE(NAME_BYTES, i * HEADER_BYTES + NAME_LENGTH_AT);
    this.headers.writeUInt32LE(CONTROL_BYTES, i * HEADER_BYTES + CONTROL_LENGTH_AT);
  }

  /** Where in a sockaddr the address is; an IPv4 one in its mapped form is shown as what it is. */
  private readName(at: number, length: number): void {
    const { current } = this;
    const { names } = current;
    const family = length < 2 ? 0 : names.readUInt16LE(at);
    current.port = family === AF.ipv4 || family === AF.ipv6 ? names.readUInt16BE(at + 2) : 0;
    if (family === AF.ipv4) {
      current.nameStart = at + 4;
      current.nameEnd = at + 8;
    } else if (family === AF.ipv6) {
      const mapped =
        names.readUInt32BE(at + 8) === 0 &&
        names.readUInt32BE(at + 12) === 0 &&
        names.readUInt32BE(at + 16) === 0xffff;
      current.nameStart = mapped ? at + 20 : at + 8;
      current.nameEnd = at + 24;
    } else {
      current.nameStart = Math.min(at + 2, at + length);
      current.nameEnd = at + length;
      if (length > 3 && names[current.nameStart] !== 0 && names[current.nameEnd - 1] === 0)
        current.nameEnd -= 1;
    }
  }

  /** cmsg(3): the time of receipt, and how many datagrams the kernel had dropped before. */
  private readControls(start: number, length: number): void {
    const { current } = this;
    const { memory } = this.controls;
    current.timeMicros = 0;
    current.kernelDrops = 0;
    current.hops = 0;
    for (let at = start; at + 16 <= start + length;) {
      const size = memory.readUInt32LE(at);
      const level = memory.readInt32LE(at + 8);
      const type = memory.readInt32LE(at + 12);
      if (level !== SOL_SOCKET) {
        current.hops = isHops(level, type) ? memory.readUInt32LE(at + 16) & 0xff : current.hops;
      } else if (type === SCM_TIMESTAMP) {
        const seconds = memory.readUInt32LE(at + 16) + memory.readUInt32LE(at + 20) * 2 ** 32;
        current.timeMicros = seconds * 1e6 + memory.readUInt32LE(at + 24);
      } else if (type === SO_RXQ_OVFL) {
        current.kernelDrops = memory.readUInt32LE(at + 16);
      }
      at += Math.max(16, (size + 7) & ~7);
    }
    current.isStamped = current.timeMicros !== 0;
    if (!current.isStamped) current.timeMicros = Date.now() * 1000;
  }
}

/** IP_TTL of ip(7), IPV6_HOPLIMIT of ipv6(7), for who has asked for them. */
function isHops(level: number, type: number): boolean {
  return (level === 0 && type === 2) || (level === 41 && type === 52);
}
