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
  private readonly headers;
  private readonly current: ArenaDatagram;

  constructor(
    readonly count: number,
    private readonly datagramBytes: number,
  ) {
    this.bytes = lastingMemory(count * datagramBytes);
    this.names = lastingMemory(count * NAME_BYTES);
    this.controls = lastingMemory(count * CONTROL_BYTES);
    const vectors = lastingMemory(count * IOVEC_BYTES);
    this.headers = lastingMemory(count * HEADER_BYTES);
    const headers = this.headers.view;
    for (let i = 0; i < count; i += 1) {
      vectors.view.setBigUint64(i * IOVEC_BYTES, this.bytes.address + BigInt(i * datagramBytes), true);
      vectors.view.setBigUint64(i * IOVEC_BYTES + 8, BigInt(datagramBytes), true);
      const at = i * HEADER_BYTES;
      headers.setBigUint64(at, this.names.address + BigInt(i * NAME_BYTES), true);
      headers.setBigUint64(at + 16, vectors.address + BigInt(i * IOVEC_BYTES), true);
      headers.setBigUint64(at + 24, 1n, true);
      headers.setBigUint64(at + 32, this.controls.address + BigInt(i * CONTROL_BYTES), true);
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
    const received = libc.recvmmsg(fd, this.headers.memory, this.count, MSG_DONTWAIT, null);
    if (received >= 0) return received;
    const error = errno();
    if (error === EAGAIN) return 0;
    throw SocketError.fromErrno(error, 'recv');
  }

  /** Datagram `i` of the last `receive`; once each, since it makes the place ready for the next one. */
  datagram(i: number): ArenaDatagram {
    const { current } = this;
    const headers = this.headers.view;
    const at = i * HEADER_BYTES;
    current.start = i * this.datagramBytes;
    current.end = current.start + headers.getUint32(at + LENGTH_AT, true);
    current.isCut = (headers.getUint32(at + FLAGS_AT, true) & MSG_TRUNC) !== 0;
    this.readName(i * NAME_BYTES, headers.getUint32(at + NAME_LENGTH_AT, true));
    this.readControls(i * CONTROL_BYTES, headers.getUint32(at + CONTROL_LENGTH_AT, true));
    this.expectNext(i);
    return current;
  }

  private expectNext(i: number): void {
    this.headers.view.setUint32(i * HEADER_BYTES + NAME_LENGTH_AT, NAME_BYTES, true);
    this.headers.view.setUint32(i * HEADER_BYTES + CONTROL_LENGTH_AT, CONTROL_BYTES, true);
  }

  /** Where in a sockaddr the address is; an IPv4 one in its mapped form is shown as what it is. */
  private readName(at: number, length: number): void {
    const { current } = this;
    const { memory, view: names } = this.names;
    const family = length < 2 ? 0 : names.getUint16(at, true);
    current.port = family === AF.ipv4 || family === AF.ipv6 ? names.getUint16(at + 2) : 0;
    if (family === AF.ipv4) {
      current.nameStart = at + 4;
      current.nameEnd = at + 8;
    } else if (family === AF.ipv6) {
      const mapped =
        names.getUint32(at + 8) === 0 &&
        names.getUint32(at + 12) === 0 &&
        names.getUint32(at + 16) === 0xffff;
      current.nameStart = mapped ? at + 20 : at + 8;
      current.nameEnd = at + 24;
    } else {
      current.nameStart = Math.min(at + 2, at + length);
      current.nameEnd = at + length;
      if (length > 3 && memory[current.nameStart] !== 0 && memory[current.nameEnd - 1] === 0)
        current.nameEnd -= 1;
    }
  }

  /** cmsg(3): the time of receipt, and how many datagrams the kernel had dropped before. */
  private readControls(start: number, length: number): void {
    const { current } = this;
    const { view } = this.controls;
    current.timeMicros = 0;
    current.kernelDrops = 0;
    current.hops = 0;
    for (let at = start; at + 16 <= start + length;) {
      const size = view.getUint32(at, true);
      const level = view.getInt32(at + 8, true);
      const type = view.getInt32(at + 12, true);
      if (level !== SOL_SOCKET) {
        current.hops = isHops(level, type) ? view.getUint32(at + 16, true) & 0xff : current.hops;
      } else if (type === SCM_TIMESTAMP) {
        const seconds = view.getUint32(at + 16, true) + view.getUint32(at + 20, true) * 2 ** 32;
        current.timeMicros = seconds * 1e6 + view.getUint32(at + 24, true);
      } else if (type === SO_RXQ_OVFL) {
        current.kernelDrops = view.getUint32(at + 16, true);
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
