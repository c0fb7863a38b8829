import { CLASS_IN, className, OPT, rcodeName, typeName } from './codes.js';
import { nameText, shortName } from './presentation.js';
import { decodeRdata } from './rdata.js';
import type { Rdata } from './rdata-shape.js';
import { encodeName, MalformedMessage, WireReader, type Labels } from './wire.js';

export const SECTIONS = ['answer', 'authority', 'additional'] as const;
export type Section = (typeof SECTIONS)[number];

/** One resource record, RFC 1035, 3.2.1. */
export interface DnsRecord extends Rdata {
  readonly section: Section;
  /** Its owner, without the dot at the end. */
  readonly name: string;
  readonly type: string;
  readonly class: string;
  /** Seconds. */
  readonly ttl: number;
}

/** The bits of the header, RFC 1035, 4.1.1 and RFC 4035, 3.2. */
export interface Flags {
  readonly authoritative: boolean;
  readonly truncated: boolean;
  readonly recursionDesired: boolean;
  readonly recursionAvailable: boolean;
  readonly authenticData: boolean;
  readonly checkingDisabled: boolean;
}

/** What the server says of EDNS(0), RFC 6891. */
export interface Edns {
  readonly version: number;
  /** The largest datagram that it takes. */
  readonly udpPayloadBytes: number;
  readonly dnssecOk: boolean;
  /** Why an answer is as it is, RFC 8914. */
  readonly extendedErrors: readonly { readonly code: number; readonly text: string }[];
}

export interface Message {
  readonly id: number;
  readonly isResponse: boolean;
  readonly rcode: string;
  readonly flags: Flags;
  readonly questions: readonly { name: Labels; type: number; class: number }[];
  readonly records: readonly DnsRecord[];
  readonly edns: Edns | null;
}

/** A question in A-labels. */
export interface QueryOptions {
  readonly name: string;
  readonly type: number;
  readonly recursionDesired: boolean;
  readonly checkingDisabled: boolean;
  /** The DO bit: with the records of DNSSEC. */
  readonly dnssec: boolean;
}

/** What fits into a datagram without fragments nearly everywhere: DNS flag day 2020. */
const UDP_PAYLOAD_BYTES = 1232;
const DO_BIT = 0x8000;
const EXTENDED_ERROR = 15;

/** `edns`: with an OPT record; a few servers answer FORMERR to one. */
export function encodeQuery(id: number, query: QueryOptions, edns: boolean): Buffer {
  const header = Buffer.alloc(12);
  header.writeUInt16BE(id, 0);
  // AD in a question: the answer's is wanted (RFC 6840, 5.7).
  const flags = (query.recursionDesired ? 0x0100 : 0) | 0x0020 | (query.checkingDisabled ? 0x0010 : 0);
  header.writeUInt16BE(flags, 2);
  header.writeUInt16BE(1, 4);
  header.writeUInt16BE(edns ? 1 : 0, 10);
  const question = Buffer.alloc(4);
  question.writeUInt16BE(query.type, 0);
  question.writeUInt16BE(CLASS_IN, 2);
  return Buffer.concat([
    header,
    encodeName(query.name),
    question,
    ...(edns ? [encodeOpt(query.dnssec)] : []),
  ]);
}

function encodeOpt(dnssec: boolean): Buffer {
  const opt = Buffer.alloc(11);
  opt.writeUInt16BE(OPT, 1);
  opt.writeUInt16BE(UDP_PAYLOAD_BYTES, 3);
  opt.writeUInt16BE(dnssec ? DO_BIT : 0, 7);
  return opt;
}

/** Throws MalformedMessage. What stands behind the last record is not looked at. */
export function decodeMessage(bytes: Buffer): Message {
  const reader = new WireReader(bytes);
  const id = reader.u16();
  const bits = reader.u16();
  const counts = [reader.u16(), reader.u16(), reader.u16(), reader.u16()] as const;
  const questions = times(counts[0], () => ({
    name: reader.name(),
    type: reader.u16(),
    class: reader.u16(),
  }));
  const raw = SECTIONS.flatMap((section, index) =>
    times(counts[index + 1] ?? 0, () => readRecord(reader, section)),
  );
  const opt = raw.find(({ type }) => type === OPT) ?? null;
  const extendedRcode = opt === null ? 0 : (opt.ttl >>> 24) << 4;
  return {
    id,
    isResponse: (bits & 0x8000) !== 0,
    rcode: rcodeName(extendedRcode | (bits & 0xf)),
    flags: {
      authoritative: (bits & 0x0400) !== 0,
      truncated: (bits & 0x0200) !== 0,
      recursionDesired: (bits & 0x0100) !== 0,
      recursionAvailable: (bits & 0x0080) !== 0,
      authenticData: (bits & 0x0020) !== 0,
      checkingDisabled: (bits & 0x0010) !== 0,
    },
    questions,
    records: raw.filter(({ type }) => type !== OPT).map(recordOf),
    edns: opt === null ? null : ednsOf(opt),
  };
}

interface RawRecord {
  section: Section;
  name: Labels;
  type: number;
  class: number;
  ttl: number;
  rdata: WireReader;
}

function readRecord(reader: WireReader, section: Section): RawRecord {
  const [name, type, klass, ttl] = [reader.name(), reader.u16(), reader.u16(), reader.u32()];
  return { section, name, type, class: klass, ttl, rdata: reader.part(reader.u16()) };
}

function recordOf({ section, name, type, class: klass, ttl, rdata }: RawRecord): DnsRecord {
  return {
    section,
    name: shortName(name),
    type: typeName(type),
    class: className(klass),
    ttl: ttlOf(ttl),
    ...decodeRdata(type, rdata),
  };
}

/** With its highest bit set it counts as 0 (RFC 2181, 8). */
function ttlOf(ttl: number): number {
  return ttl > 0x7fffffff ? 0 : ttl;
}

function ednsOf({ class: udpPayloadBytes, ttl, rdata }: RawRecord): Edns {
  const extendedErrors: { code: number; text: string }[] = [];
  while (!rdata.isAtEnd) {
    const option = rdata.u16();
    const value = rdata.part(rdata.u16());
    if (option === EXTENDED_ERROR) extendedErrors.push({ code: value.u16(), text: String(value.rest()) });
  }
  return { version: (ttl >>> 16) & 0xff, udpPayloadBytes, dnssecOk: (ttl & DO_BIT) !== 0, extendedErrors };
}

/** One at a time: the first that is not there ends it, however many were announced. */
function times<T>(count: number, read: () => T): T[] {
  const items: T[] = [];
  for (let i = 0; i < count; i += 1) items.push(read());
  return items;
}

/** Why a message is no answer to the question with that id; null: it is one. */
export function faultOf(message: Message, id: number, { name, type }: QueryOptions): string | null {
  if (!message.isResponse) return 'not a response';
  if (message.id !== id) return 'another id';
  const [question, ...others] = message.questions;
  // Who cannot read a question cannot repeat it.
  if (question === undefined) return message.rcode === 'NOERROR' ? 'no question' : null;
  const asked = name === '.' ? '.' : `${name}.`;
  const isSame =
    others.length === 0 &&
    question.type === type &&
    question.class === CLASS_IN &&
    nameText(question.name).toLowerCase() === asked.toLowerCase();
  return isSame ? null : 'another question';
}

/** As `decodeMessage`; null: malformed. */
export function readMessage(bytes: Buffer): Message | null {
  try {
    return decodeMessage(bytes);
  } catch (error) {
    if (error instanceof MalformedMessage) return null;
    throw error;
  }
}
