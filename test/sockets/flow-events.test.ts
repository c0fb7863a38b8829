import fc from 'fast-check';
import { FlowEvents, type Dropped } from '../../src/sockets/receive/flow-events.js';
import { FLOW_EVENT_MS } from '../../src/sockets/limits.js';

type Told = [name: string, gap: Dropped | null];

function newFlow() {
  const told: Told[] = [];
  const clock = { now: 1_000 };
  const flow = new FlowEvents(
    (name, gap) => told.push([name, gap]),
    () => clock.now,
  );
  return { told, clock, flow };
}

test('a first pause is told at once, and what follows soon as what came of it', () => {
  const { told, clock, flow } = newFlow();
  flow.setPaused(true);
  for (let i = 0; i < 1000; i += 1) flow.setPaused(i % 2 === 1);
  expect(told).toEqual([['paused', null]]);
  flow.setPaused(false);
  clock.now += FLOW_EVENT_MS;
  flow.sweep(clock.now);
  flow.sweep(clock.now);
  expect(told).toEqual([
    ['paused', null],
    ['resumed', null],
  ]);
});

test('gaps that follow soon are told as one, from the first byte to the last, with how many were lost', () => {
  const { told, clock, flow } = newFlow();
  flow.drop({ from: 0, to: 10, dropped: 10 });
  flow.drop({ from: 10, to: 20, dropped: 10 });
  flow.drop({ from: 25, to: 30, dropped: 5 });
  clock.now += FLOW_EVENT_MS;
  flow.sweep(clock.now);
  expect(told).toEqual([
    ['gap', { from: 0, to: 10, dropped: 10 }],
    ['gap', { from: 10, to: 30, dropped: 15 }],
  ]);
});

test('what was gathered is told before the end', () => {
  const { told, flow } = newFlow();
  flow.drop({ from: 0, to: 10, dropped: 10 });
  flow.drop({ from: 10, to: 11, dropped: 1 });
  flow.setPaused(true);
  flow.flush();
  expect(told.slice(1)).toEqual([
    ['gap', { from: 10, to: 11, dropped: 1 }],
    ['paused', null],
  ]);
});

test('pauses and resumes take turns, no drop is left out, and nobody is flooded', () => {
  const act = fc.oneof(
    fc.record({ pause: fc.boolean() }),
    fc.record({ drop: fc.integer({ min: 1, max: 9 }) }),
    fc.record({ wait: fc.integer({ min: 0, max: FLOW_EVENT_MS }) }),
  );
  fc.assert(
    fc.property(fc.array(act, { maxLength: 100 }), (acts) => {
      const { told, clock, flow } = newFlow();
      let head = 0;
      let paused = false;
      for (const one of acts) {
        if ('pause' in one) flow.setPaused((paused = one.pause));
        else if ('drop' in one) flow.drop({ from: head, to: (head += one.drop), dropped: one.drop });
        else flow.sweep((clock.now += one.wait));
      }
      const spentMs = clock.now - 1_000;
      const periods = Math.floor(spentMs / FLOW_EVENT_MS) + 1;
      expect(told.length).toBeLessThanOrEqual(2 * periods);
      flow.flush();
      const turns = told.map(([name]) => name).filter((name) => name !== 'gap');
      expect(turns).toEqual(turns.map((_, i) => (i % 2 === 0 ? 'paused' : 'resumed')));
      expect(turns.length % 2 === 1).toBe(paused);
      const gaps = told.map(([, gap]) => gap).filter((gap) => gap !== null);
      expect(gaps.reduce((sum, { dropped }) => sum + dropped, 0)).toBe(head);
      gaps.forEach(({ from }, i) => expect(from).toBe(gaps[i - 1]?.to ?? 0));
    }),
  );
});
