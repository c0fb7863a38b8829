import { X509Certificate } from 'node:crypto';
import type { Socket } from 'node:net';
import type { SocketError } from '../errors.js';
import { reset } from '../stream/kernel-handle.js';
import { MAX_HANDSHAKES } from '../limits.js';
import type { ServerTls } from './tls-context.js';
import { serverHandshake, type Handshake, type TlsSession } from './tls-handshake.js';
import { describeCertificate, type PeerCertificate } from './tls-peer.js';

/** A handshake that failed: a connection that never became a socket. */
export interface FailedHandshake {
  /** Milliseconds since 1970. */
  at: number;
  error: SocketError;
}

/** What can be shown of the TLS of a listener, by name or as it is: no PEM. */
export interface ShownTls extends Omit<ServerTls, 'certificate' | 'key' | 'ca' | 'sni'> {
  sni: readonly string[];
}

/** The handshakes of one listener. Who connects and stays silent holds a place for a moment, no more. */
export class ListenerHandshakes {
  private readonly running = new Set<Socket>();
  private failures = 0;
  private last: FailedHandshake | null = null;

  readonly shown: ShownTls;
  /** Keys and contexts are in here, and nowhere else; null once the listener is closed. */
  private identity: { certificate: PeerCertificate; handshake: Handshake } | null;

  /** Fails with TLS_INVALID. */
  constructor(
    settings: ServerTls,
    private readonly timeoutMs: number,
    private readonly now: () => number,
  ) {
    const handshake = serverHandshake(settings);
    const certificate = describeCertificate(new X509Certificate(settings.certificate));
    const { alpn, minVersion, requestClientCertificate, requireClientCertificate } = settings;
    const sni = settings.sni.map(({ servername }) => servername);
    this.shown = { alpn, minVersion, requestClientCertificate, requireClientCertificate, sni };
    this.identity = { certificate, handshake };
  }

  /** What it shows to clients that ask for no other by name; null once it is closed. */
  get certificate(): PeerCertificate | null {
    return this.identity?.certificate ?? null;
  }

  get inProgress(): number {
    return this.running.size;
  }

  get failed(): number {
    return this.failures;
  }

  get lastFailure(): FailedHandshake | null {
    return this.last;
  }

  get isFull(): boolean {
    return this.running.size >= MAX_HANDSHAKES;
  }

  /** Null after a failure, which was counted; the connection is gone then. */
  async run(raw: Socket): Promise<TlsSession | null> {
    if (this.identity === null) {
      raw.resetAndDestroy();
      return null;
    }
    this.running.add(raw);
    try {
      return await this.identity.handshake(raw, this.timeoutMs);
    } catch (error) {
      this.failures += 1;
      this.last = { at: this.now(), error: error as SocketError };
      return null;
    } finally {
      this.running.delete(raw);
    }
  }

  /** The listener is closed: no other handshake begins; those that go on hold what they need. */
  close(): void {
    this.identity = null;
  }

  /** Whoever is not through is sent away. */
  abort(): void {
    for (const raw of this.running) reset(raw);
  }
}
