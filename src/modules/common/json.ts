import { parse } from 'secure-json-parse';

/** Deeper documents have no use here, and recursion over them would exhaust the stack. */
const MAX_DEPTH = 32;

/** JSON of a stranger: no `__proto__`, no depth without end. Throws SyntaxError. */
export function parseJson(text: string): unknown {
  const value: unknown = parse(text);
  // Each level takes two characters: what is short can't be deep.
  if (text.length > 2 * MAX_DEPTH && isTooDeep(value))
    throw new SyntaxError(`nested deeper than ${String(MAX_DEPTH)} levels`);
  return value;
}

function isTooDeep(root: unknown): boolean {
  let level: unknown[] = [root];
  for (let depth = 0; level.length > 0; depth += 1) {
    if (depth > MAX_DEPTH) return true;
    level = level.flatMap((value): unknown[] =>
      typeof value === 'object' && value !== null ? Object.values(value) : [],
    );
  }
  return false;
}
