import { MAX_CONDITION_DEPTH } from '../limits.js';
import { NO_MATCH, type Match, type Message } from './message.js';
import type { ConditionSpec, Place } from './responder-spec.js';
import { compilePattern } from '../text/pattern.js';
import { encode } from '../text/payload.js';

/** What was found in the message, which may be nothing in particular; null: it does not fulfil the condition. */
export type Condition = (message: Message) => Match | null;

const NEVER: Condition = () => null;

const CONDITIONS = [
  'equals',
  'startsWith',
  'endsWith',
  'contains',
  'matches',
  'hex',
  'all',
  'any',
  'not',
] as const;

/** For messages of at most `maxBytes`. What is wrong is noted at `place`. */
export function compileCondition(spec: ConditionSpec, maxBytes: number, place: Place, depth = 0): Condition {
  const name = place.oneOf(spec, CONDITIONS);
  if (name === undefined) return NEVER;
  const there = place.at(name);
  if (depth > MAX_CONDITION_DEPTH) {
    there.wrong(`is nested deeper than ${String(MAX_CONDITION_DEPTH)}`);
    return NEVER;
  }
  const inner = (one: ConditionSpec, where: Place): Condition =>
    compileCondition(one, maxBytes, where, depth + 1);
  const { equals, startsWith, endsWith, contains, matches, hex, all, any, not } = spec;
  if (equals !== undefined) return textual((text) => text === equals);
  if (startsWith !== undefined) return textual((text) => text.startsWith(startsWith));
  if (endsWith !== undefined) return textual((text) => text.endsWith(endsWith));
  if (contains !== undefined) return textual((text) => text.includes(contains));
  if (matches !== undefined) return expression(matches, maxBytes, there);
  if (hex !== undefined) return exactly(hex, there);
  if (all !== undefined) return everyOf(all.map((one, index) => inner(one, there.at(index))));
  if (any !== undefined) return firstOf(any.map((one, index) => inner(one, there.at(index))));
  const refused = inner(not ?? {}, there);
  return (message) => (refused(message) === null ? NO_MATCH : null);
}

function textual(isSo: (text: string) => boolean): Condition {
  return ({ text }) => (isSo(text) ? NO_MATCH : null);
}

function exactly(hex: string, place: Place): Condition {
  const bytes = bytesOf(hex, 'hex', place);
  return (message) => (message.bytes.equals(bytes) ? NO_MATCH : null);
}

/** Digits of a base; what they are not is noted at `place`. */
export function bytesOf(digits: string, base: 'hex' | 'base64', place: Place): Buffer {
  try {
    return encode(digits, base);
  } catch {
    place.wrong(`is not ${base}`);
    return Buffer.alloc(0);
  }
}

/** Captures of all of them; of those with one name the last one's. */
function everyOf(conditions: readonly Condition[]): Condition {
  return (message) => {
    let found: Match = NO_MATCH;
    for (const condition of conditions) {
      const match = condition(message);
      if (match === null) return null;
      if (match !== NO_MATCH) found = { ...found, ...match };
    }
    return found;
  };
}

function firstOf(conditions: readonly Condition[]): Condition {
  return (message) => {
    for (const condition of conditions) {
      const match = condition(message);
      if (match !== null) return match;
    }
    return null;
  };
}

function expression(pattern: string, maxBytes: number, place: Place): Condition {
  const compiled = compilePattern(pattern, maxBytes);
  if (typeof compiled === 'string') {
    place.wrong(compiled);
    return NEVER;
  }
  return ({ text }) => {
    const matcher = compiled.matcher(text);
    if (!matcher.find()) return null;
    const found: Record<string, string> = {};
    for (let group = 0; group <= matcher.groupCount(); group += 1)
      found[String(group)] = matcher.group(group) ?? '';
    for (const [name, value] of Object.entries(matcher.getNamedGroups())) found[name] = value ?? '';
    return found;
  };
}
