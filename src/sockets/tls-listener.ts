import { X509Certificate } from 'node:crypto';
import type { Socket } from 'node:net';
import type { SocketError } from './errors.js';
import { reset } from './kernel-handle.js';
import { HANDSHAKE_MS, MAX_HANDSHAKES } from './limits.js';
import type { ServerTls } from './tls-context.js';
import { serverHandshake, type Handshake, type TlsSession } from './tls-handshake.js';
import { describeCertificate, type PeerCertificate } from './tls-peer.js';

/** A handshake that failed: a connection that never became a socket. */
export interface FailedHandshake {
  /** Milliseconds since 1970. */
  at: number;
  error: SocketError;
}

/** The handshakes of one listener. Who connects and stays silent holds a place for a moment, no more. */
export class ListenerHandshakes {
  private readonly running = new Set<Socket>();
  private failures = 0;
  private last: FailedHandshake | null = null;

  /** What it shows to clients that ask for no other by name. */
  readonly certificate: PeerCertificate;
  private readonly handshake: Handshake;

  /** Fails with TLS_INVALID. */
  constructor(
    readonly settings: ServerTls,
    private readonly now: () => number,
  ) {
    this.handshake = serverHandshake(settings);
    this.certificate = describeCertificate(new X509Certificate(settings.certificate));
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
    this.running.add(raw);
    try {
      return await this.handshake(raw, HANDSHAKE_MS);
    } catch (error) {
      this.failures += 1;
      this.last = { at: this.now(), error: error as SocketError };
      return null;
    } finally {
      this.running.delete(raw);
    }
  }

  /** The listener closes: whoever is not through is sent away. */
  abort(): void {
    for (const raw of this.running) reset(raw);
  }
}
