import type { Socket } from 'node:net';
import tls, { type TLSSocket } from 'node:tls';
import { addressBytes, endpointOf, errorFields } from '../endpoint.js';
import { SocketError } from '../errors.js';
import { isReadingOn, underlying } from '../stream/kernel-handle.js';
import { clientContext, serverContext, type ClientTls, type ServerTls } from './tls-context.js';
import { describeTls, verificationError, type TlsState } from './tls-peer.js';

/**
 * Speaks TLS over an open connection, which must have nothing left to send. After a failure the
 * connection is gone. Fails with the verification errors of OpenSSL, with EPROTO where the two could
 * not agree or the peer does not speak TLS, with ECONNRESET and ETIMEDOUT.
 */
export type Handshake = (raw: Socket, timeoutMs: number) => Promise<TlsSession>;

/** TLS over a connection: what is written into `socket` leaves encrypted, what it reads is decrypted. */
export class TlsSession {
  readonly state: TlsState;
  private cut = false;

  /** Make it in the tick of the handshake's end, before anything can have been read. */
  constructor(readonly socket: TLSSocket) {
    this.state = describeTls(socket);
    socket.allowHalfOpen = true;
    // Until the connection has a listener of its own; without any an error would end the process.
    socket.on('error', () => undefined);
    this.watchEnd();
  }

  /**
   * The peer's TCP ended without its close_notify: whoever cut it, what it sent need not be all
   * (RFC 8446, 6.1).
   */
  get isTruncated(): boolean {
    return this.cut;
  }

  /** Node says `end` for both; only after an end of TCP does libuv stop to read by itself. */
  private watchEnd(): void {
    const { socket } = this;
    const push = socket.push.bind(socket);
    socket.push = (chunk: unknown, encoding?: BufferEncoding) => {
      if (chunk === null && !socket.readableEnded) this.cut ||= !isReadingOn(socket);
      return push(chunk, encoding);
    };
  }
}

type Settle = (outcome: TLSSocket | Error) => void;

/** The client's side. `host` is what was dialled. Fails with TLS_INVALID before there is a connection. */
export function clientHandshake(settings: ClientTls, host: string): Handshake {
  const { alpn, insecure } = settings;
  const secureContext = clientContext(settings);
  const expected = (settings.servername ?? host).replace(/\.$/, '');
  // SNI carries names only (RFC 6066, 3); an address is looked for in the certificate all the same.
  const servername = addressBytes(expected) === null ? expected : '';
  return (socket, timeoutMs) =>
    within(socket, timeoutMs, (settle) => {
      const secured = tls.connect({
        socket,
        secureContext,
        servername,
        host: expected,
        ALPNProtocols: alpn.length === 0 ? undefined : [...alpn],
        rejectUnauthorized: !insecure,
      });
      secured.once('secureConnect', () => settle(secured));
      secured.once('error', settle);
    });
}

/** The server's side, for any number of connections. Fails with TLS_INVALID before there is one. */
export function serverHandshake(settings: ServerTls): Handshake {
  // Node's server does no more than the handshakes: it is given connections, and listens nowhere.
  const server = serverContext(settings);
  const waiting = new Map<Socket, Settle>();
  const settle = (secured: TLSSocket, outcome: TLSSocket | Error): void => {
    const raw = underlying(secured);
    if (raw === null) return;
    waiting.get(raw)?.(outcome);
    waiting.delete(raw);
  };
  server.on('secureConnection', (secured) => settle(secured, secured));
  server.on('tlsClientError', (error, secured) => settle(secured, verificationOf(secured) ?? error));
  return (raw, timeoutMs) =>
    within(raw, timeoutMs, (done) => {
      waiting.set(raw, done);
      server.emit('connection', raw);
    }).finally(() => waiting.delete(raw));
}

/** Node hangs up on a client that it could not verify, and says only that the socket hung up. */
function verificationOf(secured: TLSSocket): Error | null {
  const code = verificationError(secured);
  return code === null ? null : Object.assign(new Error('the certificate of the client'), { code });
}

/** One handshake over `raw`, with a deadline; whatever ends it early ends `raw`. */
function within(raw: Socket, timeoutMs: number, start: (settle: Settle) => void): Promise<TlsSession> {
  const { remoteAddress, remotePort } = raw;
  const peer = remoteAddress === undefined ? null : endpointOf(remoteAddress, remotePort ?? 0);
  const details = { syscall: 'handshake', ...errorFields(peer) };
  return new Promise((resolve, reject) => {
    const settle: Settle = (outcome) => {
      clearTimeout(timer);
      raw.off('close', hungUp);
      if (outcome instanceof tls.TLSSocket) return resolve(new TlsSession(outcome));
      raw.destroy();
      reject(SocketError.fromSystem(outcome, details));
    };
    const fail = (code: string): void => settle(Object.assign(new Error(), { code }));
    const timer = setTimeout(() => fail('ETIMEDOUT'), timeoutMs);
    // What Node has to say about the end comes in the same turn, and knows more.
    const hungUp = (): void => void setImmediate(() => fail('ECONNRESET'));
    raw.once('close', hungUp);
    // A peer that goes away in the middle of it has nothing to be answered.
    raw.allowHalfOpen = false;
    start(settle);
  });
}
