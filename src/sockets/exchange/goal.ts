import type { RE2JS } from 're2js';
import { frameScanner } from '../framing/frame-scanner.js';
import { DEFAULT_MATCHED_BYTES } from '../limits.js';
import type { Ending, Until } from './plan.js';

/** Looks at what comes, one piece after the other, for the end of one wait. */
export interface Goal {
  readonly ending: Ending;
  /** How many bytes of this piece belong to the wait that has its end in it; null: it goes on; `full`: in vain. */
  look(piece: Buffer): number | null | 'full';
  /** How long to let more come before the next look: the last one was dear. */
  readonly restMs: number;
}

const AT_ONCE = { restMs: 0 };
/** What a wait has no use for is bounded by the window. */
const maxBytes = Number.MAX_SAFE_INTEGER;

export function goalOf(until: Until): Goal {
  if ('eof' in until) return { ending: 'eof', look: () => null, ...AT_ONCE };
  if ('idleMs' in until) return { ending: 'idle', look: () => null, ...AT_ONCE };
  if ('bytes' in until)
    return { ending: 'bytes', look: frameScanner({ type: 'fixed', bytes: until.bytes }), ...AT_ONCE };
  if ('delimiter' in until) {
    const { delimiter } = until;
    const look = frameScanner({ type: 'delimiter', delimiter, strip: null, maxBytes });
    return { ending: 'delimiter', look, ...AT_ONCE };
  }
  if ('matches' in until) return new Matching(until.matches);
  let missing = until.datagrams;
  const look = ({ length }: Buffer): number | null => ((missing -= 1) === 0 ? length : null);
  return { ending: 'datagrams', look, ...AT_ONCE };
}

/** Of the time, at most a fifth goes into looking: a peer that sends byte by byte must not hold up everybody. */
const REST_FACTOR = 4;

/** Everything since the wait began is looked at, again at each look: in time that is linear in its length (re2js). */
class Matching implements Goal {
  readonly ending = 'matches';
  restMs = 0;
  private seen: Buffer = Buffer.alloc(0);

  constructor(private readonly expression: RE2JS) {}

  look(piece: Buffer): number | null | 'full' {
    const before = this.seen.length;
    this.seen = Buffer.concat([this.seen, piece.subarray(0, DEFAULT_MATCHED_BYTES - before)]);
    const begun = performance.now();
    const matcher = this.expression.matcher(this.seen);
    const isFound = matcher.find();
    this.restMs = Math.floor(REST_FACTOR * (performance.now() - begun));
    if (isFound) return matcher.end() - before;
    return this.seen.length < DEFAULT_MATCHED_BYTES ? null : 'full';
  }
}
