import { RE2JS } from 're2js';
import { MAX_MATCH_WORK, MAX_PATTERN_CHARACTERS } from '../limits.js';

/**
 * A regular expression for texts of at most `maxBytes`, which takes time in proportion to their length, whatever
 * they are (re2js); or what is wrong with it.
 */
export function compilePattern(pattern: string, maxBytes: number): RE2JS | string {
  if (pattern.length > MAX_PATTERN_CHARACTERS)
    return `must be at most ${String(MAX_PATTERN_CHARACTERS)} characters`;
  try {
    const compiled = RE2JS.compile(pattern);
    const states = compiled.programSize();
    const most = Math.floor(MAX_MATCH_WORK / maxBytes);
    if (states <= most) return compiled;
    const size = `${String(states)} states; with messages of ${String(maxBytes)} bytes`;
    return `is too large: ${size} there may be ${String(most)}`;
  } catch (error) {
    return describe(pattern, error);
  }
}

/** The library says which part is wrong, not where it stands. */
function describe(pattern: string, error: unknown): string {
  const { error: what, input, message } = error as Error & { error?: string; input?: string };
  if (what === undefined) return message;
  const at = input === undefined || input === pattern ? -1 : pattern.indexOf(input);
  const part = input === undefined ? '' : `: ${input}`;
  return at < 0 ? `${what}${part}` : `column ${String(at + 1)}: ${what}${part}`;
}
