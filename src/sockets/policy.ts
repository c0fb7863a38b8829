import {
  addressBytes,
  contains,
  isMapped,
  parseNetwork,
  scopedAddressBytes,
  splitZone,
  type Network,
} from './endpoint.js';
import { SocketError } from './errors.js';

/** What an operator may say about where sockets go. */
export interface PolicySettings {
  /** Nobody but this host can reach the service: what the caller could reach anyway is open. */
  protectedMode: boolean;
  /** Networks that may be dialled although the default table denies them. */
  egressAllow: readonly Network[];
  /** Networks that may never be dialled. Stronger than `egressAllow`. */
  egressDeny: readonly Network[];
  /** Addresses besides loopback that a listener may bind. */
  bindAllow: readonly Network[];
  /** Ports a listener may bind; port 0 is always allowed, the kernel picks an unprivileged one. */
  bindPorts: { from: number; to: number };
  /** Cloud metadata services hand out credentials: they need a switch of their own. */
  allowMetadata: boolean;
}

export type Decision = { allowed: true; rule: string } | { allowed: false; rule: string };

function networks(...texts: string[]): Network[] {
  return texts.map((text) => {
    const network = parseNetwork(text);
    if (network === null) throw new RangeError(`not a network: ${text}`);
    return network;
  });
}

const LOOPBACK = networks('127.0.0.0/8', '::1');
const PRIVATE = networks('10.0.0.0/8', '172.16.0.0/12', '192.168.0.0/16', 'fc00::/7');
const METADATA = networks(
  '169.254.169.254',
  '169.254.170.2',
  '100.100.100.200',
  '168.63.129.16',
  'fd00:ec2::254',
);

/** Special-purpose addresses (IANA registries, RFC 6890) that nobody dials by accident. */
const SPECIAL = networks(
  ...['0.0.0.0/8', '100.64.0.0/10', '169.254.0.0/16', '192.0.0.0/24', '192.0.2.0/24', '192.88.99.0/24'],
  ...['198.18.0.0/15', '198.51.100.0/24', '203.0.113.0/24', '224.0.0.0/4', '240.0.0.0/4'],
  ...['::/96', '::ffff:0:0:0/96', '64:ff9b::/96', '64:ff9b:1::/48', '100::/64', '2001::/32', '2001:db8::/32'],
  ...['2002::/16', '3fff::/20', '5f00::/16', 'fe80::/10', 'fec0::/10', 'ff00::/8'],
);

function find(table: readonly Network[], bytes: Uint8Array): Network | undefined {
  // ::/0 speaks of IPv6 only, although IPv4 addresses are kept in their mapped form.
  return table.find((network) => contains(network, bytes) && isMapped(network.bytes) === isMapped(bytes));
}

/** Who may be dialled and what may be bound. Decides over the bytes of an address, never its spelling. */
export class Policy {
  /** Where the service itself listens: never a target. Set once it does. */
  private control: { port: number; addresses: readonly Uint8Array[] } | null = null;

  constructor(private readonly settings: PolicySettings) {}

  /** `addresses`: every address of this host that reaches the control port. */
  protectControlPort(port: number, addresses: readonly string[]): void {
    const bytes = addresses.map(addressBytes).filter((address) => address !== null);
    this.control = { port, addresses: bytes };
  }

  mayConnect(address: string, port: number): Decision {
    const bytes = scopedAddressBytes(address);
    if (bytes === null) return deny('not-an-address');
    if (this.control?.port === port && this.reachesService(bytes)) return deny('control-port');
    const denied = find(this.settings.egressDeny, bytes);
    if (denied !== undefined) return deny(`egress-deny ${denied.text}`);
    const metadata = find(METADATA, bytes);
    if (metadata !== undefined)
      return this.settings.allowMetadata ? allow('metadata') : deny(`metadata ${metadata.text}`);
    const allowed = find(this.settings.egressAllow, bytes);
    if (allowed !== undefined) return allow(`egress-allow ${allowed.text}`);
    const local = find([...LOOPBACK, ...PRIVATE], bytes);
    if (local !== undefined)
      return this.settings.protectedMode ? allow('protected-mode') : deny(`default ${local.text}`);
    const special = find(SPECIAL, bytes);
    return special === undefined ? allow('default') : deny(`default ${special.text}`);
  }

  mayBind(address: string, port: number): Decision {
    const bytes = scopedAddressBytes(address);
    if (bytes === null) return deny('not-an-address');
    const { from, to } = this.settings.bindPorts;
    if (port !== 0 && (port < from || port > to)) return deny(`port-range ${String(from)}-${String(to)}`);
    if (find(LOOPBACK, bytes) !== undefined) return allow('loopback');
    const allowed = find(this.settings.bindAllow, bytes);
    return allowed === undefined ? deny('bind-loopback-only') : allow(`bind-allow ${allowed.text}`);
  }

  /** The one port of an address that is nobody's target, whatever else may be dialled there; null: there is none. */
  ownPortAt(address: string): number | null {
    const bytes = scopedAddressBytes(address);
    return bytes !== null && this.reachesService(bytes) ? (this.control?.port ?? null) : null;
  }

  private reachesService(bytes: Uint8Array): boolean {
    const own = this.control?.addresses ?? [];
    return (
      find(LOOPBACK, bytes) !== undefined || own.some((one) => one.every((byte, i) => byte === bytes[i]))
    );
  }
}

function allow(rule: string): Decision {
  return { allowed: true, rule };
}

function deny(rule: string): Decision {
  return { allowed: false, rule };
}

/** A refusal as the error that callers see: it names the rule, not the rest of the table. */
export function blocked(what: 'connect' | 'bind', address: string, port: number, rule: string): SocketError {
  return new SocketError('ADDRESS_BLOCKED', `${what} to ${address}:${String(port)} is not allowed: ${rule}`, {
    syscall: what,
    address,
    port,
    rule,
  });
}

/** Names and addresses under which a host knows itself, in the spelling of a Host header. */
export const LOOPBACK_NAMES: readonly string[] = ['localhost', '127.0.0.1', '::1'];

export function isLoopback(address: string): boolean {
  const bytes = addressBytes(splitZone(address).address);
  return bytes !== null && find(LOOPBACK, bytes) !== undefined;
}
