import { parseJson } from '../../common/json.js';
import { invalid } from '../../problems/problem.js';

/** What a text frame from the client holds. */
export interface Envelope {
  event: string;
  data: unknown;
  /** Anything; the answer repeats it. */
  ref?: unknown;
}

/** Throws a problem for what is not JSON, or not a message. */
export function readEnvelope(text: string): Envelope {
  let value: unknown;
  try {
    value = parseJson(text);
  } catch (error) {
    throw invalid([
      { pointer: '', detail: `is not JSON: ${error instanceof Error ? error.message : 'unreadable'}` },
    ]);
  }
  const envelope = value as Partial<Envelope> | null;
  if (typeof envelope !== 'object' || envelope === null || typeof envelope.event !== 'string') {
    throw invalid([{ pointer: '/event', detail: 'a message is {"event": ..., "data": {...}, "ref": any}' }]);
  }
  return { event: envelope.event, data: envelope.data, ...('ref' in envelope ? { ref: envelope.ref } : {}) };
}

/** Which channel a message is about, as far as that can be said before it is checked. */
export function channelOf(data: unknown): { channel?: number } {
  const channel = (data as { channel?: unknown } | null | undefined)?.channel;
  return Number.isSafeInteger(channel) ? { channel: channel as number } : {};
}
