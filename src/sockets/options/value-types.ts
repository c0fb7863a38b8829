import { isIPv4 } from 'node:net';
import { SocketError } from '../errors.js';
import { interfaceIndex, interfaceName } from '../native/sockaddr.js';

/** SO_LINGER: what close(2) does about bytes not yet acknowledged; 0 seconds: a reset. */
export interface Linger {
  onoff: boolean;
  seconds: number;
}

/** SO_PEERCRED: who was at the other end of a Unix socket when it connected; unix(7). */
export interface Credentials {
  pid: number;
  uid: number;
  gid: number;
}

export type OptionValue = boolean | number | string | Linger | Credentials;

/** How a value lies in memory for getsockopt(2) and setsockopt(2), and how it stands in JSON. */
export interface ValueType {
  readonly name: string;
  /** What a message says of a value that is none. */
  readonly expects: string;
  /** Room for what the kernel writes. */
  readonly bytes: number;
  decode(bytes: Buffer): OptionValue;
  /** null: not a value of this type. Whether the kernel likes it is for the kernel to say. */
  encode(value: unknown): Buffer | null;
}

const MAX_INT = 2 ** 31 - 1;
const MAX_UINT = 2 ** 32 - 1;
const MAX_SECONDS = 2 ** 31 - 1;

function ints(...values: number[]): Buffer {
  const bytes = Buffer.alloc(values.length * 4);
  values.forEach((value, index) => bytes.writeUInt32LE(value >>> 0, index * 4));
  return bytes;
}

function isInteger(value: unknown, min: number, max: number): value is number {
  return Number.isInteger(value) && (value as number) >= min && (value as number) <= max;
}

/** On or off; in C an int, so 0 and 1 are taken as well. */
function switchOf(value: unknown): 0 | 1 | null {
  if (value === true || value === 1) return 1;
  return value === false || value === 0 ? 0 : null;
}

export const FLAG: ValueType = {
  name: 'flag',
  expects: 'true or false',
  bytes: 4,
  decode: (bytes) => bytes.readInt32LE(0) !== 0,
  encode: (value) => {
    const given = switchOf(value);
    return given === null ? null : ints(given);
  },
};

export const INT: ValueType = {
  name: 'int',
  expects: 'an integer of 32 bits',
  bytes: 4,
  decode: (bytes) => bytes.readInt32LE(0),
  encode: (value) => (isInteger(value, -MAX_INT - 1, MAX_INT) ? ints(value) : null),
};

export const UNSIGNED: ValueType = {
  name: 'unsigned',
  expects: 'an integer from 0 to 4294967295',
  bytes: 4,
  decode: (bytes) => bytes.readUInt32LE(0),
  encode: (value) => (isInteger(value, 0, MAX_UINT) ? ints(value) : null),
};

/** struct linger. */
export const LINGER: ValueType = {
  name: 'linger',
  expects: '{"onoff": true or false, "seconds": an integer}',
  bytes: 8,
  decode: (bytes) => ({ onoff: bytes.readInt32LE(0) !== 0, seconds: bytes.readInt32LE(4) }),
  encode: (value) => {
    if (typeof value !== 'object' || value === null) return null;
    const { onoff, seconds, ...others } = value as Record<string, unknown>;
    const on = switchOf(onoff);
    if (on === null || !isInteger(seconds, 0, MAX_SECONDS) || Object.keys(others).length > 0) return null;
    return ints(on, seconds);
  },
};

/** struct timeval, shown in milliseconds; the kernel rounds to its clock tick. */
export const TIMEVAL: ValueType = {
  name: 'timeval',
  expects: 'an integer: milliseconds',
  bytes: 16,
  decode: (bytes) => Number(bytes.readBigInt64LE(0)) * 1000 + Number(bytes.readBigInt64LE(8)) / 1000,
  encode: (value) => {
    if (!isInteger(value, -MAX_SECONDS, MAX_SECONDS)) return null;
    const bytes = Buffer.alloc(16);
    bytes.writeBigInt64LE(BigInt(Math.trunc(value / 1000)), 0);
    bytes.writeBigInt64LE(BigInt((value % 1000) * 1000), 8);
    return bytes;
  },
};

/** A name that the kernel knows, of at most 15 characters. */
export const NAME: ValueType = {
  name: 'name',
  expects: 'a name of at most 15 letters, digits, hyphens and underscores',
  bytes: 16,
  decode: (bytes) => bytes.toString('latin1').split('\0')[0] ?? '',
  encode: (value) =>
    typeof value === 'string' && /^[A-Za-z0-9_-]{1,15}$/.test(value) ? Buffer.from(value) : null,
};

/** struct ucred; the kernel gives it and takes none. */
export const CREDENTIALS: ValueType = {
  name: 'credentials',
  expects: 'nothing: it is read only',
  bytes: 12,
  decode: (bytes) => ({
    pid: bytes.readInt32LE(0),
    uid: bytes.readInt32LE(4),
    gid: bytes.readInt32LE(8),
  }),
  encode: () => null,
};

/** struct ip_mreqn where it is set, in_addr where it is read; ip(7). */
export const IPV4_INTERFACE: ValueType = {
  name: 'interface',
  expects: 'an IPv4 address of an interface, or its name',
  bytes: 4,
  decode: (bytes) => bytes.subarray(0, 4).join('.'),
  encode: (value) => {
    if (typeof value !== 'string') return null;
    const request = Buffer.alloc(12);
    if (isIPv4(value)) request.set(value.split('.').map(Number), 4);
    else {
      const index = indexOf(value);
      if (index === null) return null;
      request.writeUInt32LE(index, 8);
    }
    return request;
  },
};

/** The index of an interface, shown by its name; none: ''. */
export const IPV6_INTERFACE: ValueType = {
  name: 'interface',
  expects: 'the name of an interface, or "" for none',
  bytes: 4,
  decode: (bytes) => (bytes.readInt32LE(0) === 0 ? '' : interfaceName(bytes.readInt32LE(0))),
  encode: (value) => {
    if (typeof value !== 'string') return null;
    const index = value === '' ? 0 : indexOf(value);
    return index === null ? null : ints(index);
  },
};

function indexOf(name: string): number | null {
  try {
    return interfaceIndex(name);
  } catch (error) {
    if (error instanceof SocketError) return null;
    throw error;
  }
}
