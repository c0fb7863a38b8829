import type { IncomingMessage } from 'node:http';

const callers = new WeakMap<IncomingMessage, string>();

/** For what comes after the gate: the id of the key that it let pass. */
export function rememberCaller(request: IncomingMessage, keyId: string | null): void {
  if (keyId !== null) callers.set(request, keyId);
}

/** The id of the caller's key; null in protected mode. */
export function callerOf(request: IncomingMessage): string | null {
  return callers.get(request) ?? null;
}
