import type { Logger } from 'pino';
import { SocketError, DataSocket, type Engine, type SocketEvent } from '../../sockets/index.js';

/** What opens and closes is news; what comes and goes with traffic is for who looks closer. */
const NEWS: ReadonlySet<SocketEvent['name']> = new Set(['created', 'connected', 'closed', 'failed']);

/** One line for each event in the life of a socket: who, from where, why, how many bytes. Never a payload. */
export function logSockets(engine: Engine, logger: Logger): void {
  engine.onEvent((event) => {
    const level = NEWS.has(event.name) ? 'info' : 'debug';
    // A busy socket pauses a thousand times a second: its line is made only if it is written.
    if (logger.isLevelEnabled(level)) logger[level](lineOf(event), `socket ${event.name}`);
  });
}

function lineOf({ socket }: SocketEvent): object {
  const { id, kind, name, localAddress, closeReason } = socket;
  const line = { id, kind, name, local: localAddress, reason: reasonOf(closeReason) };
  if (!(socket instanceof DataSocket)) return line;
  const { remoteAddress, listenerId, log, sentBytes } = socket;
  return { ...line, remote: remoteAddress, listenerId, receivedBytes: log.receivedBytes, sentBytes };
}

function reasonOf(reason: SocketEvent['socket']['closeReason']): string | undefined {
  if (reason === null) return undefined;
  return reason instanceof SocketError ? reason.code : reason;
}
