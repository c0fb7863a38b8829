import { addressFromHex } from '../address.js';
import { textOf } from '../address-text.js';
import { nameText, quoted, shortName } from './presentation.js';
import type { DataValue, Rdata } from './rdata-shape.js';
import { MalformedMessage, type WireReader } from './wire.js';

/** A parameter of a service: its value, and how a zone file has it, if it has any. */
interface Parameter {
  value: DataValue;
  text: string | null;
}

/** RFC 9460, 14.3.2, and RFC 9461. */
const KEYS = ['mandatory', 'alpn', 'no-default-alpn', 'port', 'ipv4hint', 'ech', 'ipv6hint', 'dohpath'];

const PARAMETERS: Readonly<Record<string, ((reader: WireReader) => Parameter) | undefined>> = {
  mandatory: (reader) => plain(untilEnd(reader, () => keyName(reader.u16()))),
  alpn: (reader) => {
    const names = untilEnd(reader, () => reader.string());
    return { value: names.map(String), text: quoted(Buffer.from(names.map(listItem).join(','), 'latin1')) };
  },
  'no-default-alpn': () => ({ value: true, text: null }),
  port: (reader) => {
    const port = reader.u16();
    return { value: port, text: String(port) };
  },
  ipv4hint: (reader) => plain(untilEnd(reader, () => addressText(reader.bytes(4)))),
  ech: (reader) => {
    const config = reader.rest().toString('base64');
    return { value: config, text: config };
  },
  ipv6hint: (reader) => plain(untilEnd(reader, () => addressText(reader.bytes(16)))),
  dohpath: (reader) => {
    const template = reader.rest();
    return { value: String(template), text: quoted(template) };
  },
};

/** SVCB and HTTPS, RFC 9460, 2.2. Priority 0 is an alias. */
export function svcb(reader: WireReader): Rdata {
  const priority = reader.u16();
  const target = reader.name();
  const texts = [String(priority), nameText(target)];
  const params: Record<string, DataValue> = {};
  let last = -1;
  while (!reader.isAtEnd) {
    const key = reader.u16();
    if (key <= last) throw new MalformedMessage('has parameters of a service out of order');
    last = key;
    const name = keyName(key);
    const { value, text } = parameter(name, reader.part(reader.u16()));
    params[name] = value;
    texts.push(text === null ? name : `${name}=${text}`);
  }
  return { data: { priority, target: shortName(target), params }, text: texts.join(' ') };
}

function parameter(name: string, reader: WireReader): Parameter {
  const decode = PARAMETERS[name];
  if (decode === undefined) {
    const bytes = reader.rest();
    return { value: bytes.toString('hex'), text: bytes.length === 0 ? null : quoted(bytes) };
  }
  const decoded = decode(reader);
  if (!reader.isAtEnd) throw new MalformedMessage(`has a parameter ${name} that is too long`);
  return decoded;
}

function keyName(key: number): string {
  return KEYS[key] ?? `key${String(key)}`;
}

function plain(values: string[]): Parameter {
  return { value: values, text: values.join(',') };
}

function untilEnd<T>(reader: WireReader, next: () => T): T[] {
  const items: T[] = [];
  while (!reader.isAtEnd) items.push(next());
  return items;
}

/** In a list a comma and a backslash of an item are escaped, before the whole is (RFC 9460, A.1). */
function listItem(bytes: Buffer): string {
  return bytes.toString('latin1').replaceAll(/[\\,]/g, '\\$&');
}

function addressText(packed: Buffer): string {
  return textOf(addressFromHex(packed.toString('hex')));
}
