import { createPrivateKey, X509Certificate, type KeyObject } from 'node:crypto';
import tls, { type SecureContext, type SecureContextOptions } from 'node:tls';
import { SocketError } from './errors.js';

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
  const own = identity === null ? {} : checkedIdentity(identity, 'tls');
  const context = attempt('tls/certificate', () => tls.createSecureContext({ ...own, minVersion }));
  if (ca === null) return context;
  // Node's option `ca` would stand in place of its roots; giving both anew takes 30 ms a context.
  const native = context.context as { addCACert(pem: string): void };
  for (const certificate of certificatesIn(ca, 'tls/ca')) native.addCACert(certificate.toString());
  return context;
}

/** Both parts are PEM, and belong to each other. */
function checkedIdentity({ certificate, key }: Identity, field: string): { cert: string; key: string } {
  const [leaf] = certificatesIn(certificate, `${field}/certificate`);
  const secret = privateKey(key, `${field}/key`);
  if (leaf?.checkPrivateKey(secret) !== true)
    throw invalid(`${field}/key`, 'does not belong to the certificate');
  return { cert: certificate, key };
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
