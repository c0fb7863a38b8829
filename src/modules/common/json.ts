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

function isTooDeep(value: unknown, depth = 0): boolean {
  if (depth > MAX_DEPTH) return true;
  if (typeof value !== 'object' || value === null) return false;
  return Object.values(value).some((child) => isTooDeep(child, depth + 1));
}
