import { ianaServices, TRANSPORTS } from './iana-services.js';
import { allServices, serviceByName, serviceByPort, type NetdbEntry } from './native/netdb.js';

/** Whose table an answer is from: that of this host, or IANA's where the host has no entry. */
export const TABLES = ['libc', 'iana'] as const;
export type Table = (typeof TABLES)[number];

export interface Service {
  readonly name: string;
  readonly port: number;
  readonly protocol: string;
  readonly aliases: readonly string[];
  readonly source: Table;
}

export interface ServiceQuestion {
  /** A name or an alias. */
  name?: string | undefined;
  port?: number | undefined;
  protocol?: string | undefined;
}

/**
 * getservbyname(3), getservbyport(3), and IANA's registry where the host has no entry. Without a protocol each of
 * them is asked about; without name and port the answer is the whole table. In the order of the ports.
 */
export async function findServices(question: ServiceQuestion): Promise<Service[]> {
  const isWhole = question.name === undefined && question.port === undefined;
  const found = await (isWhole ? everything() : asked(question));
  return found.filter((service) => matches(question, service)).sort(byPort);
}

function matches({ port, protocol }: ServiceQuestion, service: Service): boolean {
  if (port !== undefined && service.port !== port) return false;
  return protocol === undefined || service.protocol === protocol;
}

function byPort(a: Service, b: Service): number {
  return a.port - b.port || rank(a.protocol) - rank(b.protocol) || (a.name < b.name ? -1 : 1);
}

/** TCP first; protocols that IANA registers no ports for, like AppleTalk's, last. */
function rank(protocol: string): number {
  const index = TRANSPORTS.indexOf(protocol);
  return index < 0 ? TRANSPORTS.length : index;
}

async function everything(): Promise<Service[]> {
  const host = (await allServices()).map((entry) => serviceOf(entry, 'libc'));
  const known = new Set(host.map(({ port, protocol }) => `${String(port)}/${protocol}`));
  const others = ianaServices().all.map((entry) => serviceOf(entry, 'iana'));
  return [...host, ...others.filter(({ port, protocol }) => !known.has(`${String(port)}/${protocol}`))];
}

async function asked(question: ServiceQuestion): Promise<Service[]> {
  const { protocol } = question;
  if (protocol !== undefined) return ofProtocol(question, protocol);
  const found = (await Promise.all(TRANSPORTS.map((one) => ofProtocol(question, one)))).flat();
  // Null asks for the first of any protocol: one that is not in the list shows in this way only.
  const any = await onHost(question, null);
  return any === null || TRANSPORTS.includes(any.protocol) ? found : [...found, any];
}

async function ofProtocol(question: ServiceQuestion, protocol: string): Promise<Service[]> {
  const host = await onHost(question, protocol);
  if (host !== null && matches(question, host)) return [host];
  const { name, port = 0 } = question;
  const iana = ianaServices();
  const registered = name === undefined ? iana.at(port, protocol) : iana.named(name, protocol);
  return registered.map((entry) => serviceOf(entry, 'iana'));
}

async function onHost({ name, port = 0 }: ServiceQuestion, protocol: string | null): Promise<Service | null> {
  const entry = await (name === undefined ? serviceByPort(port, protocol) : serviceByName(name, protocol));
  return entry === null ? null : serviceOf(entry, 'libc');
}

function serviceOf({ name, number, protocol = '', aliases }: NetdbEntry, source: Table): Service {
  return { name, port: number, protocol, aliases, source };
}
