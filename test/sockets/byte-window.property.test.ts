import fc from 'fast-check';
import { ByteWindow } from '../../src/sockets/receive/byte-window.js';

type Step = { do: 'write' | 'lend' | 'return' | 'forget'; size: number };

const step: fc.Arbitrary<Step> = fc.record({
  do: fc.constantFrom('write' as const, 'lend' as const, 'return' as const, 'forget' as const),
  size: fc.integer({ min: 1, max: 200_000 }),
});

test('bytes are found at their offsets, however they came in and whatever was forgotten', () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 25 }), fc.infiniteStream(fc.nat()), (steps, random) => {
      const window = new ByteWindow();
      let all = Buffer.alloc(0);
      for (const { do: what, size } of steps) {
        const fresh = Buffer.alloc(size, all.length % 251);
        if (what === 'write') {
          window.write(fresh);
          all = Buffer.concat([all, fresh]);
        } else if (what === 'lend') {
          const memory = window.lend(size);
          expect(memory.length).toBeGreaterThan(0);
          expect(memory.length).toBeLessThanOrEqual(size);
          const count = (random.next().value ?? 0) % (memory.length + 1);
          fresh.copy(memory, 0, 0, count);
          window.append(count);
          all = Buffer.concat([all, fresh.subarray(0, count)]);
        } else if (what === 'return') {
          window.lend(size);
          window.returnLoan();
        } else {
          window.forget(window.earliestOffset + size);
        }
        expect(window.headOffset).toBe(all.length);
        expect(window.heldBytes).toBe(all.length - window.earliestOffset);
        expectSame(window, all);
      }
    }),
    { numRuns: 100 },
  );
});

function expectSame(window: ByteWindow, all: Buffer): void {
  for (let offset = window.earliestOffset; offset < window.headOffset;) {
    const { bytes } = window.read(offset, 65_536);
    if (!bytes.equals(all.subarray(offset, offset + bytes.length)) || bytes.length === 0) {
      throw new Error(`other bytes at ${String(offset)}`);
    }
    offset += bytes.length;
  }
}

test('a read outside the window is a mistake of the caller', () => {
  const window = new ByteWindow();
  window.write(Buffer.from('abc'));
  window.forget(2);
  expect(() => window.read(1, 1)).toThrow(RangeError);
  expect(() => window.read(4, 1)).toThrow(RangeError);
  expect(() => window.read(3, 1)).toThrow(RangeError);
});

test('a slice that was not released stays what it is, whatever its memory is used for next', () => {
  const BULK = 262_144;
  const turn = fc.record({
    window: fc.nat({ max: 2 }),
    size: fc.integer({ min: 1, max: BULK }),
    keep: fc.boolean(),
  });
  fc.assert(
    fc.property(fc.array(turn, { maxLength: 40 }), (turns) => {
      const windows = [new ByteWindow(), new ByteWindow(), new ByteWindow()];
      const kept: { bytes: Buffer; value: number }[] = [];
      turns.forEach(({ window: index, size, keep }, value) => {
        const window = windows[index] as ByteWindow;
        window.lend(size).fill(value);
        window.append(size);
        const slice = window.read(window.headOffset - size, size);
        if (keep) kept.push({ bytes: slice.bytes, value });
        else slice.memory.release();
        window.forget(window.headOffset);
      });
      for (const { bytes, value } of kept) expect(bytes.every((byte) => byte === value)).toBe(true);
    }),
    { numRuns: 50 },
  );
});

test('memory of bulk reads is used again once it was read and released', () => {
  const window = new ByteWindow();
  const first = window.lend(262_144);
  window.append(first.length);
  const slice = window.read(0, first.length);
  slice.memory.release();
  window.forget(window.headOffset);
  expect(window.lend(262_144).buffer).toBe(first.buffer);
});

test('memory that was lent and brought nothing is used again, though bytes are held before it', () => {
  const window = new ByteWindow();
  window.write(Buffer.alloc(100));
  const lent = window.lend(262_144);
  window.returnLoan();
  expect(window.heldBytes).toBe(100);
  expect(new ByteWindow().lend(262_144).buffer).toBe(lent.buffer);
});
