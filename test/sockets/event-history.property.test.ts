import fc from 'fast-check';
import { SocketError } from '../../src/sockets/errors.js';
import { EventHistory } from '../../src/sockets/event-history.js';

type Step = { do: 'add'; count: number } | { do: 'follow'; after: number } | { do: 'take'; cursor: number };

const step: fc.Arbitrary<Step> = fc.oneof(
  fc.record({ do: fc.constant('add' as const), count: fc.integer({ min: 1, max: 12 }) }),
  fc.record({ do: fc.constant('follow' as const), after: fc.nat({ max: 40 }) }),
  fc.record({ do: fc.constant('take' as const), cursor: fc.nat({ max: 4 }) }),
);

it('every follower gets each event once, in order, or is told that it missed it', () => {
  const steps = fc.array(step, { maxLength: 60 });
  fc.assert(
    fc.property(
      steps,
      fc.integer({ min: 1, max: 8 }),
      fc.integer({ min: 2, max: 30 }),
      (run, limit, firstId) => {
        const history = new EventHistory<number>(limit, firstId);
        const followers: { take: () => void }[] = [];
        /** The item of each event is its id: what is taken can be checked without a copy. */
        const follow = (after: number): void => {
          const cursor = history.follow(after);
          let next = after === 0 ? firstId : after + 1;
          const take = (): void => {
            const piece = cursor.next(() => true);
            if (piece === null) return expect(next).toBe(history.lastId + 1);
            if (piece.kind === 'event') {
              expect([piece.id, piece.event]).toEqual([next, next]);
              next += 1;
            } else {
              // Only what is really gone is called so, and all of it at once.
              expect(piece).toEqual({ kind: 'missed', from: next, to: history.earliestId - 1 });
              next = history.earliestId;
            }
            expect(cursor.lastId).toBe(next - 1);
          };
          followers.push({ take });
        };
        for (const one of run) {
          if (one.do === 'add') for (let i = 0; i < one.count; i += 1) history.add(history.lastId + 1);
          else if (one.do === 'take') followers[one.cursor]?.take();
          else if (one.after <= history.lastId) follow(one.after);
          else expect(() => history.follow(one.after)).toThrow(SocketError);
          expect(history.lastId - history.earliestId + 1).toBeLessThanOrEqual(limit);
        }
      },
    ),
  );
});

it('a follower that wants few passes over the others, and its place with it', () => {
  const history = new EventHistory<string>(10, 1);
  const cursor = history.follow(0);
  for (const event of ['a', 'b', 'a']) history.add(event);
  expect(cursor.next((event) => event === 'b')).toEqual({ kind: 'event', id: 2, event: 'b' });
  expect(cursor.next((event) => event === 'b')).toBeNull();
  expect(cursor.lastId).toBe(3);
});

it('of an earlier history everything up to the first event held is missed', () => {
  const history = new EventHistory<string>(10, 1000);
  history.add('a');
  const cursor = history.follow(7);
  expect(cursor.next(() => true)).toEqual({ kind: 'missed', from: 8, to: 999 });
  expect(cursor.next(() => true)).toEqual({ kind: 'event', id: 1000, event: 'a' });
});
