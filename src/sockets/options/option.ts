import type { Protocol } from '../socket.js';
import type { ValueType } from './value-types.js';

/** The level of an option: which part of the kernel it is for, and where it is described. */
export interface OptionLevel {
  readonly name: string;
  readonly number: number;
  readonly manPage: string;
}

/** `before-bind`, `before-connect`: the kernel may take it later, and it has no effect then. */
export const SETTABLE = ['any-time', 'before-bind', 'before-connect', 'never'] as const;
export type Settable = (typeof SETTABLE)[number];

export const UNITS = ['bytes', 'milliseconds', 'seconds', 'bytes-per-second', 'hops', 'packets'] as const;
export type Unit = (typeof UNITS)[number];

/** One row of the catalogue. */
export interface SocketOption {
  readonly name: string;
  readonly level: OptionLevel;
  readonly number: number;
  readonly type: ValueType;
  /** What a number counts; null where it is a code, or no number. */
  readonly unit: Unit | null;
  readonly settable: Settable;
  /** Where it means something. Others may still be asked: the kernel answers. */
  readonly protocols: readonly Protocol[];
  readonly does: string;
}

export const TCP: readonly Protocol[] = ['tcp', 'tls'];
export const UDP: readonly Protocol[] = ['udp'];
export const UNIX: readonly Protocol[] = ['unix', 'unix-datagram', 'unix-seqpacket'];
export const INTERNET: readonly Protocol[] = [...TCP, ...UDP, 'icmp'];
export const EVERY: readonly Protocol[] = [...INTERNET, ...UNIX];

type Row = Pick<SocketOption, 'name' | 'number' | 'type' | 'protocols' | 'does'> &
  Partial<Pick<SocketOption, 'unit' | 'settable'>>;

export function rows(level: OptionLevel, given: readonly Row[]): readonly SocketOption[] {
  return given.map((row) => ({ level, unit: null, settable: 'any-time', ...row }));
}
