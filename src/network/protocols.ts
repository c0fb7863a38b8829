import { IANA_PROTOCOLS } from './iana-protocols.js';
import { allProtocols, protocolByName, protocolByNumber, type NetdbEntry } from './native/netdb.js';
import type { Table } from './services.js';

/** A protocol that IP carries. */
export interface Protocol {
  readonly name: string;
  readonly number: number;
  readonly aliases: readonly string[];
  readonly source: Table;
}

export interface ProtocolQuestion {
  /** A name or an alias. */
  name?: string | undefined;
  number?: number | undefined;
}

/**
 * getprotobyname(3), getprotobynumber(3), and IANA's registry where the host has no entry. Without name and number
 * the answer is the whole table. In the order of the numbers.
 */
export async function findProtocols(question: ProtocolQuestion): Promise<Protocol[]> {
  const host = await onHost(question);
  // Tables differ over a few: the host's word on a name or a number is the one that counts.
  const known = new Set<number | string>(host.flatMap(({ number, name }) => [number, name]));
  const others = IANA_PROTOCOLS.filter(({ number, name }) => !known.has(number) && !known.has(name));
  return [
    ...host.map((entry) => protocolOf(entry, 'libc')),
    ...others.map((entry) => protocolOf(entry, 'iana')),
  ]
    .filter((protocol) => matches(question, protocol))
    .sort((a, b) => a.number - b.number);
}

async function onHost({ name, number }: ProtocolQuestion): Promise<NetdbEntry[]> {
  if (name === undefined && number === undefined) return allProtocols();
  const entry = await (name === undefined ? protocolByNumber(number ?? 0) : protocolByName(name));
  return entry === null ? [] : [entry];
}

function matches({ name, number }: ProtocolQuestion, protocol: Protocol): boolean {
  if (number !== undefined && protocol.number !== number) return false;
  return name === undefined || protocol.name === name || protocol.aliases.includes(name);
}

function protocolOf({ name, number, aliases }: NetdbEntry, source: Table): Protocol {
  return { name, number, aliases, source };
}
