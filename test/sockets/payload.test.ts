import fc from 'fast-check';
import { decode, encode } from '../../src/sockets/payload.js';

describe('text as bytes', () => {
  test('is what the encoding says', () => {
    expect(encode('é', 'utf8')).toEqual(Buffer.from([0xc3, 0xa9]));
    expect(encode('é', 'latin1')).toEqual(Buffer.from([0xe9]));
    expect(encode('00fF', 'hex')).toEqual(Buffer.from([0, 255]));
    expect(encode('AP8=', 'base64')).toEqual(Buffer.from([0, 255]));
  });

  test.each([
    ['\ud800', 'utf8'],
    ['€', 'latin1'],
    ['0', 'hex'],
    ['zz', 'hex'],
    ['a b=', 'base64'],
    ['A', 'base64'],
    ['AP8=AP8=', 'base64'],
  ] as const)('that cannot be carried is refused, not replaced: %j as %s', (data, encoding) => {
    expect(() => encode(data, encoding)).toThrow(expect.objectContaining({ code: 'PAYLOAD_INVALID' }));
  });

  test('comes back from hex, base64 and latin1 whatever the bytes are', () => {
    fc.assert(
      fc.property(
        fc.uint8Array(),
        fc.constantFrom('hex' as const, 'base64' as const, 'latin1' as const),
        (raw, encoding) => {
          const bytes = Buffer.from(raw);
          const text = decode(bytes, encoding, true);
          expect(text).toMatchObject({ bytes: bytes.length, lossy: false });
          expect(encode(text.data, encoding)).toEqual(bytes);
        },
      ),
    );
  });
});

describe('UTF-8 that comes in pieces', () => {
  test('is never mangled, wherever it is cut', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme' }), fc.array(fc.nat({ max: 6 })), (text, cuts) => {
        const bytes = Buffer.from(text);
        let rest = Buffer.alloc(0);
        let at = 0;
        let got = '';
        for (const cut of [...cuts, bytes.length]) {
          rest = Buffer.concat([rest, bytes.subarray(at, at + cut)]);
          at = Math.min(bytes.length, at + cut);
          const part = decode(rest, 'utf8', at === bytes.length);
          expect(part.lossy).toBe(false);
          got += part.data;
          rest = rest.subarray(part.bytes);
        }
        expect(got).toBe(text);
      }),
    );
  });

  test('that is not valid is shown as U+FFFD and said to be lossy', () => {
    expect(decode(Buffer.from([0x61, 0xff, 0x62]), 'utf8', false)).toEqual({
      data: 'a\ufffdb',
      bytes: 3,
      lossy: true,
    });
    expect(decode(Buffer.from([0xc3]), 'utf8', false)).toEqual({ data: '', bytes: 0, lossy: false });
    expect(decode(Buffer.from([0xc3]), 'utf8', true)).toEqual({ data: '\ufffd', bytes: 1, lossy: true });
  });

  test('that says U+FFFD itself has lost nothing', () => {
    expect(decode(Buffer.from('\ufffd'), 'utf8', true)).toEqual({ data: '\ufffd', bytes: 3, lossy: false });
  });
});
