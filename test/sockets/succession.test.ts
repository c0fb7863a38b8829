import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { Succession } from '../../src/sockets/succession.js';

setFlagsFromString('--expose-gc');
const collectGarbage = runInNewContext('gc') as () => void;

describe('a succession', () => {
  it('tells its oldest, whatever has gone in front of it and in the middle', () => {
    const things = new Succession<string>();
    for (const thing of ['a', 'b', 'c', 'd', 'e']) things.add(thing);
    things.delete('a');
    things.delete('c');
    things.delete('none');
    expect([...things]).toEqual(['b', 'd', 'e']);
    expect([things.size, things.has('c'), things.has('d')]).toEqual([3, false, true]);
    expect([things.beyond(3), things.beyond(2), things.beyond(0)]).toEqual([undefined, 'b', 'b']);
    things.delete('b');
    expect(things.beyond(0)).toBe('d');
  });

  it('has what is added again once, as the newest', () => {
    const things = new Succession<string>();
    for (const thing of ['a', 'b', 'a']) things.add(thing);
    expect([...things]).toEqual(['b', 'a']);
    expect(things.beyond(1)).toBe('b');
  });

  it('is empty again when all has gone, and goes on', () => {
    const things = new Succession<number>();
    for (let i = 0; i < 100; i += 1) {
      things.add(i);
      const oldest = things.beyond(0);
      expect(oldest).toBe(i);
      things.delete(i);
    }
    expect([things.size, things.beyond(0)]).toEqual([0, undefined]);
  });

  it('holds nothing of what has gone, also where nobody asks for its oldest', async () => {
    const things = new Succession<object>();
    const held: WeakRef<object>[] = [];
    for (let i = 0; i < 1000; i += 1) {
      const thing = {};
      held.push(new WeakRef(thing));
      things.add(thing);
      // A hundred are there at any time, as many as nothing has to make room for.
      if (i >= 100) things.delete(held[i - 100]!.deref()!);
      expect(things.beyond(100)).toBeUndefined();
    }
    // A WeakRef holds what it was made from until the turn is over.
    await new Promise(setImmediate);
    collectGarbage();
    expect(held.filter((one) => one.deref() !== undefined)).toHaveLength(things.size);
  });
});
