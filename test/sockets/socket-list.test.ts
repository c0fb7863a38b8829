import fc from 'fast-check';
import { SocketList } from '../../src/sockets/socket-list.js';
import type { ManagedSocket } from '../../src/sockets/socket.js';

/** The list goes by the sequence number alone. */
const socket = (): ManagedSocket => ({ sequence: 0 }) as ManagedSocket;
const any = (): boolean => true;

test('pages give every socket once, in order, while others come and go between them', () => {
  const action = fc.record({
    add: fc.nat({ max: 30 }),
    remove: fc.array(fc.nat({ max: 200 }), { maxLength: 20 }),
  });
  fc.assert(
    fc.property(
      fc.array(action, { minLength: 1, maxLength: 8 }),
      fc.integer({ min: 1, max: 9 }),
      (actions, limit) => {
        const list = new SocketList();
        const present: ManagedSocket[] = [];
        const seen: ManagedSocket[] = [];
        const removed = new Set<ManagedSocket>();
        let after = 0;
        for (const { add, remove } of actions) {
          for (let i = 0; i < add; i += 1) {
            const added = socket();
            list.add(added);
            present.push(added);
          }
          for (const index of remove) {
            const [gone] = present.splice(index, 1);
            if (gone === undefined) continue;
            list.remove(gone);
            removed.add(gone);
          }
          const page = list.page(after, limit, any);
          seen.push(...page.items);
          after = page.items.at(-1)?.sequence ?? after;
          expect(list.size).toBe(present.length);
        }
        for (let next: number | null = after; next !== null;) {
          const page: { items: ManagedSocket[]; next: number | null } = list.page(next, limit, any);
          seen.push(...page.items);
          next = page.next;
        }
        expect(new Set(seen).size).toBe(seen.length);
        expect(seen.map(({ sequence }) => sequence)).toEqual(
          [...seen.map(({ sequence }) => sequence)].sort((a, b) => a - b),
        );
        for (const one of present) expect(seen).toContain(one);
        expect([...list]).toEqual(present);
      },
    ),
  );
});

test('a filter leaves out without ending the list', () => {
  const list = new SocketList();
  const sockets = Array.from({ length: 10 }, socket);
  sockets.forEach((one) => list.add(one));
  const odd = (one: ManagedSocket): boolean => sockets.indexOf(one) % 2 === 1;
  const first = list.page(0, 3, odd);
  expect(first.items).toEqual([sockets[1], sockets[3], sockets[5]]);
  const second = list.page(first.next ?? 0, 3, odd);
  expect(second).toEqual({ items: [sockets[7], sockets[9]], next: null });
});
