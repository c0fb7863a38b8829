import type { Address } from './address.js';
import { asIpv4 } from './address-text.js';

export const EMBEDDED_KINDS = ['ipv4-mapped', 'ipv4-compatible', '6to4', 'nat64', 'teredo'] as const;

/** The IPv4 address that an IPv6 address carries in it. */
export interface Embedded {
  kind: (typeof EMBEDDED_KINDS)[number];
  address: Address;
  /** Teredo only: the server's address, and the port that the NAT gave the client. */
  server: Address | null;
  port: number | null;
}

/** RFC 4291 (2.5.5), RFC 3056 (2), RFC 6052 (2.1, the well-known prefix), RFC 4380 (4). Null where there is none. */
export function embeddedIn({ family, value }: Address): Embedded | null {
  if (family === 'ipv4') return null;
  const plain = (kind: Embedded['kind'], shift: bigint): Embedded => ({
    kind,
    address: asIpv4(value >> shift),
    server: null,
    port: null,
  });
  const upper = value >> 32n;
  if (upper === 0xffffn) return plain('ipv4-mapped', 0n);
  if (upper === 0n && value > 0xffffn) return plain('ipv4-compatible', 0n);
  if (upper === 0x64_ff9b_0000_0000_0000_0000n) return plain('nat64', 0n);
  if (value >> 112n === 0x2002n) return plain('6to4', 80n);
  return value >> 96n === 0x2001_0000n ? teredo(value) : null;
}

/** The client's address and port are inverted, so that no NAT on the way rewrites them. */
function teredo(value: bigint): Embedded {
  return {
    kind: 'teredo',
    address: asIpv4(~value),
    server: asIpv4(value >> 64n),
    port: Number(BigInt.asUintN(16, ~value >> 32n)),
  };
}
