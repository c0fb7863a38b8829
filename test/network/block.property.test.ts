import fc from 'fast-check';
import {
  blockContains,
  lastOf,
  parseBlock,
  partCount,
  relationOf,
  sizeOf,
  split,
  WIDTH,
  type Block,
} from '../../src/network/index.js';

const cidr = fc.oneof(
  fc.tuple(fc.ipV4(), fc.nat(32)).map(([address, prefix]) => `${address}/${prefix}`),
  fc.tuple(fc.ipV6(), fc.nat(128)).map(([address, prefix]) => `${address}/${prefix}`),
);
const block = cidr.map((text) => parseBlock(text));

/** A block, and a prefix length that splits it into at most 256 parts. */
const splittable = fc
  .tuple(block, fc.nat(8))
  .map(([whole, more]): [Block, number] => [whole, Math.min(whole.prefix + more, WIDTH[whole.family])]);

test('the parts of a network follow one another and fill it', () => {
  fc.assert(
    fc.property(splittable, ([whole, prefix]) => {
      const parts = split(whole, prefix, 0n, 1000);
      expect(BigInt(parts.length)).toBe(partCount(whole, prefix));
      let next = whole.first;
      for (const part of parts) {
        expect(part.first).toBe(next);
        expect(['equal', 'contains']).toContain(relationOf(whole, part));
        next += sizeOf(part);
      }
      expect(next - 1n).toBe(lastOf(whole));
    }),
  );
});

test('a page of parts is a stretch of all of them', () => {
  fc.assert(
    fc.property(splittable, fc.nat(300), fc.integer({ min: 1, max: 50 }), ([whole, prefix], from, limit) => {
      const all = split(whole, prefix, 0n, 1000);
      const start = Math.min(from, all.length);
      expect(split(whole, prefix, BigInt(start), limit)).toEqual(all.slice(start, start + limit));
    }),
  );
});

test('a network has its bounds and not the addresses beside them', () => {
  fc.assert(
    fc.property(block, (one) => {
      const has = (value: bigint): boolean => blockContains(one, { family: one.family, value, zone: null });
      expect([has(one.first), has(lastOf(one))]).toEqual([true, true]);
      if (one.first > 0n) expect(has(one.first - 1n)).toBe(false);
      if (lastOf(one) + 1n < 1n << BigInt(WIDTH[one.family])) expect(has(lastOf(one) + 1n)).toBe(false);
    }),
  );
});

test('two networks stand to each other in the same way from both sides', () => {
  const mirror = { equal: 'equal', contains: 'within', within: 'contains', disjoint: 'disjoint' };
  fc.assert(
    fc.property(block, block, (one, other) => {
      expect(relationOf(other, one)).toBe(mirror[relationOf(one, other)]);
    }),
  );
});
