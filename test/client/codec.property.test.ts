import fc from 'fast-check';
import { addressBytes, addressText } from '../../clients/typescript/src/address.js';
import { decodeRecords, encodeRecord } from '../../clients/typescript/src/datagram.js';
import { decodeFrame, encodeFrame, FRAME_HEADER_BYTES } from '../../clients/typescript/src/frame.js';
import { readClientFrame, writeFrameHeader } from '../../src/modules/stream/wire/frame.js';
import { addressBytes as engineBytes, readRecord, RECORD_HEADER_BYTES } from '../../src/sockets/index.js';

/* The client's codec against that of the service. */

const channel = fc.integer({ min: 0, max: 0xffffffff });
const type = fc.constantFrom(1 as const, 2 as const);
const payload = fc.uint8Array({ maxLength: 300 });
const port = fc.integer({ min: 0, max: 65_535 });
/** To the engine every address is one of IPv6. */
function asIpv6(bytes: Uint8Array | null): number[] | null {
  if (bytes?.length !== 4) return bytes && [...bytes];
  return [...Buffer.alloc(10), 0xff, 0xff, ...bytes];
}

function bytesByEngine(text: string): number[] | null {
  const bytes = engineBytes(text);
  return bytes && [...bytes];
}

const ip = fc.oneof(fc.ipV4(), fc.ipV6());

test('the service reads what the client writes', () => {
  fc.assert(
    fc.property(type, channel, payload, (kind, number, bytes) => {
      const frame = readClientFrame(Buffer.from(encodeFrame(kind, number, bytes)));
      expect(frame).toEqual({ type: kind, channel: number, payload: Buffer.from(bytes) });
    }),
  );
});

test('the client reads what the service writes, up to the largest exact offset', () => {
  fc.assert(
    fc.property(type, channel, fc.maxSafeNat(), payload, (kind, number, offset, bytes) => {
      const written = Buffer.alloc(FRAME_HEADER_BYTES);
      writeFrameHeader(written, 0, kind, number, offset);
      const { buffer } = Uint8Array.from([...written, ...bytes]);
      expect(decodeFrame(buffer)).toEqual({ type: kind, channel: number, offset, payload: bytes });
    }),
  );
  expect(decodeFrame(new ArrayBuffer(FRAME_HEADER_BYTES - 1))).toBeNull();
});

test('the service reads the records that the client writes, to an address, a path or nobody', () => {
  fc.assert(
    fc.property(
      payload,
      ip,
      port,
      fc.string({ unit: 'grapheme', maxLength: 20 }),
      (bytes, address, to, path) => {
        const internet = readRecord(Buffer.from(encodeRecord(bytes, { address, port: to })!), 0)!;
        expect(internet).toMatchObject({ port: to, timeMicros: 0, payload: Buffer.from(bytes) });
        expect(asIpv6(internet.address)).toEqual(bytesByEngine(address));
        const unix = readRecord(Buffer.from(encodeRecord(bytes, { path })!), 0)!;
        expect(unix.address.toString()).toBe(path);
        expect(readRecord(Buffer.from(encodeRecord(bytes)!), 0)!.address).toHaveLength(0);
      },
    ),
  );
  expect(encodeRecord(new Uint8Array(), { host: 'name.test', port: 1 })).toBeNull();
  expect(encodeRecord(new Uint8Array(), { address: 'fe80::1%lo', port: 1 })).toBeNull();
});

test('the client reads records one behind the other, numbered from the first', () => {
  const record = fc.record({ bytes: payload, time: fc.maxSafeNat(), from: ip, port });
  fc.assert(
    fc.property(fc.array(record), fc.nat(), (records, first) => {
      const written = records.flatMap(({ bytes, time, from, port: of }) => {
        const one = Buffer.from(encodeRecord(bytes, { address: from, port: of })!);
        one.writeBigUInt64BE(BigInt(time), 4);
        return [...one];
      });
      const read = decodeRecords(Uint8Array.from(written), first, false);
      expect(read).toHaveLength(records.length);
      read.forEach((datagram, index) => {
        const { bytes, time, from, port: of } = records[index]!;
        expect(datagram).toMatchObject({ sequence: first + index, timeMicros: time, bytes, hops: 0 });
        expect(datagram.from).toEqual({ address: addressText(addressBytes(from)!), port: of });
      });
    }),
  );
});

test('what is cut short, or no record at all, gives whole datagrams only and never throws', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 80 }), fc.boolean(), (bytes, isUnix) => {
      const total = decodeRecords(bytes, 0, isUnix).reduce(
        (size, { bytes: part }) => size + RECORD_HEADER_BYTES + part.length,
        0,
      );
      expect(total).toBeLessThanOrEqual(bytes.length);
    }),
  );
});

test('addresses are read as the service reads them, and written so that it reads the same', () => {
  fc.assert(
    fc.property(fc.oneof(ip, fc.string({ unit: fc.constantFrom(...'0123456789abcdefg:.') })), (text) => {
      const bytes = addressBytes(text);
      expect(asIpv6(bytes)).toEqual(bytesByEngine(text));
      if (bytes === null) return;
      expect(bytesByEngine(addressText(bytes))).toEqual(asIpv6(bytes));
      expect(addressBytes(addressText(bytes))).toEqual(bytes);
    }),
  );
  const spelled = ['::', '::1', '1::', '2001:db8::1:0:0:1', '1:0:2:3:4:5:6:7', '::ffff:1.2.3.4'];
  expect(spelled.map((text) => addressText(addressBytes(text)!))).toEqual(spelled);
});
