/*
 * Numbers in network byte order, for paths that some hundred thousand messages a second take: a Buffer's own
 * methods check what is known there, and take twenty times as long.
 */

/** The 16 bits at `at`, which must be there. */
export function getUint16(from: Uint8Array, at: number): number {
  return ((from[at] as number) << 8) | (from[at + 1] as number);
}

/** The 32 bits at `at`, which must be there. */
export function getUint32(from: Uint8Array, at: number): number {
  return ((getUint16(from, at) << 16) | getUint16(from, at + 2)) >>> 0;
}

/** Writes the low 16 bits of `value`; there must be room. */
export function putUint16(into: Uint8Array, at: number, value: number): void {
  into[at] = value >>> 8;
  into[at + 1] = value;
}

/** Writes the low 32 bits of `value`; there must be room. */
export function putUint32(into: Uint8Array, at: number, value: number): void {
  putUint16(into, at, value >>> 16);
  putUint16(into, at + 2, value);
}
