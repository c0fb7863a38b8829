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

it('takes a list of 10,000 with all their fields, and not millions of values', () => {
  const attachment = {
    socketId: 'con_1',
    mode: 'consume',
    reader: 'a,b',
    from: 0,
    windowBytes: 1,
    encoding: 'hex',
  };
  const list = Array<typeof attachment>(10_000).fill(attachment);
  expect(parseJson(JSON.stringify({ list }))).toEqual({ list });
  expect(parseJson(JSON.stringify(','.repeat(200_000)))).toHaveLength(200_000);
  expect(() => parseJson(`[1${',1'.repeat(100_000)}]`)).toThrow('more than 100000 values');
});
