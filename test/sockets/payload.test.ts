import fc from 'fast-check';
import {
  decode,
  decodeWithin,
  encode,
  isEncoding,
  isReadableEncoding,
} from '../../src/sockets/text/payload.js';

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

describe('other charsets', () => {
  test.each([
    ['GBK', '中文€', 'd6d0cec480'],
    ['gb-18030', '中😀', 'd6d09439fc36'],
    ['Big5', '漢', 'ba7e'],
    ['Shift_JIS', '日本ｱ', '93fa967bb1'],
    ['EUC-JP', '日本', 'c6fccbdc'],
    ['EUC-KR', '한', 'c7d1'],
    ['windows-1252', '€', '80'],
    ['ISO_8859-15', '€', 'a4'],
    ['KOI8-R', 'Я', 'f1'],
    ['UTF-16LE', 'a😀', '61003dd800de'],
    ['utf-16be', '\ufeffa', 'feff0061'],
    ['UTF-16', 'a', '6100'],
    ['UTF-32', '😀', '00f60100'],
    ['UTF-32BE', '😀', '0001f600'],
    ['CESU-8', '😀', 'eda0bdedb880'],
    ['us-ascii', 'a', '61'],
  ])('%s carries %s both ways, and no byte order mark of its own', (encoding, text, hex) => {
    const bytes = Buffer.from(hex, 'hex');
    expect(encode(text, encoding)).toEqual(bytes);
    expect(decode(bytes, encoding, false)).toEqual({ data: text, bytes: bytes.length, lossy: false });
  });

  test.each([
    ['😀', 'GBK'],
    ['é', 'ascii'],
    ['\ufffd', 'ascii'],
    ['a€b', 'ISO-8859-1'],
    ['\u00a5', 'Shift_JIS'],
    ['\u0e01', 'windows-1252'],
    ['\ud83d', 'GB18030'],
    ['\ude00a', 'UTF-16LE'],
    ['\ud83d', 'UTF-32'],
    ['\ud83d', 'CESU-8'],
    ['\ud83d', 'UTF-7'],
    ['zz', 'HEX'],
    ['A', 'Base-64'],
    ['€', 'binary'],
  ])('what cannot be carried is refused, not replaced: %j as %s', (data, encoding) => {
    expect(() => encode(data, encoding)).toThrow(
      expect.objectContaining({ code: 'PAYLOAD_INVALID', details: { field: 'data' } }),
    );
  });

  test.each([
    ['GBK', 'd6d0ff61', '中\ufffda'],
    ['EUC-JP', '8fa1', '\ufffd\ufffd'],
    ['ascii', '61e9', 'a\ufffd'],
    ['UTF-16LE', '00d86100', '\ufffda'],
    ['UTF-16BE', '006100', 'a\ufffd'],
    ['UTF-32LE', '00d8000000dc0000ffff1100', '\ufffd\ufffd\ufffd'],
    ['UTF-32BE', '0000006100', 'a\ufffd'],
    ['GB18030', '8431a53061', '\ufffda'],
    ['GB18030', 'fe39fe39', '\ufffd'],
    ['GB18030', '8431a4378431', '\ufffd\ufffd1'],
    ['CESU-8', 'f09f9880', '\ufffd\ufffd\ufffd\ufffd'],
    ['CESU-8', 'eda0bd', '\ufffd'],
  ])('bytes that are not valid %s are shown as U+FFFD and said to be lossy: %s', (encoding, hex, data) => {
    const bytes = Buffer.from(hex, 'hex');
    expect(decode(bytes, encoding, true)).toEqual({ data, bytes: bytes.length, lossy: true });
  });

  test.each([
    ['GB18030', '8431a437'],
    ['UTF-16BE', 'fffd'],
    ['UTF-32LE', 'fdff0000'],
    ['CESU-8', 'efbfbd'],
  ])('U+FFFD said in %s has lost nothing', (encoding, hex) => {
    const bytes = Buffer.from(hex, 'hex');
    expect(decode(bytes, encoding, false)).toEqual({ data: '\ufffd', bytes: bytes.length, lossy: false });
  });

  test('UTF-7 can be sent and not read: where a read begins nothing says what the bytes mean', () => {
    expect(encode('a+ü\ufeff', 'UTF-7').toString()).toBe('a+ACsA/P7/-');
    expect([isEncoding('utf-7'), isReadableEncoding('utf-7')]).toEqual([true, false]);
    expect(() => decode(Buffer.from('a'), 'utf-7', true)).toThrow(
      expect.objectContaining({ code: 'PAYLOAD_INVALID', details: { field: 'encoding' } }),
    );
  });

  test.each(['', 'klingon', '_dbcs', '__proto__', 'constructor', 'utf'])('%j is none', (name) => {
    expect([isEncoding(name), isReadableEncoding(name)]).toEqual([false, false]);
    expect(() => encode('a', name)).toThrow(expect.objectContaining({ details: { field: 'encoding' } }));
  });
});

test('a large payload takes no more stack than a small one', () => {
  const bytes = Buffer.alloc(9 * 1024 * 1024, 'x');
  for (const encoding of ['base64', 'hex', 'latin1', 'utf8', 'GBK']) {
    expect(encode(decode(bytes, encoding, true).data, encoding).equals(bytes)).toBe(true);
  }
});

test('a character longer than all that can come at once is shown as U+FFFD, and the next read goes on', () => {
  const euro = Buffer.from('€');
  expect(decodeWithin(2, euro.subarray(0, 2), 'utf8', false)).toEqual({
    data: '\ufffd',
    bytes: 2,
    lossy: true,
  });
  expect(decodeWithin(3, euro.subarray(0, 2), 'utf8', false)).toMatchObject({ bytes: 0 });
  const full = Buffer.from('a€').subarray(0, 3);
  expect(decodeWithin(3, full, 'utf8', false)).toEqual({ data: 'a', bytes: 1, lossy: false });
});
