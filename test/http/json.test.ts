import { parseJson } from '../../src/modules/common/json.js';

const nested = (levels: number, inside: string): string => '['.repeat(levels) + inside + ']'.repeat(levels);

it('takes 32 levels, of objects and lists, and not one more', () => {
  const long = JSON.stringify('x'.repeat(100));
  expect(parseJson(nested(32, long))).toHaveLength(1);
  expect(() => parseJson(nested(33, long))).toThrow('nested deeper than 32 levels');
  expect(() => parseJson('{"a":'.repeat(33) + long + '}'.repeat(33))).toThrow('nested deeper');
});

it('brackets side by side or in strings nest nothing', () => {
  const flat = { list: Array.from({ length: 100 }, () => [{}]), text: `${'[{"'.repeat(50)}\\"[` };
  expect(parseJson(JSON.stringify(flat))).toEqual(flat);
  expect(() => parseJson(`["\\\\",${nested(33, '""'.padEnd(80))}]`)).toThrow('nested deeper');
});

it('looks at the depth before it parses, which would take seconds', () => {
  // It ends in the middle: a parser would say so.
  expect(() => parseJson('['.repeat(8_000_000))).toThrow('nested deeper than 32 levels');
});
