/**
 * The binary message of the stream protocol, big endian, both ways:
 *
 *   0      type: 1 bytes of a stream, 2 datagrams
 *   1-3    flags and reserved, 0
 *   4-7    channel
 *   8-15   offset of the first byte, sequence number of the first datagram; 0 from the client
 *   16-    the bytes; of datagrams one record after the other (datagram.ts)
 */
export const FRAME_HEADER_BYTES = 16;
export const STREAM_FRAME = 1;
export const DATAGRAM_FRAME = 2;

export type FrameType = typeof STREAM_FRAME | typeof DATAGRAM_FRAME;

/** Bytes in memory that `WebSocket.send` takes. */
export type Bytes = Uint8Array<ArrayBuffer>;

export interface Frame {
  type: number;
  channel: number;
  offset: number;
  payload: Bytes;
}

const TWO_TO_32 = 2 ** 32;

/** A frame for the service. The payload is copied: the caller may change it as soon as this returns. */
export function encodeFrame(type: FrameType, channel: number, payload: Uint8Array): Bytes {
  const frame = new Uint8Array(FRAME_HEADER_BYTES + payload.length);
  frame[0] = type;
  new DataView(frame.buffer).setUint32(4, channel);
  frame.set(payload, FRAME_HEADER_BYTES);
  return frame;
}

/** A frame of the service; null when it is shorter than its header. The payload is not copied. */
export function decodeFrame(data: ArrayBuffer): Frame | null {
  if (data.byteLength < FRAME_HEADER_BYTES) return null;
  const view = new DataView(data);
  return {
    type: view.getUint8(0),
    channel: view.getUint32(4),
    offset: view.getUint32(8) * TWO_TO_32 + view.getUint32(12),
    payload: new Uint8Array(data, FRAME_HEADER_BYTES),
  };
}
