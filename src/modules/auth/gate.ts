import { timingSafeEqual } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import { addressBytes, LOOPBACK_NAMES, isLoopback } from '../../sockets/index.js';
import { digestOf, type ApiKey } from '../config/api-keys.js';
import { ProblemError } from '../problems/problem.js';
import type { Tickets } from './tickets.js';

/** A browser cannot set headers on a WebSocket: its key comes as a subprotocol of this form. */
export const BEARER_SUBPROTOCOL = 'sockeye.bearer.';

export interface GateSettings {
  apiKeys: readonly ApiKey[];
  allowedHosts: readonly string[];
  allowedOrigins: readonly string[];
}

const NO_SUCH_KEY = digestOf('');

/**
 * Stands in front of everything: each request and each upgrade passes here before anything else
 * looks at it. Checks where it came from, what it calls this host, which page sent it, and its key.
 */
export class Gate {
  private readonly keys: ReadonlyMap<string, ApiKey>;

  constructor(
    private readonly settings: GateSettings,
    private readonly tickets: Tickets,
  ) {
    this.keys = new Map(settings.apiKeys.map((key) => [key.id, key]));
  }

  /** Without keys the service is open, but to this host only. */
  get protectedMode(): boolean {
    return this.keys.size === 0;
  }

  /** Answers the id of the key (null in protected mode), or throws `unauthorized` or `forbidden`. */
  admit(request: IncomingMessage): string | null {
    this.checkPeer(request);
    const host = this.checkHost(request);
    this.checkOrigin(request, host);
    return this.checkKey(request);
  }

  private checkPeer(request: IncomingMessage): void {
    if (!this.protectedMode) return;
    const address = request.socket.remoteAddress;
    if (address === undefined) throw new ProblemError('bad-request', 'the caller has gone');
    if (!isLoopback(address)) {
      throw new ProblemError('forbidden', 'without API keys the service answers this host only');
    }
  }

  /** A name that a page in a browser had re-pointed to this address (DNS rebinding) is not ours. */
  private checkHost(request: IncomingMessage): string {
    const hosts = hostHeaders(request);
    const host = hosts[0]?.toLowerCase() ?? '';
    const name = nameOf(host);
    if (hosts.length !== 1 || name === null)
      throw new ProblemError('forbidden', 'the Host header is missing or not valid');
    const local = request.socket.localAddress;
    const known =
      LOOPBACK_NAMES.includes(name) ||
      sameAddress(name, local) ||
      this.settings.allowedHosts.some((allowed) => allowed === name || allowed === host);
    if (!known) throw new ProblemError('forbidden', `the Host "${name}" is not allowed here`);
    return host;
  }

  /** No Origin: not a page. A page may call only from the service itself, or where the operator says so. */
  private checkOrigin(request: IncomingMessage, host: string): void {
    const origin = request.headers.origin?.toLowerCase();
    if (origin === undefined) {
      // A page on another port of this host is same-site, and not ours either.
      const site = request.headers['sec-fetch-site'];
      if (site !== 'cross-site' && site !== 'same-site') return;
      throw new ProblemError('forbidden', 'requests of other sites are not allowed');
    }
    if (
      origin === `http://${host}` ||
      origin === `https://${host}` ||
      this.settings.allowedOrigins.includes(origin)
    )
      return;
    throw new ProblemError('forbidden', 'this Origin is not allowed');
  }

  private checkKey(request: IncomingMessage): string | null {
    const ticket = ticketOf(request);
    // One that is worth nothing is told, in protected mode too: somebody relies on it.
    if (ticket !== null) return this.tickets.redeem(ticket);
    if (this.protectedMode) return null;
    const token = tokenOf(request);
    if (token === null)
      throw new ProblemError('unauthorized', 'an API key is needed: Authorization: Bearer id.secret');
    const key = this.keys.get(token.slice(0, Math.max(0, token.indexOf('.'))));
    // An unknown id costs the same comparison as a known one.
    const equal = timingSafeEqual(digestOf(token), key?.digest ?? NO_SUCH_KEY);
    if (key === undefined || !equal) throw new ProblemError('unauthorized', 'the API key is not valid');
    return key.id;
  }
}

/** Each Host header: of several, Node shows the first only, or puts all headers together anew. */
function hostHeaders({ rawHeaders }: IncomingMessage): string[] {
  return rawHeaders.filter((_, i) => i % 2 === 1 && rawHeaders[i - 1]?.toLowerCase() === 'host');
}

/** The host part of a Host header, without brackets; null when it is not `host[:port]`. */
function nameOf(host: string): string | null {
  const match = /^(?:\[([0-9a-f:.]+)\]|([a-z0-9._-]+))(?::\d{1,5})?$/.exec(host);
  return match?.[1] ?? match?.[2] ?? null;
}

function sameAddress(name: string, address: string | undefined): boolean {
  const asked = addressBytes(name);
  const actual = address === undefined ? null : addressBytes(address.replace(/%.*$/, ''));
  return asked !== null && actual !== null && asked.every((byte, index) => byte === actual[index]);
}

/** What stands for the key in the query of a WebSocket. */
function ticketOf({ headers, url = '' }: IncomingMessage): string | null {
  if (headers.upgrade === undefined) return null;
  return new URLSearchParams(url.split('?', 2)[1]).get('ticket');
}

/** The key as a bearer token (RFC 6750), as user and password (for the documents in a browser), or as a subprotocol. */
function tokenOf(request: IncomingMessage): string | null {
  const [scheme, value] = request.headers.authorization?.split(' ', 2) ?? [];
  if (scheme?.toLowerCase() === 'bearer') return value ?? null;
  if (scheme?.toLowerCase() === 'basic') {
    const [id = '', ...secret] = Buffer.from(value ?? '', 'base64')
      .toString()
      .split(':');
    return `${id}.${secret.join(':')}`;
  }
  if (request.headers.upgrade === undefined) return null;
  const offered = request.headers['sec-websocket-protocol']?.split(',').map((name) => name.trim());
  return (
    offered?.find((name) => name.startsWith(BEARER_SUBPROTOCOL))?.slice(BEARER_SUBPROTOCOL.length) ?? null
  );
}
