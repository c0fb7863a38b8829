import {
  SocketError,
  type DatagramSocket,
  type DataSocket,
  type Engine,
  type InternetEndpoint,
  type ServerEnd,
  type StreamConnection,
} from '../sockets/index.js';

/**
 * Sockets of the engine's own kind, for answers whose time of arrival counts: the kernel's stamp is on their datagrams,
 * and who watches sees them come and go. A question about names needs neither; `Servers` asks it over a socket that no
 * list has.
 */

interface Bounds {
  /** For the name and the connecting. */
  timeoutMs: number;
  /** Ends the question: nobody waits for its answer. */
  signal: AbortSignal;
}

/** The name that a socket's reader has by default. */
export const READER = 'main';

/** Answers to questions are short. */
const WINDOW_BYTES = 64 * 1024;

const SETTINGS = {
  name: null,
  labels: {},
  leaseMs: null,
  idleTimeoutMs: 0,
  family: 'any',
  localAddress: null,
  localPort: null,
  options: [],
} as const;

const RECEIVE = { windowBytes: WINDOW_BYTES, lingerMs: 0, readerTtlMs: null };

/**
 * A UDP socket of the question's own, connected, so that nobody but the server is heard; closed and forgotten at the
 * end. It is one of the engine's: policy, bounds and events hold for it as for any other. The signal that `ask` gets
 * is also aborted, with ECONNREFUSED or the like, when the way to the server is reported to be closed.
 * Errors: those of Engine.openDatagram and of `ask`.
 */
export async function askByUdp<T>(
  engine: Engine,
  server: ServerEnd,
  { timeoutMs, signal }: Bounds,
  ask: (socket: DatagramSocket, signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const receive = { ...RECEIVE, overflow: 'drop-newest' as const };
  const request = { ...SETTINGS, ...server, receive, timeoutMs, as: 'connected', protocol: 'udp' } as const;
  const socket = await engine.openDatagram(request);
  const unreachable = new AbortController();
  const stopListening = engine.onEvent(({ name, socket: about }) => {
    if (about === socket && name === 'unreachable') unreachable.abort(whatCameBack(socket));
  });
  try {
    return await ask(socket, AbortSignal.any([signal, unreachable.signal]));
  } finally {
    stopListening();
    await forget(engine, socket);
  }
}

/** As `askByUdp`, over a TCP connection. Errors: those of Engine.connect and of `ask`. */
export async function askByTcp<T>(
  engine: Engine,
  server: ServerEnd,
  { timeoutMs, signal }: Bounds,
  ask: (connection: StreamConnection) => Promise<T>,
): Promise<T> {
  const receive = { ...RECEIVE, overflow: 'pause' as const };
  const request = { ...SETTINGS, ...server, receive, timeoutMs, tls: null };
  const connection = await engine.connect(request, signal);
  try {
    return await ask(connection);
  } finally {
    await forget(engine, connection);
  }
}

/** The kernel does not say about whom: there is but one. */
function whatCameBack(socket: DatagramSocket): SocketError {
  const error = socket.lastError?.error;
  if (error?.errno === undefined) return new SocketError('SYSTEM_ERROR', 'recv failed', { cause: error });
  return SocketError.fromErrno(error.errno, 'recv', internetPeerOf(socket));
}

/** The peer of a socket that is connected to one. */
export function internetPeerOf({ remoteAddress }: DataSocket): InternetEndpoint {
  if (remoteAddress === null || !('port' in remoteAddress)) throw new RangeError('not a connected socket');
  return remoteAddress;
}

/** Why there is no answer: what is known of the way to the server, or only that the time is over. */
export function unanswered(socket: DataSocket, signal: AbortSignal): SocketError {
  if (signal.aborted && signal.reason instanceof SocketError) return signal.reason;
  const { address, port } = internetPeerOf(socket);
  const details = { syscall: 'recv', address, port };
  return new SocketError('ETIMEDOUT', `recv ETIMEDOUT ${address}:${String(port)}: no answer`, details);
}

/** Closes it, and takes its record out of the list of closed sockets. */
async function forget(engine: Engine, socket: DataSocket): Promise<void> {
  await socket.close('graceful', 'api');
  await engine.remove(socket, 'graceful').catch((error: unknown) => {
    // Somebody else has removed it.
    if (!(error instanceof SocketError)) throw error;
  });
}
