import fc from 'fast-check';
import { SocketError } from '../../src/sockets/errors.js';
import { frameScanner } from '../../src/sockets/framing/frame-scanner.js';
import { framed, largestFrame, payloadOf, type Framing } from '../../src/sockets/framing/framing.js';

const MAX_BYTES = 40;

const delimiters = fc.constantFrom('\n', '\r\n', '\0', 'aab', 'aa', '\r\n.\r\n');
const delimited: fc.Arbitrary<Framing> = delimiters.map((text) => ({
  type: 'delimiter',
  delimiter: Buffer.from(text),
  strip: text === '\n' ? Buffer.from('\r') : null,
  maxBytes: MAX_BYTES,
}));
const lengthPrefixed: fc.Arbitrary<Framing> = fc.record({
  type: fc.constant('length-prefix' as const),
  lengthBytes: fc.constantFrom(1 as const, 2 as const, 4 as const, 8 as const),
  endian: fc.constantFrom('big' as const, 'little' as const),
  offset: fc.nat({ max: 3 }),
  includesHeader: fc.boolean(),
  maxBytes: fc.constant(MAX_BYTES),
});
const fixed: fc.Arbitrary<Framing> = fc.record({
  type: fc.constant('fixed' as const),
  bytes: fc.integer({ min: 1, max: MAX_BYTES }),
});

/** Few different bytes, so that delimiters begin and do not end. */
const payload = fc
  .array(fc.constantFrom(0, 1, 10, 13, 46, 97, 98, 255), { maxLength: MAX_BYTES })
  .map((bytes) => Buffer.from(bytes));

/** A framing, and messages that it can carry. */
const conversation = fc
  .oneof(delimited, lengthPrefixed, fixed)
  .chain((framing) =>
    fc.record({ framing: fc.constant(framing), payloads: fc.array(carried(framing), { maxLength: 8 }) }),
  );

function carried(framing: Framing): fc.Arbitrary<Buffer> {
  if (framing.type === 'fixed')
    return fc
      .uint8Array({ minLength: framing.bytes, maxLength: framing.bytes })
      .map((bytes) => Buffer.from(bytes));
  if (framing.type === 'length-prefix') return payload.filter(({ length }) => length >= framing.offset);
  if (framing.type !== 'delimiter') throw new Error(framing.type);
  // The delimiter must come where the message ends, and not before: in `a` + `aab`, too.
  const ends = (bytes: Buffer): number =>
    Buffer.concat([bytes, framing.delimiter]).indexOf(framing.delimiter);
  return payload.filter((bytes) => ends(bytes) === bytes.length && bytes.at(-1) !== 13);
}

function cut(stream: Buffer, at: readonly number[]): Buffer[] {
  const places = [0, ...at.map((place) => place % (stream.length + 1)).sort((a, b) => a - b), stream.length];
  return places.slice(1).map((end, index) => stream.subarray(places[index], end));
}

/** What who reads the stream does. */
function messagesOf(framing: Framing, segments: readonly Buffer[]): Buffer[] {
  const scan = frameScanner(framing);
  const messages: Buffer[] = [];
  let open = Buffer.alloc(0);
  for (let segment of segments) {
    for (let end = scan(segment); end !== null; end = scan(segment)) {
      messages.push(payloadOf(framing, Buffer.concat([open, segment.subarray(0, end)])));
      open = Buffer.alloc(0);
      segment = segment.subarray(end);
      if (segment.length === 0) break;
    }
    open = Buffer.concat([open, segment]);
  }
  expect(open.length).toBeLessThanOrEqual(largestFrame(framing));
  return messages;
}

it('messages come out as they went in, however the stream was cut', () => {
  fc.assert(
    fc.property(conversation, fc.array(fc.nat(), { maxLength: 30 }), ({ framing, payloads }, cuts) => {
      const stream = Buffer.concat(payloads.map((one) => framed(framing, one)));
      expect(messagesOf(framing, cut(stream, cuts))).toEqual(payloads);
    }),
    { numRuns: 2000 },
  );
});

it('any bytes at all give the same messages, or the same refusal, however they are cut', () => {
  const bytes = fc.array(payload, { maxLength: 5 }).map((parts) => Buffer.concat(parts));
  fc.assert(
    fc.property(
      fc.oneof(delimited, lengthPrefixed, fixed),
      bytes,
      fc.array(fc.nat()),
      (framing, stream, cuts) => {
        expect(outcome(framing, cut(stream, cuts))).toEqual(outcome(framing, [stream]));
      },
    ),
    { numRuns: 2000 },
  );
});

/** The code of the error in the place of what follows it. */
function outcome(framing: Framing, segments: readonly Buffer[]): unknown {
  try {
    return messagesOf(framing, segments);
  } catch (error) {
    if (error instanceof SocketError) return error.code;
    throw error;
  }
}

const line = (maxBytes: number): Framing => ({
  type: 'delimiter',
  delimiter: Buffer.from('\n'),
  strip: Buffer.from('\r'),
  maxBytes,
});

it('a carriage return goes with the line feed, and stays where there is none', () => {
  expect(payloadOf(line(9), Buffer.from('GET /\r\n')).toString()).toBe('GET /');
  expect(payloadOf(line(9), Buffer.from('a\rb\n')).toString()).toBe('a\rb');
  expect(payloadOf(line(9), Buffer.from('last')).toString()).toBe('last');
});

it('the largest message is taken, one byte more is refused', () => {
  expect(frameScanner(line(4))(Buffer.from('1234\n'))).toBe(5);
  expect(() => frameScanner(line(4))(Buffer.from('12345\n'))).toThrow('EMSGSIZE');
  expect(() => frameScanner(line(4))(Buffer.from('12345'))).toThrow('EMSGSIZE');
  const idle = frameScanner({ type: 'idle', idleMs: 1, maxBytes: 4 });
  expect(idle(Buffer.from('1234'))).toBeNull();
  expect(() => idle(Buffer.from('5'))).toThrow('EMSGSIZE');
});

it('a length that is too large, or less than its own header, is refused before anything is waited for', () => {
  const framing = {
    type: 'length-prefix',
    lengthBytes: 8,
    endian: 'big',
    offset: 0,
    includesHeader: true,
    maxBytes: 100,
  } as const;
  expect(() => frameScanner(framing)(Buffer.from('ffffffffffffffff', 'hex'))).toThrow('EMSGSIZE');
  expect(() => frameScanner(framing)(Buffer.from('0000000000000007', 'hex'))).toThrow(
    'shorter than its own header',
  );
  expect(() => framed({ ...framing, lengthBytes: 1 }, Buffer.alloc(255))).toThrow(
    'does not fit into 1 bytes',
  );
});
