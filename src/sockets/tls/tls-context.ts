import { createHash, createPrivateKey, X509Certificate, type KeyObject } from 'node:crypto';
import tls, { type SecureContext, type SecureContextOptions } from 'node:tls';
import { SocketError } from '../errors.js';
import { MAX_SNI_NAMES, MAX_TLS_BYTES } from '../limits.js';

export const TLS_VERSIONS = ['TLSv1.2', 'TLSv1.3'] as const;
export type TlsVersion = (typeof TLS_VERSIONS)[number];

/** PEM: the certificate, with its chain behind it, and its private key. */
export interface Identity {
  certificate: string;
  key: string;
}

/** How a server speaks TLS. */
export interface ServerTls extends Identity {
  /** PEM: who signs certificates of clients; no other authority is trusted for that. */
  ca: string | null;
  requestClientCertificate: boolean;
  /** A client without a certificate that `ca` vouches for is refused. */
  requireClientCertificate: boolean;
  /** Application protocols, the preferred one first (RFC 7301). */
  alpn: readonly string[];
  minVersion: TlsVersion;
  /** Another identity for clients that ask for that name; `*.example.test` stands for one label. */
  sni: readonly (Identity & { servername: string })[];
}

/** How a client speaks TLS. */
export interface ClientTls {
  /** Name to ask for (SNI) and to expect in the certificate; null: the host that is dialled. */
  servername: string | null;
  /** PEM: authorities that are trusted besides those of Node. */
  ca: string | null;
  alpn: readonly string[];
  minVersion: TlsVersion;
  /** Goes on with a server that could not be verified. */
  insecure: boolean;
  identity: Identity | null;
}

const LONGEST_TIMER_MS = 2 ** 31 - 1;
const CERTIFICATE = /-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g;

/**
 * What a handshake as server needs. Node makes contexts of it as connections come, so all of it is
 * tried here first. Fails with TLS_INVALID, which names the field: nothing was bound or sent then.
 */
export function serverContext(settings: ServerTls): tls.Server {
  const { alpn, minVersion, requestClientCertificate, requireClientCertificate, sni } = settings;
  if (sni.length > MAX_SNI_NAMES) throw invalid('tls/sni', `has more than ${String(MAX_SNI_NAMES)} names`);
  refuseTooMuch([settings.ca, ...[settings, ...sni].flatMap(({ certificate, key }) => [certificate, key])]);
  if (requireClientCertificate && settings.ca === null)
    throw invalid('tls/ca', 'must be given where a client certificate is required');
  const ca = settings.ca === null ? {} : { ca: certificatesIn(settings.ca, 'tls/ca').map(String) };
  const contextOf = (identity: Identity, field: string): SecureContextOptions => ({
    ...checkedIdentity(identity, field),
    ...ca,
    minVersion,
  });
  const server = attempt('tls/certificate', () =>
    tls.createServer({
      ...contextOf(settings, 'tls'),
      ALPNProtocols: alpn.length === 0 ? undefined : [...alpn],
      requestCert: requestClientCertificate || requireClientCertificate,
      rejectUnauthorized: requireClientCertificate,
      // Each handshake has a deadline of its own, which covers more.
      handshakeTimeout: LONGEST_TIMER_MS,
    }),
  );
  sni.forEach(({ servername, ...identity }, index) => {
    const field = `tls/sni/${String(index)}`;
    const options = contextOf(identity, field);
    attempt(`${field}/certificate`, () => server.addContext(servername, options));
  });
  return server;
}

/** What a handshake as client needs. Fails with TLS_INVALID. */
export function clientContext({ ca, identity, minVersion }: ClientTls): SecureContext {
  refuseTooMuch([ca, identity?.certificate ?? null, identity?.key ?? null]);
  const own = identity === null ? {} : checkedIdentity(identity, 'tls');
  const context = attempt('tls/certificate', () => tls.createSecureContext({ ...own, minVersion }));
  if (ca === null) return context;
  // Node's option `ca` would stand in place of its roots; giving both anew takes 30 ms a context.
  const native = context.context as { addCACert(pem: string): void };
  for (const certificate of certificatesIn(ca, 'tls/ca')) native.addCACert(certificate.toString());
  return context;
}

/** Whether two settings are the same can be told by this when they themselves are gone. Hex of a SHA-256. */
export function digestOf(settings: ServerTls): string {
  return createHash('sha256')
    .update(JSON.stringify(Object.entries(settings).sort()))
    .digest('hex');
}

/** All of it stays in memory for as long as the socket is open, and in more than one form. */
function refuseTooMuch(parts: readonly (string | null)[]): void {
  const bytes = parts.reduce((sum, part) => sum + Buffer.byteLength(part ?? ''), 0);
  if (bytes > MAX_TLS_BYTES)
    throw invalid(
      'tls',
      `has ${String(bytes)} bytes of PEM in all, at most ${String(MAX_TLS_BYTES)} are taken`,
    );
}

/** Both parts are PEM, and belong to each other. What stands around the PEM is left out. */
function checkedIdentity({ certificate, key }: Identity, field: string): { cert: string; key: string } {
  const chain = certificatesIn(certificate, `${field}/certificate`);
  const secret = privateKey(key, `${field}/key`);
  if (chain[0]?.checkPrivateKey(secret) !== true)
    throw invalid(`${field}/key`, 'does not belong to the certificate');
  return { cert: chain.join(''), key: secret.export({ type: 'pkcs8', format: 'pem' }).toString() };
}

function certificatesIn(pem: string, field: string): X509Certificate[] {
  const blocks = pem.match(CERTIFICATE);
  if (blocks === null) throw invalid(field, 'must be a certificate in PEM');
  return blocks.map((block) => attempt(field, () => new X509Certificate(block)));
}

function privateKey(pem: string, field: string): KeyObject {
  try {
    return createPrivateKey(pem);
  } catch (error) {
    const encrypted = (error as NodeJS.ErrnoException).code === 'ERR_MISSING_PASSPHRASE';
    throw invalid(
      field,
      encrypted ? 'must be a private key that is not encrypted' : 'must be a private key in PEM',
    );
  }
}

/** OpenSSL has rules of its own: a key can be too short, a digest too weak. */
function attempt<T>(field: string, make: () => T): T {
  try {
    return make();
  } catch (error) {
    if (error instanceof SocketError) throw error;
    const { reason, message } = error as Error & { reason?: string };
    throw invalid(field, `OpenSSL does not take it: ${reason ?? message}`);
  }
}

function invalid(field: string, detail: string): SocketError {
  return new SocketError('TLS_INVALID', detail, { field });
}
