import fc from 'fast-check';
import iconv from 'iconv-lite';
import { decode, encode, isEncoding, isReadableEncoding } from '../../src/sockets/text/payload.js';

const UNICODE = ['utf8', 'UTF-16LE', 'UTF-16BE', 'UTF-32LE', 'UTF-32BE', 'CESU-8', 'GB18030'];
const TABLES = [
  ...['GBK', 'GB2312', 'Big5', 'CP950', 'Shift_JIS', 'EUC-JP', 'EUC-KR'],
  ...['ASCII', 'ISO-8859-5', 'windows-1251', 'windows-1252', 'KOI8-R', 'CP437', 'TCVN'],
];

interface Pieces {
  text: string;
  bytes: number;
  lossy: boolean;
}

/** Reads as a client does that gets the stream in pieces: what a read leaves comes again in front of the next. */
function readInPieces(stream: Buffer, encoding: string, cuts: number[]): Pieces {
  const got: Pieces = { text: '', bytes: 0, lossy: false };
  const heads = [...cuts.map((cut) => cut % (stream.length + 1)).sort((a, b) => a - b), stream.length];
  for (const [read, head] of heads.entries()) {
    const given = stream.subarray(got.bytes, head);
    const part = decode(given, encoding, read === heads.length - 1);
    // No character of any charset is longer than six bytes: so a reader is never stuck.
    expect(given.length - part.bytes).toBeLessThan(6);
    expect(part.data === '').toBe(part.bytes === 0);
    got.text += part.data;
    got.bytes += part.bytes;
    got.lossy ||= part.lossy;
  }
  return got;
}

const cuts = fc.array(fc.nat(), { maxLength: 12 });

/** What each charset can say, taken here and there from all of the Basic Multilingual Plane. */
function repertoire(encoding: string): string[] {
  const all = Array.from({ length: 0x10000 }, (_, code) => String.fromCharCode(code));
  return all.filter((character, code) => (code < 0x250 || code % 61 === 0) && carries(character, encoding));
}

function carries(text: string, encoding: string): boolean {
  try {
    encode(text, encoding);
    return true;
  } catch {
    return false;
  }
}

describe('text, wherever its bytes are cut, comes back', () => {
  test.each(UNICODE)('from %s, whatever text it is', (encoding) => {
    const text = fc.string({ unit: fc.oneof(fc.constantFrom('\ufffd', '\ufeff', '😀'), character()) });
    fc.assert(
      fc.property(text, cuts, (text, cuts) => {
        const bytes = encode(text, encoding);
        expect(readInPieces(bytes, encoding, cuts)).toEqual({ text, bytes: bytes.length, lossy: false });
      }),
    );
  });

  test.each(TABLES)('from %s, of what it can say', (encoding) => {
    const characters = repertoire(encoding);
    expect(characters.length).toBeGreaterThanOrEqual(128);
    fc.assert(
      fc.property(fc.string({ unit: fc.constantFrom(...characters) }), cuts, (text, cuts) => {
        const bytes = encode(text, encoding);
        expect(readInPieces(bytes, encoding, cuts)).toEqual({ text, bytes: bytes.length, lossy: false });
      }),
    );
  });

  function character(): fc.Arbitrary<string> {
    return fc.integer({ min: 0, max: 0x10ffff - 0x800 }).map((n) => {
      return String.fromCodePoint(n < 0xd800 ? n : n + 0x800);
    });
  }
});

describe('any bytes, wherever they are cut, are all accounted for', () => {
  /** Bytes that begin, go on with and end characters of some charset more often than chance would. */
  const byte = fc.oneof(
    fc.constantFrom(0x81, 0x30, 0x84, 0x31, 0xa4, 0x37, 0xfe, 0x39, 0x90, 0xe3, 0x32, 0x9a, 0x35, 0x36),
    fc.constantFrom(0x00, 0xd8, 0xdc, 0xdf, 0x11, 0xed, 0xa0, 0xb0, 0xe0, 0xc0, 0x80, 0xf4, 0xff),
    fc.constantFrom(0x8f, 0x8e, 0xa1, 0x88, 0x62, 0x40, 0x41),
    fc.nat({ max: 255 }),
  );
  const stream = fc.array(byte, { maxLength: 40 }).map((bytes) => Buffer.from(bytes));

  test.each([...UNICODE, ...TABLES, 'latin1', 'hex', 'UTF-16', 'UTF-32'])(
    'in %s: the pieces say what the whole says',
    (encoding) => {
      fc.assert(
        fc.property(stream, cuts, (bytes, cuts) => {
          const { data, lossy } = decode(bytes, encoding, true);
          expect(readInPieces(bytes, encoding, cuts)).toEqual({ text: data, bytes: bytes.length, lossy });
          expect(data).toBe(data.replace(/\p{Surrogate}/gu, '?'));
        }),
        { numRuns: 200 },
      );
    },
  );

  test('under every name that the library knows', () => {
    const names = Object.keys(iconv.encodings ?? {}).filter((name) => isEncoding(name));
    expect(names.length).toBeGreaterThan(400);
    const bytes = Buffer.from(Array.from({ length: 256 }, (_, value) => value));
    for (const name of names.filter((name) => isReadableEncoding(name) && name !== 'base64')) {
      const { data, lossy } = decode(bytes, name, true);
      expect(readInPieces(bytes, name, [1, 127, 129, 200])).toEqual({ text: data, bytes: 256, lossy });
    }
    expect(names.filter((name) => !isReadableEncoding(name)).sort()).toEqual([
      'unicode11utf7',
      'utf7',
      'utf7imap',
    ]);
  });
});
