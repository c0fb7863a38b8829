import { hostname, machine, release, type, version } from 'node:os';
import { hostEntry, type HostEntry, SocketError } from '../sockets/index.js';
import { hostEndianness } from './byte-order.js';
import { networkInterfaces, type NetworkInterface } from './interfaces.js';
import { defaultRoutes, type DefaultRoute } from './routes.js';
import { sysctls, type SysctlValue } from './sysctls.js';

/** What a resolver that does not answer can cost. */
const OWN_NAME_MS = 2_000;

export interface Host {
  hostname: string;
  /** The canonical name, or else the first alias, with a dot in it; without one, the hostname. */
  fqdn: string;
  aliases: readonly string[];
  /** IPv4, of the hostname; the addresses that the interfaces have stand there. */
  addresses: readonly string[];
  /** Why the hostname has no aliases and no addresses; null where it resolved. */
  nameError: SocketError | null;
  interfaces: NetworkInterface[];
  defaultRoutes: DefaultRoute[];
  sysctls: Record<string, SysctlValue>;
  endianness: 'big' | 'little';
  os: { type: string; release: string; version: string; machine: string };
}

/** This host as it sees itself. A hostname that does not resolve is no error: `nameError` says so. */
export async function describeHost(): Promise<Host> {
  const [own, routes, limits] = await Promise.all([ownEntry(), defaultRoutes(), sysctls()]);
  const resolved = own instanceof SocketError ? NOBODY : own;
  return {
    hostname: hostname(),
    fqdn: [resolved.name, ...resolved.aliases].find((name) => name.includes('.')) ?? hostname(),
    aliases: resolved.aliases,
    addresses: resolved.addresses,
    nameError: own instanceof SocketError ? own : null,
    interfaces: networkInterfaces(),
    defaultRoutes: routes,
    sysctls: limits,
    endianness: hostEndianness(),
    os: { type: type(), release: release(), version: version(), machine: machine() },
  };
}

const NOBODY: HostEntry = { name: '', aliases: [], addresses: [] };

let pending: Promise<HostEntry | SocketError> | null = null;

/** Who asks while a question is on its way gets the answer to that one: a dead resolver takes one thread, not all. */
function ownEntry(): Promise<HostEntry | SocketError> {
  pending ??= hostEntry(hostname(), OWN_NAME_MS)
    .catch((error: unknown) => SocketError.fromSystem(error))
    .finally(() => (pending = null));
  return pending;
}
