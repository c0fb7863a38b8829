import { getUint16, getUint32, putUint32 } from '../../../sockets/index.js';

/**
 * The binary frame of the stream protocol, big endian, both ways:
 *
 *   0      type: 1 bytes of a stream, 2 datagrams
 *   1      flags, 0
 *   2-3    reserved, 0
 *   4-7    channel
 *   8-15   offset of the first byte, sequence number of the first datagram; 0 from the client
 *   16-    the bytes; of datagrams one record after the other (datagram-record.ts of the engine)
 */
export const FRAME_HEADER_BYTES = 16;
export const FRAME_TYPE_STREAM = 1;
export const FRAME_TYPE_DATAGRAMS = 2;

export type FrameType = typeof FRAME_TYPE_STREAM | typeof FRAME_TYPE_DATAGRAMS;

export interface ClientFrame {
  type: FrameType;
  channel: number;
  payload: Buffer;
}

const TWO_TO_32 = 2 ** 32;

/** Writes a header at `at`. Offsets are exact up to 2^53 - 1. */
export function writeFrameHeader(
  into: Buffer,
  at: number,
  type: FrameType,
  channel: number,
  offset: number,
): void {
  into[at] = type;
  into[at + 1] = 0;
  into[at + 2] = 0;
  into[at + 3] = 0;
  putUint32(into, at + 4, channel);
  putUint32(into, at + 8, Math.floor(offset / TWO_TO_32));
  putUint32(into, at + 12, offset % TWO_TO_32);
}

/** A frame from a client, or in words what is wrong with it. The payload is not copied. */
export function readClientFrame(data: Buffer): ClientFrame | string {
  if (data.length < FRAME_HEADER_BYTES) {
    return `a frame has a header of ${String(FRAME_HEADER_BYTES)} bytes, this one has ${String(data.length)}`;
  }
  const type = data[0];
  if (type !== FRAME_TYPE_STREAM && type !== FRAME_TYPE_DATAGRAMS)
    return `frame type ${String(type)} is not known; 1 is stream bytes, 2 datagrams`;
  if (data[1] !== 0 || getUint16(data, 2) !== 0) return 'flags and reserved bytes must be 0';
  if (getUint32(data, 8) !== 0 || getUint32(data, 12) !== 0)
    return 'the offset must be 0 in frames from the client';
  return { type, channel: getUint32(data, 4), payload: data.subarray(FRAME_HEADER_BYTES) };
}
