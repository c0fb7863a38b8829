import type { X509Certificate } from 'node:crypto';
import type { TLSSocket } from 'node:tls';

export interface PeerCertificate {
  subject: string;
  issuer: string;
  /** ISO 8601; null where the certificate holds no time that can be read. */
  validFrom: string | null;
  validTo: string | null;
  /** SHA-256 of the certificate, as pairs of hex digits with colons between them. */
  fingerprint256: string;
  /** Hex. */
  serialNumber: string;
  /** As OpenSSL prints it: `DNS:example.test, IP Address:192.0.2.1`. */
  subjectAltName: string | null;
  pem: string;
}

/** What a handshake came to. */
export interface TlsState {
  protocol: string;
  /** `name` is OpenSSL's, `standardName` that of RFC 8446 and the IANA registry. */
  cipher: { name: string; standardName: string };
  /** The application protocol that both agreed on (RFC 7301). */
  alpn: string | null;
  /** The name that the client asked for (SNI). */
  servername: string | null;
  /** The peer has shown a certificate, and it was verified. */
  authorized: boolean;
  /** Why the certificate that it has shown could not be verified. */
  authorizationError: string | null;
  peerCertificate: PeerCertificate | null;
}

/** To be asked while the connection is open: the certificate goes with it. */
export function describeTls(socket: TLSSocket): TlsState {
  const certificate = socket.getPeerX509Certificate();
  const { name, standardName } = socket.getCipher();
  // Node gives false, null or nothing where there is none.
  const { alpnProtocol, authorized } = socket;
  const servername = (socket as { servername?: string | false | null }).servername;
  return {
    protocol: socket.getProtocol() ?? 'unknown',
    cipher: { name, standardName },
    alpn: typeof alpnProtocol === 'string' ? alpnProtocol : null,
    servername: typeof servername === 'string' && servername !== '' ? servername : null,
    authorized: authorized && certificate !== undefined,
    authorizationError: certificate === undefined ? null : verificationError(socket),
    peerCertificate: certificate === undefined ? null : describeCertificate(certificate),
  };
}

/** The code of OpenSSL, in spite of the declared type. */
export function verificationError({ authorizationError }: TLSSocket): string | null {
  const code: unknown = authorizationError;
  return typeof code === 'string' ? code : null;
}

export function describeCertificate(certificate: X509Certificate): PeerCertificate {
  const { subject, issuer, validFrom, validTo, fingerprint256, serialNumber } = certificate;
  const subjectAltName = certificate.subjectAltName;
  return {
    subject: oneLine(subject),
    issuer: oneLine(issuer),
    validFrom: isoTime(validFrom),
    validTo: isoTime(validTo),
    fingerprint256,
    serialNumber,
    subjectAltName: subjectAltName ?? null,
    pem: certificate.toString(),
  };
}

/** Node puts each part of a name on a line of its own; nothing at all for an empty one. */
function oneLine(name: string | undefined): string {
  return (name ?? '').split('\n').join(', ');
}

function isoTime(text: string): string | null {
  const time = new Date(text);
  return Number.isNaN(time.getTime()) ? null : time.toISOString();
}
