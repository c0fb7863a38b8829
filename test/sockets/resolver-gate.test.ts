import { ResolverGate } from '../../src/sockets/connect/resolver-gate.js';
import { MAX_WAITING_QUESTIONS } from '../../src/sockets/limits.js';

const WHAT = { syscall: 'getaddrinfo', address: 'slow.example' };
const MINUTE = 60_000;

/** A question whose answer the test gives. */
function question(): { ask: () => Promise<string>; answer: () => void; readonly asked: boolean } {
  let answer = (): void => undefined;
  let asked = false;
  const said = new Promise<string>((resolve) => (answer = () => resolve('answer')));
  const ask = (): Promise<string> => {
    asked = true;
    return said;
  };
  return {
    ask,
    answer: () => answer(),
    get asked() {
      return asked;
    },
  };
}

it('asks so many at once, and the next when one has its answer', async () => {
  const gate = new ResolverGate(2);
  const all = [question(), question(), question()];
  const answers = all.map(({ ask }) => gate.ask(ask, MINUTE, WHAT));
  await Promise.resolve();
  expect(all.map(({ asked }) => asked)).toEqual([true, true, false]);
  all[1]!.answer();
  await expect(answers[1]).resolves.toBe('answer');
  await Promise.resolve();
  expect(all[2]!.asked).toBe(true);
  all[2]!.answer();
  await expect(answers[2]).resolves.toBe('answer');
  all[0]!.answer();
});

it('a question past its deadline keeps its place until the resolver is done, one that waits leaves', async () => {
  const gate = new ResolverGate(1);
  const [slow, waiting, next] = [question(), question(), question()];
  await expect(gate.ask(slow.ask, 10, WHAT)).rejects.toMatchObject({ code: 'ETIMEDOUT' });
  await expect(gate.ask(waiting.ask, 10, WHAT)).rejects.toMatchObject({ code: 'ETIMEDOUT' });
  const last = gate.ask(next.ask, MINUTE, WHAT);
  slow.answer();
  next.answer();
  await expect(last).resolves.toBe('answer');
  expect(waiting.asked).toBe(false);
});

it('lets only so many wait', async () => {
  const gate = new ResolverGate(1);
  const slow = question();
  const all = Array.from({ length: MAX_WAITING_QUESTIONS + 1 }, () => gate.ask(slow.ask, MINUTE, WHAT));
  await expect(gate.ask(slow.ask, MINUTE, WHAT)).rejects.toMatchObject({ code: 'LIMIT_REACHED' });
  slow.answer();
  await Promise.all(all);
  await expect(gate.ask(slow.ask, MINUTE, WHAT)).resolves.toBe('answer');
});

it('a question that fails makes room, too', async () => {
  const gate = new ResolverGate(1);
  const fails = (): Promise<never> => Promise.reject(new Error('no threads'));
  await expect(gate.ask(fails, MINUTE, WHAT)).rejects.toThrow('no threads');
  await expect(gate.ask(() => Promise.resolve(1), MINUTE, WHAT)).resolves.toBe(1);
});
