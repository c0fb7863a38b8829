import { typeName } from './codes.js';
import { base32Text, hexText, nameText, shortName, timeText } from './presentation.js';
import type { Rdata } from './rdata-shape.js';
import { MalformedMessage, type WireReader } from './wire.js';

/** Records of DNSSEC (RFC 4034, RFC 5155) and DANE (RFC 6698). */

export function ds(reader: WireReader): Rdata {
  const [keyTag, algorithm, digestType] = [reader.u16(), reader.u8(), reader.u8()];
  const digest = hexText(reader.rest());
  return {
    data: { keyTag, algorithm, digestType, digest },
    text: [keyTag, algorithm, digestType, digest].join(' '),
  };
}

export function dnskey(reader: WireReader): Rdata {
  const [flags, protocol, algorithm] = [reader.u16(), reader.u8(), reader.u8()];
  const publicKey = reader.rest().toString('base64');
  return {
    data: { flags, protocol, algorithm, publicKey },
    text: [flags, protocol, algorithm, publicKey].join(' '),
  };
}

export function tlsa(reader: WireReader): Rdata {
  const [usage, selector, matchingType] = [reader.u8(), reader.u8(), reader.u8()];
  const certificate = hexText(reader.rest());
  return {
    data: { usage, selector, matchingType, certificate },
    text: [usage, selector, matchingType, certificate].join(' '),
  };
}

export function rrsig(reader: WireReader): Rdata {
  const typeCovered = typeName(reader.u16());
  const [algorithm, labels, originalTtl] = [reader.u8(), reader.u8(), reader.u32()];
  const [expiration, inception] = [timeText(reader.u32()), timeText(reader.u32())];
  const keyTag = reader.u16();
  const signer = reader.name();
  const signature = reader.rest().toString('base64');
  const text = [
    ...[typeCovered, algorithm, labels, originalTtl, expiration, inception, keyTag],
    ...[nameText(signer), signature],
  ].join(' ');
  return {
    data: {
      ...{ typeCovered, algorithm, labels, originalTtl, expiration, inception, keyTag },
      ...{ signer: shortName(signer), signature },
    },
    text,
  };
}

export function nsec(reader: WireReader): Rdata {
  const next = reader.name();
  const types = typeBitmap(reader);
  return { data: { next: shortName(next), types }, text: [nameText(next), ...types].join(' ') };
}

/** What NSEC3 records of a zone have in common, RFC 5155, 4. */
export function nsec3param(reader: WireReader): Rdata {
  const [algorithm, flags, iterations] = [reader.u8(), reader.u8(), reader.u16()];
  const salt = hexText(reader.string());
  return {
    data: { algorithm, flags, iterations, salt },
    text: [algorithm, flags, iterations, salt === '' ? '-' : salt].join(' '),
  };
}

export function nsec3(reader: WireReader): Rdata {
  const { data, text } = nsec3param(reader);
  const next = base32Text(reader.string());
  const types = typeBitmap(reader);
  return { data: { ...data, next, types }, text: [text, next, ...types].join(' ') };
}

/** `TYPE65280`, which takes one bit. */
const TYPE_NAME_BYTES = 9;

/** RFC 4034, 4.1.2: windows of 256 types, a bit a type. */
function typeBitmap(reader: WireReader): string[] {
  const types: string[] = [];
  let last = -1;
  while (!reader.isAtEnd) {
    const window = reader.u8();
    const bits = reader.string();
    if (window <= last || bits.length === 0 || bits.length > 32)
      throw new MalformedMessage('has types out of order');
    last = window;
    bits.forEach((byte, index) => {
      for (let bit = 0; bit < 8; bit += 1) {
        if ((byte & (0x80 >> bit)) === 0) continue;
        reader.willWrite(TYPE_NAME_BYTES);
        types.push(typeName(window * 256 + index * 8 + bit));
      }
    });
  }
  return types;
}
