import { endianness } from 'node:os';
import { notValid } from './address.js';

export type Bits = 16 | 32 | 64;

/** One number in both byte orders. The numbers are exact, whatever the width. */
export interface ByteOrder {
  value: bigint;
  bits: Bits;
  hostEndianness: 'big' | 'little';
  /** htons(3), htonl(3), htobe64(3) of the value. */
  networkOrder: bigint;
  /** ntohs(3), ntohl(3), be64toh(3) of the value: the same swap, or none, on every host there is. */
  hostOrder: bigint;
  /** How the value lies in the memory of this host and on the wire, in hexadecimal. */
  bytes: { host: string; network: string };
}

export function hostEndianness(): 'big' | 'little' {
  return endianness() === 'BE' ? 'big' : 'little';
}

/** Decimal, or hexadecimal with 0x. A leading 0 is refused: it would be octal in C, and decimal elsewhere. */
export function parseUnsigned(text: string, bits: Bits): bigint {
  if (!/^(0|[1-9]\d*|0x[0-9a-f]+)$/i.test(text))
    throw notValid('value', 'must be a whole number from 0, decimal or hexadecimal with 0x');
  const value = BigInt(text);
  if (value >> BigInt(bits) !== 0n)
    throw notValid(
      'value',
      `does not fit into ${String(bits)} bits: ${String((1n << BigInt(bits)) - 1n)} is the most`,
    );
  return value;
}

/** `value` must be 0 to 2^bits - 1. */
export function byteOrder(value: bigint, bits: Bits): ByteOrder {
  const network = value.toString(16).padStart(bits / 4, '0');
  const swapped = (network.match(/../g) ?? []).reverse().join('');
  const little = hostEndianness() === 'little';
  const other = little ? BigInt(`0x${swapped}`) : value;
  return {
    value,
    bits,
    hostEndianness: hostEndianness(),
    networkOrder: other,
    hostOrder: other,
    bytes: { host: little ? swapped : network, network },
  };
}
