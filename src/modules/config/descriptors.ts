import { readFileSync } from 'node:fs';

/** Kept free for files, the event loop and the resolver. */
const RESERVE = 128;
/** What the HTTP port and its WebSockets have at least, if the limit is that low. */
const LEAST_CONTROL = 64;

/**
 * How the descriptors of the process are shared out. At the kernel's limit Node reports nothing and
 * every port falls silent, the service's own too: so each side stops before.
 */
export function descriptorShares(
  maxSockets: number,
  limit = descriptorLimit(),
): { sockets: number; control: number } {
  const sockets = Math.max(1, Math.min(maxSockets, limit - RESERVE - LEAST_CONTROL));
  return { sockets, control: Math.max(LEAST_CONTROL, limit - RESERVE - sockets) };
}

/** RLIMIT_NOFILE as the kernel tells it (proc(5)); elsewhere no limit is known. */
function descriptorLimit(): number {
  try {
    const soft = /^Max open files\s+(\d+)/m.exec(readFileSync('/proc/self/limits', 'utf8'))?.[1];
    return soft === undefined ? Infinity : Number(soft);
  } catch {
    return Infinity;
  }
}
