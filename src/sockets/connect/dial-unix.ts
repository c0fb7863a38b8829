import { setTimeout as pause } from 'node:timers/promises';
import type { UnixEndpoint } from '../endpoint.js';
import { SocketError } from '../errors.js';
import { race } from './happy-eyeballs.js';
import { ATTEMPT_DELAY_MS } from '../limits.js';
import { close, connect, socket } from '../native/syscalls.js';
import { setOptions, type OptionSetting } from '../options/setting.js';

export interface UnixTarget {
  end: UnixEndpoint;
  type: 'stream' | 'seqpacket';
  timeoutMs: number;
  options: readonly OptionSetting[];
}

/** Where the queue of a listener is full, connect(2) says EAGAIN and does not go on by itself, unix(7). */
const EAGAIN = 11;
const RETRY_MS = 10;

/**
 * Connects a Unix socket, within the deadline and until `signal` is aborted. `onConnect` owns the
 * descriptor. Fails as connect(2) does: ENOENT, ECONNREFUSED, EACCES, EPROTOTYPE.
 */
export function dialUnix<T>(
  target: UnixTarget,
  signal: AbortSignal,
  onConnect: (fd: number) => T,
): Promise<T> {
  const { end, timeoutMs } = target;
  return race({
    candidates: [end],
    delayMs: ATTEMPT_DELAY_MS,
    signal,
    connect: async () => onConnect(await connected(target, Date.now() + timeoutMs, signal)),
  });
}

async function connected(
  { end, type, options }: UnixTarget,
  deadline: number,
  signal: AbortSignal,
): Promise<number> {
  const fd = socket('unix', type);
  try {
    setOptions(fd, options);
    while (!isConnected(fd, end)) {
      if (Date.now() >= deadline) throw tooLate(end);
      await pause(RETRY_MS);
      if (signal.aborted) throw SocketError.fromSystem(signal.reason);
    }
    return fd;
  } catch (error) {
    close(fd);
    throw error;
  }
}

function isConnected(fd: number, end: UnixEndpoint): boolean {
  try {
    return connect(fd, end);
  } catch (error) {
    if (error instanceof SocketError && error.errno === EAGAIN) return false;
    throw error;
  }
}

function tooLate({ path }: UnixEndpoint): SocketError {
  const details = { syscall: 'connect', address: path };
  return new SocketError('ETIMEDOUT', `connect ETIMEDOUT ${path}`, details);
}
