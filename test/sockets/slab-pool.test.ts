import { MAX_POOLED_BYTES, MAX_READ_BYTES, POOLED_BYTES } from '../../src/sockets/limits.js';
import { SlabPool } from '../../src/sockets/receive/slab-pool.js';

const LARGE = MAX_READ_BYTES;

function taken(pool: SlabPool, count: number): Buffer[] {
  return Array.from({ length: count }, () => pool.take(LARGE));
}

function give(pool: SlabPool, memory: Buffer[]): void {
  for (const slab of memory) pool.give(slab);
}

test('memory that was given back is used again, the last first', () => {
  const pool = new SlabPool();
  const [first, second] = taken(pool, 2) as [Buffer, Buffer];
  give(pool, [first, second]);
  expect(pool.take(LARGE)).toBe(second);
  expect(pool.take(LARGE)).toBe(first);
  expect(pool.bytes).toBe(0);
});

test('a short read gets memory of the smaller size, none of the larger', () => {
  const pool = new SlabPool();
  give(pool, taken(pool, 1));
  expect(pool.take(1).length).toBe(LARGE / 4);
  expect(pool.take(LARGE / 4 + 1).length).toBe(LARGE);
});

test('it holds no more than its bound, and no memory of another size', () => {
  const pool = new SlabPool();
  give(pool, taken(pool, MAX_POOLED_BYTES / LARGE + 3));
  expect(pool.bytes).toBe(MAX_POOLED_BYTES);
  pool.take(LARGE);
  pool.give(Buffer.alloc(LARGE / 8));
  expect(pool.bytes).toBe(MAX_POOLED_BYTES - LARGE);
});

test('what nobody wanted since the last look goes, but for a little', () => {
  const pool = new SlabPool();
  const all = POOLED_BYTES / LARGE + 20;
  give(pool, taken(pool, all));
  const used = taken(pool, 12);
  give(pool, used);
  pool.trim(); // twelve of them were wanted: less than what is kept anyway
  expect(pool.bytes).toBe(POOLED_BYTES);
  pool.trim();
  expect(pool.bytes).toBe(POOLED_BYTES);
});

test('what is wanted again and again stays', () => {
  const pool = new SlabPool();
  const wanted = 2 * (POOLED_BYTES / LARGE);
  give(pool, taken(pool, wanted + 10));
  for (let round = 0; round < 3; round += 1) {
    give(pool, taken(pool, wanted));
    pool.trim();
    expect(pool.bytes).toBe(wanted * LARGE);
  }
  pool.trim();
  expect(pool.bytes).toBe(POOLED_BYTES);
});

test('it looks by itself', () => {
  jest.useFakeTimers();
  try {
    const pool = new SlabPool();
    give(pool, taken(pool, POOLED_BYTES / LARGE + 1));
    jest.advanceTimersByTime(60_000);
    expect(pool.bytes).toBe(POOLED_BYTES);
    expect(jest.getTimerCount()).toBe(0);
  } finally {
    jest.useRealTimers();
  }
});
