import { readFileSync } from 'node:fs';
import { VARIABLES } from '../../src/modules/config/variables.js';

const README = 'README.md';

/** Rows like `| SOCKEYE_HOST | 127.0.0.1 | meaning |`, with or without code marks around the first two. */
function rows(): Map<string, string> {
  const text = readFileSync(README, 'utf8');
  const row = /^\|\s*`?(SOCKEYE_[A-Z_]+)`?\s*\|\s*([^|]*?)\s*\|/gm;
  return new Map(
    [...text.matchAll(row)].map(([, name = '', value = '']) => [name, value.replace(/^`(.*)`$/, '$1')]),
  );
}

it('the README has a row for every variable, and for no other', () => {
  expect([...rows().keys()].sort()).toEqual(Object.keys(VARIABLES).sort());
});

it('the README says the default of every variable', () => {
  const expected = Object.entries(VARIABLES).map(([name, variable]) => [name, variable.default]);
  // An empty default may be shown as such, or by a word or a dash.
  const shown = expected.map(([name = '', value = '']) => [name, value === '' ? '' : rows().get(name)]);
  expect(shown).toEqual(expected);
});
