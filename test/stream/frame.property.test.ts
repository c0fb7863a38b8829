import fc from 'fast-check';
import {
  FRAME_HEADER_BYTES,
  readClientFrame,
  writeFrameHeader,
} from '../../src/modules/stream/wire/frame.js';

const type = fc.constantFrom(1 as const, 2 as const);
const channel = fc.integer({ min: 0, max: 0xffffffff });

test('a header says its type, its channel and its offset, up to the largest exact number', () => {
  fc.assert(
    fc.property(type, channel, fc.maxSafeNat(), fc.nat({ max: 40 }), (kind, number, offset, at) => {
      const buffer = Buffer.alloc(at + FRAME_HEADER_BYTES, 0xee);
      writeFrameHeader(buffer, at, kind, number, offset);
      expect([...buffer.subarray(at, at + 4)]).toEqual([kind, 0, 0, 0]);
      expect(buffer.readUInt32BE(at + 4)).toBe(number);
      expect(buffer.readBigUInt64BE(at + 8)).toBe(BigInt(offset));
    }),
  );
});

test('a frame from a client gives its type, its channel and its bytes back', () => {
  fc.assert(
    fc.property(type, channel, fc.uint8Array(), (kind, number, payload) => {
      const header = Buffer.alloc(FRAME_HEADER_BYTES);
      writeFrameHeader(header, 0, kind, number, 0);
      const frame = readClientFrame(Buffer.concat([header, payload]));
      expect(frame).toEqual({ type: kind, channel: number, payload: Buffer.from(payload) });
    }),
  );
});

test('anything else is refused in words and never throws', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 40 }), (bytes) => {
      const frame = readClientFrame(Buffer.from(bytes));
      const valid =
        bytes.length >= FRAME_HEADER_BYTES &&
        (bytes[0] === 1 || bytes[0] === 2) &&
        bytes.slice(1, 4).every((b) => b === 0) &&
        bytes.slice(8, 16).every((b) => b === 0);
      expect(typeof frame === 'string').toBe(!valid);
    }),
  );
  expect(readClientFrame(Buffer.alloc(15))).toMatch(/header of 16 bytes/);
});
