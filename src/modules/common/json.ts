import { parse } from 'secure-json-parse';

/** Deeper documents have no use here, and recursion over them would exhaust the stack. */
const MAX_DEPTH = 32;

/** What is looked at one by one: a list of 10,000 things with all their fields has fewer. Millions hold everybody up for seconds. */
const MAX_VALUES = 100_000;

/** JSON of a stranger: no `__proto__`, no depth or number of values without end. Throws SyntaxError. */
export function parseJson(text: string): unknown {
  // Before it is parsed: what is nested without end takes the parser seconds. What is short can be neither.
  const excess = text.length > 2 * MAX_DEPTH ? excessOf(text) : null;
  if (excess !== null) throw new SyntaxError(excess);
  return parse(text);
}

/** Brackets and commas in strings do not count. What is no JSON may be told to be too much of it. */
function excessOf(text: string): string | null {
  let depth = 0;
  let values = 1;
  let inString = false;
  for (let at = 0; at < text.length; at += 1) {
    const character = text[at];
    if (character === '"') inString = !inString;
    else if (inString) at += character === '\\' ? 1 : 0;
    else if (character === '{' || character === '[') depth += 1;
    else if (character === '}' || character === ']') depth -= 1;
    else if (character === ',') values += 1;
    if (depth > MAX_DEPTH) return `nested deeper than ${String(MAX_DEPTH)} levels`;
    if (values > MAX_VALUES) return `more than ${String(MAX_VALUES)} values`;
  }
  return null;
}
