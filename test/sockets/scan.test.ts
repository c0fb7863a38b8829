import fc from 'fast-check';
import { Pace } from '../../src/sockets/scan/pace.js';
import { parsePorts } from '../../src/sockets/scan/ports.js';
import { BLOCKED, ScanResults, verdictOf } from '../../src/sockets/scan/results.js';

const PORT = fc.integer({ min: 1, max: 65_535 });

describe('a list of ports', () => {
  it('names every port of its items once, in ascending order', () => {
    expect(parsePorts('443, 22,80,20-24,22')).toEqual([20, 21, 22, 23, 24, 80, 443]);
    expect(parsePorts('1-65535')).toHaveLength(65_535);
    const range = fc.tuple(PORT, fc.integer({ min: 0, max: 500 }));
    fc.assert(
      fc.property(fc.array(range, { minLength: 1, maxLength: 10 }), (ranges) => {
        const ends = ranges.map(([from, more]) => [from, Math.min(65_535, from + more)] as const);
        const text = ends.map(([from, to]) => (from === to ? `${from}` : `${from}-${to}`)).join(',');
        const named = new Set(
          ends.flatMap(([from, to]) => Array.from({ length: to - from + 1 }, (_, i) => from + i)),
        );
        expect(parsePorts(text)).toEqual([...named].sort((a, b) => a - b));
      }),
    );
  });

  it.each([
    '',
    ',',
    '0',
    '65536',
    '80-',
    '-80',
    '90-80',
    '1-65536',
    'http',
    '80;81',
    '8e1',
    '80--90',
    '99999999999',
  ])('is not %j', (text) => {
    expect(() => parsePorts(text)).toThrow(
      expect.objectContaining({ code: 'EINVAL', details: { field: 'ports' } }) as Error,
    );
  });
});

describe('results', () => {
  it('come back in the order in which they were added, counted, and in pages of one state', () => {
    const results = new ScanResults(5);
    const added = [verdictOf(111), verdictOf(0, Buffer.from('hi')), verdictOf(110), BLOCKED, verdictOf(104)];
    added.forEach((verdict, index) => results.add(4 - index, verdict));
    expect(added.map((_, index) => results.at(index))).toEqual(
      added.map((verdict, index) => ({ probe: 4 - index, ...verdict })),
    );
    expect(results.counts).toEqual({ open: 2, closed: 1, filtered: 2 });
    expect(results.page(0, 1, 'open')).toEqual({ positions: [1], next: 2 });
    expect(results.page(2, 1, 'open')).toEqual({ positions: [4], next: 5 });
    expect(results.page(0, 2, null)).toEqual({ positions: [0, 1], next: 2 });
  });
});

it('keeps the banners of 8,192 ports at most, and all verdicts', () => {
  const results = new ScanResults(8_193);
  for (let port = 0; port < 8_193; port += 1) results.add(port, verdictOf(0, Buffer.from('hi')));
  expect([results.at(8_191), results.at(8_192)]).toMatchObject([
    { state: 'open', banner: Buffer.from('hi') },
    { state: 'open', banner: null },
  ]);
});

describe('the pace', () => {
  it('is never more than was asked for in any second, whenever it is asked', () => {
    const rate = fc.integer({ min: 1, max: 2_000 });
    const pauses = fc.array(fc.integer({ min: 0, max: 300 }), { minLength: 20, maxLength: 100 });
    fc.assert(
      fc.property(rate, pauses, (perSecond, gaps) => {
        const pace = new Pace(perSecond, 0);
        const begun: number[] = [];
        let now = 0;
        for (const gap of gaps) {
          now += gap;
          while (pace.waitMs(now) === 0) {
            pace.took(now);
            begun.push(now);
          }
        }
        for (const from of new Set(begun)) {
          const within = begun.filter((at) => at >= from && at < from + 1000).length;
          // What a late timer may make up for: 50 ms of them, and the first.
          expect(within).toBeLessThanOrEqual(perSecond * 1.05 + 2);
        }
      }),
    );
  });
});
