import { addressFromHex } from '../address.js';
import { textOf } from '../address-text.js';
import { RECORD_TYPES, typeName } from './codes.js';
import { nameText, quoted, shortName, unknownText } from './presentation.js';
import type { Rdata, RdataDecoder } from './rdata-shape.js';
import { dnskey, ds, nsec, nsec3, nsec3param, rrsig, tlsa } from './rdata-security.js';
import { svcb } from './rdata-svcb.js';
import { MalformedMessage, type WireReader } from './wire.js';

function address(bytes: number): RdataDecoder {
  return (reader) => {
    const text = textOf(addressFromHex(reader.bytes(bytes).toString('hex')));
    return { data: { address: text }, text };
  };
}

function oneName(field: string): RdataDecoder {
  return (reader) => {
    const name = reader.name();
    return { data: { [field]: shortName(name) }, text: nameText(name) };
  };
}

function mx(reader: WireReader): Rdata {
  const preference = reader.u16();
  const exchange = reader.name();
  return {
    data: { preference, exchange: shortName(exchange) },
    text: `${String(preference)} ${nameText(exchange)}`,
  };
}

const SOA_TIMES = ['serial', 'refresh', 'retry', 'expire', 'minimum'] as const;

function soa(reader: WireReader): Rdata {
  const [mname, rname] = [reader.name(), reader.name()];
  const times = SOA_TIMES.map((name) => [name, reader.u32()] as const);
  return {
    data: { mname: shortName(mname), rname: shortName(rname), ...Object.fromEntries(times) },
    text: [nameText(mname), nameText(rname), ...times.map(([, value]) => value)].join(' '),
  };
}

function hinfo(reader: WireReader): Rdata {
  const [cpu, os] = [reader.string(), reader.string()];
  return { data: { cpu: String(cpu), os: String(os) }, text: `${quoted(cpu)} ${quoted(os)}` };
}

/** Strings are shown as UTF-8; what they are exactly stands in the text. */
function txt(reader: WireReader): Rdata {
  const strings: Buffer[] = [];
  do strings.push(reader.string());
  while (!reader.isAtEnd);
  return { data: { strings: strings.map(String) }, text: strings.map(quoted).join(' ') };
}

function srv(reader: WireReader): Rdata {
  const [priority, weight, port] = [reader.u16(), reader.u16(), reader.u16()];
  const target = reader.name();
  return {
    data: { priority, weight, port, target: shortName(target) },
    text: [priority, weight, port, nameText(target)].join(' '),
  };
}

function naptr(reader: WireReader): Rdata {
  const [order, preference] = [reader.u16(), reader.u16()];
  const [flags, services, regexp] = [reader.string(), reader.string(), reader.string()];
  const replacement = reader.name();
  return {
    data: {
      order,
      preference,
      flags: String(flags),
      services: String(services),
      regexp: String(regexp),
      replacement: shortName(replacement),
    },
    text: [order, preference, quoted(flags), quoted(services), quoted(regexp), nameText(replacement)].join(
      ' ',
    ),
  };
}

/** RFC 8659, 4.1. */
function caa(reader: WireReader): Rdata {
  const flags = reader.u8();
  const [tag, value] = [reader.string(), reader.rest()];
  if (!/^[A-Za-z0-9]+$/.test(String(tag))) throw new MalformedMessage('has a CAA record without a tag');
  return {
    data: { critical: flags >= 128, flags, tag: String(tag), value: String(value) },
    text: `${String(flags)} ${String(tag)} ${quoted(value)}`,
  };
}

const DECODERS: Readonly<Record<number, RdataDecoder | undefined>> = {
  [RECORD_TYPES.A]: address(4),
  [RECORD_TYPES.NS]: oneName('nsdname'),
  [RECORD_TYPES.CNAME]: oneName('cname'),
  [RECORD_TYPES.SOA]: soa,
  [RECORD_TYPES.PTR]: oneName('ptrdname'),
  [RECORD_TYPES.HINFO]: hinfo,
  [RECORD_TYPES.MX]: mx,
  [RECORD_TYPES.TXT]: txt,
  [RECORD_TYPES.AAAA]: address(16),
  [RECORD_TYPES.SRV]: srv,
  [RECORD_TYPES.NAPTR]: naptr,
  [RECORD_TYPES.DNAME]: oneName('target'),
  [RECORD_TYPES.DS]: ds,
  [RECORD_TYPES.RRSIG]: rrsig,
  [RECORD_TYPES.NSEC]: nsec,
  [RECORD_TYPES.DNSKEY]: dnskey,
  [RECORD_TYPES.NSEC3]: nsec3,
  [RECORD_TYPES.NSEC3PARAM]: nsec3param,
  [RECORD_TYPES.TLSA]: tlsa,
  [RECORD_TYPES.CDS]: ds,
  [RECORD_TYPES.CDNSKEY]: dnskey,
  [RECORD_TYPES.SVCB]: svcb,
  [RECORD_TYPES.HTTPS]: svcb,
  [RECORD_TYPES.CAA]: caa,
};

/** The data of one record, which is all that `reader` has. Throws MalformedMessage. */
export function decodeRdata(type: number, reader: WireReader): Rdata {
  const decode = DECODERS[type];
  if (decode === undefined) {
    const bytes = reader.rest();
    return { data: { hex: bytes.toString('hex') }, text: unknownText(bytes) };
  }
  const rdata = decode(reader);
  if (!reader.isAtEnd) throw new MalformedMessage(`has a ${typeName(type)} record that is too long`);
  return rdata;
}
