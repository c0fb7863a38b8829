import { parse } from 'secure-json-parse';

/** Deeper documents have no use here, and recursion over them would exhaust the stack. */
const MAX_DEPTH = 32;

/** JSON of a stranger: no `__proto__`, no depth without end. Throws SyntaxError. */
export function parseJson(text: string): unknown {
  // Before it is parsed: what is nested without end takes the parser seconds. What is short can't be deep.
  if (text.length > 2 * MAX_DEPTH && isTooDeep(text))
    throw new SyntaxError(`nested deeper than ${String(MAX_DEPTH)} levels`);
  return parse(text);
}

/** Brackets in strings do not count. What is no JSON may be told to be too deep. */
function isTooDeep(text: string): boolean {
  let depth = 0;
  let inString = false;
  for (let at = 0; at < text.length && depth <= MAX_DEPTH; at += 1) {
    const character = text[at];
    if (character === '"') inString = !inString;
    else if (inString) at += character === '\\' ? 1 : 0;
    else if (character === '{' || character === '[') depth += 1;
    else if (character === '}' || character === ']') depth -= 1;
  }
  return depth > MAX_DEPTH;
}
