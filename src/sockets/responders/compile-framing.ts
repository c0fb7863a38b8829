import { largestFrame, type Framing } from '../framing/framing.js';
import { MAX_DELIMITER_BYTES } from '../limits.js';
import { encode, type Encoding } from '../text/payload.js';
import type { FramingSpec, Place } from './responder-spec.js';
import { bytesOf } from './rules.js';
import type { Carrier } from './script.js';

/** Which fields mean something with which type. */
const FIELDS: Readonly<Record<FramingSpec['type'], readonly (keyof FramingSpec)[]>> = {
  none: ['maxBytes'],
  delimiter: ['delimiter', 'delimiterHex', 'maxBytes'],
  'length-prefix': ['lengthBytes', 'endian', 'offset', 'includesHeader', 'maxBytes'],
  fixed: ['bytes'],
  idle: ['idleMs', 'maxBytes'],
};

/** What a framing is compiled for. */
interface Bounds {
  carrier: Carrier;
  encoding: Encoding;
  /** Of a message, where nothing is said. */
  defaultBytes: number;
}

/** A byte that is as good as any other where something is wrong anyway. */
const ANY_DELIMITER = Buffer.from('\n');

/** What is wrong is noted at `place`. */
export function compileFraming(spec: FramingSpec, bounds: Bounds, place: Place): Framing {
  const { type, windowBytes } = bounds.carrier;
  if (type !== 'stream' && spec.type !== 'none')
    place.wrong(`${spec.type}: messages of this protocol have bounds of their own`);
  for (const name of Object.keys(spec) as (keyof FramingSpec)[]) {
    const isMeant = name === 'type' || FIELDS[spec.type].includes(name);
    if (!isMeant && spec[name] !== undefined) place.at(name).wrong(`has no meaning with ${spec.type}`);
  }
  const framing = framingOf(spec, bounds, place);
  // A message waits in the receive window until it is whole.
  const most = largestFrame(framing);
  if (most > windowBytes)
    place
      .at(spec.type === 'fixed' ? 'bytes' : 'maxBytes')
      .wrong(`a message may take ${String(most)} bytes, and the receive window is ${String(windowBytes)}`);
  return framing;
}

function framingOf(spec: FramingSpec, { encoding, carrier, defaultBytes }: Bounds, place: Place): Framing {
  const { type, lengthBytes = 4, endian = 'big', offset = 0, includesHeader = false, idleMs = 200 } = spec;
  const around = type === 'delimiter' ? MAX_DELIMITER_BYTES : lengthBytes;
  const maxBytes = spec.maxBytes ?? Math.max(1, Math.min(defaultBytes, carrier.windowBytes - around));
  switch (type) {
    case 'none':
      return { type, maxBytes };
    case 'idle':
      return { type, idleMs, maxBytes };
    case 'length-prefix':
      if (![1, 2, 4, 8].includes(lengthBytes)) place.at('lengthBytes').wrong('must be 1, 2, 4 or 8');
      return { type, lengthBytes, endian, offset, includesHeader, maxBytes };
    case 'fixed':
      if (spec.bytes === undefined) place.at('bytes').wrong('must be given');
      return { type, bytes: spec.bytes ?? 1 };
    case 'delimiter':
      return { type, maxBytes, ...delimiterOf(spec, encoding, place) };
  }
}

function delimiterOf(
  spec: FramingSpec,
  encoding: Encoding,
  place: Place,
): { delimiter: Buffer; strip: Buffer | null } {
  const name = place.oneOf(spec, ['delimiter', 'delimiterHex']);
  if (name === undefined) return { delimiter: ANY_DELIMITER, strip: null };
  const there = place.at(name);
  const delimiter =
    name === 'delimiterHex'
      ? bytesOf(spec.delimiterHex ?? '', 'hex', there)
      : textOf(spec.delimiter ?? '', encoding, there);
  if (delimiter.length > 0 && delimiter.length <= MAX_DELIMITER_BYTES) {
    const isLine = isText(encoding) && delimiter.equals(encode('\n', encoding));
    return { delimiter, strip: isLine ? encode('\r', encoding) : null };
  }
  there.wrong(`must have 1 to ${String(MAX_DELIMITER_BYTES)} bytes`);
  return { delimiter: ANY_DELIMITER, strip: null };
}

/** As it is in that encoding; of bytes that are shown as digits, a delimiter is text all the same. */
function textOf(delimiter: string, encoding: Encoding, place: Place): Buffer {
  try {
    return encode(delimiter, isText(encoding) ? encoding : 'utf8');
  } catch {
    place.wrong(`is not valid ${encoding}`);
    return ANY_DELIMITER;
  }
}

/** Digits stand for bytes; everything else is text. */
function isText(encoding: Encoding): boolean {
  return encoding !== 'hex' && encoding !== 'base64';
}
