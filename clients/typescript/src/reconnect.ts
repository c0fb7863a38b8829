import { ClosedError, ProblemError, UnreachableError } from './errors.js';

export interface ReconnectOptions {
  /** Before the second attempt; doubled for each one after it. 200 without it. */
  initialDelayMs?: number;
  /** 10,000 without it. */
  maxDelayMs?: number;
  /** After this long without a connection it is over; 300,000 without it. */
  giveUpAfterMs?: number;
}

const DEFAULTS: Required<ReconnectOptions> = {
  initialDelayMs: 200,
  maxDelayMs: 10_000,
  giveUpAfterMs: 300_000,
};

/** Between half and all of what doubles each time: clients that lost the same service do not come back as one. */
export function delayBefore(
  attempt: number,
  options: ReconnectOptions = {},
  random: () => number = Math.random,
): number {
  const { initialDelayMs, maxDelayMs } = { ...DEFAULTS, ...options };
  const whole = Math.min(maxDelayMs, initialDelayMs * 2 ** Math.min(attempt, 30));
  return whole * (0.5 + random() / 2);
}

/**
 * Opens until it works. Rejects with ProblemError when the service does not let us in, which no waiting mends; with
 * UnreachableError after `giveUpAfterMs`; with ClosedError once `stop` says so.
 */
export async function reopen<T>(
  open: () => Promise<T>,
  options: ReconnectOptions,
  stop: AbortSignal,
): Promise<T> {
  const { giveUpAfterMs } = { ...DEFAULTS, ...options };
  const end = Date.now() + giveUpAfterMs;
  for (let attempt = 0; ; attempt += 1) {
    await pause(delayBefore(attempt, options), stop);
    if (stop.aborted) throw new ClosedError('the connection was closed');
    try {
      return await open();
    } catch (error) {
      if (error instanceof ProblemError) throw error;
      if (Date.now() < end) continue;
      throw new UnreachableError(`gave up after ${String(attempt + 1)} attempts`, { cause: error });
    }
  }
}

/** Until then, or until `stop`. */
function pause(ms: number, stop: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (stop.aborted) return resolve();
    const wake = (): void => {
      clearTimeout(timer);
      stop.removeEventListener('abort', wake);
      resolve();
    };
    const timer = setTimeout(wake, ms);
    stop.addEventListener('abort', wake);
  });
}
