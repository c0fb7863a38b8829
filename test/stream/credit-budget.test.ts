import fc from 'fast-check';
import {
  CREDIT_BUDGET_BYTES,
  CREDIT_BYTES,
  CreditBudget,
  LEAST_CREDIT_BYTES,
  type ChannelCredit,
} from '../../src/modules/stream/channels/credit-budget.js';

const FULL = CREDIT_BUDGET_BYTES / CREDIT_BYTES;

test('a channel begins with the full credit, and with the least once all is promised', () => {
  const budget = new CreditBudget();
  const windows = Array.from({ length: 2 * FULL }, () => budget.open().windowBytes);
  expect(windows[0]).toBe(CREDIT_BYTES);
  expect(windows.at(-1)).toBe(LEAST_CREDIT_BYTES);
});

test('what one gives back is told to one that has little, with the next credit', () => {
  const budget = new CreditBudget();
  const early = Array.from({ length: 2 * FULL }, () => budget.open());
  const late = budget.open();
  for (const credit of early) credit.close();
  expect(late.free(LEAST_CREDIT_BYTES)).toBe(CREDIT_BYTES);
  expect(late.windowBytes).toBe(CREDIT_BYTES);
});

type Act = ['open'] | ['close', number] | ['free', number, number];
const act: fc.Arbitrary<Act> = fc.oneof(
  fc.constant<Act>(['open']),
  fc.tuple(fc.constant('close' as const), fc.nat()),
  fc.tuple(fc.constant('free' as const), fc.nat(), fc.integer({ min: 1, max: CREDIT_BYTES })),
);

test('never more is promised than the budget and the least of each channel, whatever happens', () => {
  fc.assert(
    fc.property(fc.array(act, { minLength: 300, maxLength: 900 }), (acts) => {
      const budget = new CreditBudget();
      const open: ChannelCredit[] = [];
      for (const [kind, who = 0, bytes = 0] of acts) {
        const credit = open[who % open.length];
        if (kind === 'open') open.push(budget.open());
        else if (kind === 'free') credit?.free(bytes);
        else open.splice(who % open.length, 1)[0]?.close();
        const promised = open.reduce((sum, { windowBytes }) => sum + windowBytes - LEAST_CREDIT_BYTES, 0);
        expect(promised).toBeLessThanOrEqual(CREDIT_BUDGET_BYTES);
      }
    }),
    { numRuns: 40 },
  );
});
