import { atEndOfTurn, lastInTurn } from '../../src/sockets/turn.js';

const nextTurn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

it('what is put off waits for the end of the turn, and what that puts off belongs to the same turn', async () => {
  const done: string[] = [];
  atEndOfTurn(() => {
    done.push('first');
    atEndOfTurn(() => done.push('of the first'));
  });
  atEndOfTurn(() => done.push('second'));
  setImmediate(() => done.push('next'));
  expect(done).toEqual([]);
  await nextTurn();
  expect(done).toEqual(['first', 'second', 'of the first', 'next']);
});

it('who works in the check phase ends the turn by itself', () => {
  const done: string[] = [];
  lastInTurn(() => {
    atEndOfTurn(() => done.push('put off'));
    done.push('work');
  });
  expect(done).toEqual(['work', 'put off']);
});

it('a task that throws does not take the others with it', async () => {
  const done: string[] = [];
  const work = (): void => {
    atEndOfTurn(() => done.push('before'));
    atEndOfTurn(() => {
      throw new Error('a task failed');
    });
    atEndOfTurn(() => done.push('after'));
  };
  expect(() => lastInTurn(work)).toThrow('a task failed');
  atEndOfTurn(() => done.push('of the next turn'));
  await nextTurn();
  expect(done).toEqual(['before', 'after', 'of the next turn']);
});
