import { SocketError } from '../../src/sockets/errors.js';
import { BUDGET_RESERVE_BYTES, MAX_READERS } from '../../src/sockets/limits.js';
import { ReceiveBudget } from '../../src/sockets/receive/receive-budget.js';
import type { BytesPiece, LogReader } from '../../src/sockets/receive/log-view.js';
import { ByteLog, type StreamOverflow } from '../../src/sockets/receive/byte-log.js';

const noop = (): void => undefined;

function newLog(windowBytes = 10, overflow: StreamOverflow = 'pause', budget = new ReceiveBudget(2 ** 30)) {
  const calls = { room: 0 };
  const log = new ByteLog(
    { windowBytes, overflow, now: () => 0, onRoom: () => (calls.room += 1), onDropped: noop },
    budget,
  );
  return { log, calls };
}

function read(reader: LogReader<BytesPiece>): string {
  const piece = reader.read(100);
  return piece?.kind === 'bytes' ? piece.bytes.toString() : '';
}

describe('the unclaimed cursor', () => {
  test('holds every byte before the first reader comes, whatever its name', () => {
    const { log } = newLog();
    log.write(Buffer.from('abc'));
    expect(log.committedOffset).toBe(0);
    const reader = log.attach('late', 'committed', noop, noop);
    expect(reader.position).toBe(0);
    reader.read(3);
    reader.commit(3);
    expect(log.committedOffset).toBe(3);
  });

  test('is claimed once: a later name starts at the oldest byte held', () => {
    const { log } = newLog();
    log.commit('first', 0);
    log.write(Buffer.from('0123456789'));
    log.commit('first', 6);
    log.write(Buffer.from('abcdef'));
    expect(log.earliestOffset).toBe(6);
    expect(log.attach('second', 'committed', noop, noop).position).toBe(6);
  });

  test('is there again when the last reader is removed, where that reader stood', () => {
    const { log } = newLog();
    log.write(Buffer.from('0123456789'));
    log.commit('main', 4);
    log.removeReader('main');
    expect(log.committedOffset).toBe(4);
    expect(log.room).toBe(4);
    expect(log.nextOffsetOf('other')).toBe(4);
  });
});

describe('what was read beyond the window', () => {
  test('is withheld, whether lent or copied, and comes as room is made', () => {
    const { log } = newLog();
    log.lend(16).write('0123456789abcdef');
    log.append(16);
    expect([log.headOffset, log.room, log.isWithholding]).toEqual([10, 0, true]);
    const reader = log.attach('main', 'committed', noop, noop);
    expect(read(reader)).toBe('0123456789');
    expect(reader.read(1)).toBeNull();

    reader.commit(4);
    expect([log.headOffset, log.room]).toEqual([14, 0]);
    expect(read(reader)).toBe('abcd');
    log.write(Buffer.from('ghij'));
    reader.commit(14);
    expect([log.headOffset, log.room, log.isWithholding]).toEqual([20, 4, false]);
    expect(read(reader)).toBe('efghij');
  });

  test('counts as held, and so does what is lent, until it is given back or thrown away', () => {
    const budget = new ReceiveBudget(2 ** 30);
    const { log } = newLog(10, 'pause', budget);
    expect(log.lend(100_000)).toHaveLength(100_000);
    expect(budget.unused).toBe(2 ** 30 - 100_000);
    log.returnLoan();
    expect(budget.unused).toBe(2 ** 30);
    log.write(Buffer.alloc(100_000));
    expect(budget.usedBytes).toBe(100_000);
    log.dropWithheld();
    expect([budget.usedBytes, log.headOffset, log.isWithholding]).toEqual([10, 10, false]);
    log.commit('main', 10);
    log.write(Buffer.from('after'));
    expect(log.headOffset).toBe(15);
    log.write(Buffer.alloc(100));
    log.discard();
    expect(budget.usedBytes).toBe(0);
  });
});

describe('a full window', () => {
  test('has no room until bytes are committed, and says when there is', () => {
    const { log, calls } = newLog();
    log.write(Buffer.from('0123456789'));
    expect(log.room).toBe(0);
    log.commit('main', 1);
    expect(log.room).toBe(1);
    expect(calls.room).toBe(1);
  });

  test('is held by the slowest reader, and freed when that one is removed', () => {
    const { log, calls } = newLog();
    log.commit('fast', 0);
    log.commit('slow', 0);
    log.write(Buffer.from('0123456789'));
    log.commit('fast', 10);
    expect(log.room).toBe(0);
    log.removeReader('slow');
    expect(log.room).toBe(10);
    expect(calls.room).toBeGreaterThan(0);
  });
});

test('a second attach under a name takes over, and the first one is told', () => {
  const { log } = newLog();
  let told = 0;
  const first = log.attach('main', 'committed', noop, () => (told += 1));
  const second = log.attach('main', 'committed', noop, noop);
  expect(told).toBe(1);
  log.write(Buffer.from('abc'));
  second.read(3);
  first.commit(0);
  second.commit(3);
  expect(log.committedOffset).toBe(3);
});

test('a refused attach claims nothing and puts nobody out', () => {
  const { log } = newLog();
  let told = 0;
  log.attach('main', 'committed', noop, () => (told += 1));
  expect(() => log.attach('main', 5, noop, noop)).toThrow(SocketError);
  expect(told).toBe(0);
  expect(log.readers()).toHaveLength(1);
});

test('committing past what a reader was given is refused', () => {
  const { log } = newLog();
  const reader = log.attach('main', 'committed', noop, noop);
  log.write(Buffer.from('abc'));
  reader.read(1);
  expect(() => reader.commit(2)).toThrow(/beyond/);
  expect(() => log.commit('other', 4)).toThrow(/beyond/);
});

test('while somebody is attached under a name, committing for it otherwise is refused', () => {
  const { log } = newLog();
  const reader = log.attach('main', 'committed', noop, noop);
  expect(() => log.commit('main', 0)).toThrow(expect.objectContaining({ code: 'READER_ATTACHED' }));
  reader.detach();
  expect(log.commit('main', 0)).toBe(0);
});

test('an observer that is too slow gets the hole, and holds nobody back', () => {
  const { log } = newLog();
  const observer = log.observe('committed', noop);
  log.write(Buffer.from('0123456789'));
  log.commit('main', 10);
  log.write(Buffer.from('abcd'));
  expect(observer.read(100)).toEqual({ kind: 'gap', from: 0, to: 4 });
  expect(observer.read(100)).toMatchObject({ kind: 'bytes', offset: 4 });
});

test('a live feed counts what its consuming readers missed', () => {
  const { log } = newLog(10, 'drop-oldest');
  log.commit('main', 0);
  log.write(Buffer.from('0123456789'));
  log.write(Buffer.from('abc'));
  expect(log.droppedBytes).toBe(3);
  expect(log.attach('main', 'committed', noop, noop).read(5)).toEqual({ kind: 'gap', from: 0, to: 3 });
});

test('more bytes at once than the window holds leave the last of them', () => {
  const { log } = newLog(4, 'drop-oldest');
  log.write(Buffer.from('abcdefg'));
  expect(log.earliestOffset).toBe(3);
  expect(log.peek(3, 10)).toMatchObject({ bytes: Buffer.from('defg') });
});

test('bytes that were handed out stay what they were when the window moves on', () => {
  const { log } = newLog();
  const observer = log.observe('live', noop);
  log.write(Buffer.from('first'));
  const piece = observer.read(5);
  for (let i = 0; i < 100; i += 1) {
    log.commit('main', log.headOffset);
    log.write(Buffer.from('0123456789'));
  }
  expect(piece).toMatchObject({ bytes: Buffer.from('first') });
});

test('every view is woken by bytes, by the end and by a discard', () => {
  const { log } = newLog();
  let woken = 0;
  log.observe('live', () => (woken += 1));
  log.write(Buffer.from('a'));
  log.end();
  log.discard();
  expect(woken).toBe(3);
  expect(log.isDiscarded).toBe(true);
  expect(log.peek(1, 1)).toBeNull();
});

test('a socket remembers a bounded number of readers', () => {
  const { log } = newLog();
  for (let i = 0; i < MAX_READERS; i += 1) log.commit(`reader-${String(i)}`, 0);
  expect(() => log.commit('one-more', 0)).toThrow(expect.objectContaining({ code: 'QUOTA_EXCEEDED' }));
});

describe('the byte budget of the process', () => {
  test('lets history go before it stops anybody', () => {
    const budget = new ReceiveBudget(100_000);
    const { log: old } = newLog(1_000_000, 'pause', budget);
    old.write(Buffer.alloc(90_000));
    old.commit('main', 90_000);
    const { log } = newLog(1_000_000, 'pause', budget);
    log.write(Buffer.alloc(10_000));
    expect(budget.exhausted).toBe(true);
    expect(log.room).toBe(90_000);
    expect(old.earliestOffset).toBe(90_000);
  });

  test('holds a log to its reserve when others have used it up, and wakes it when they commit', () => {
    const budget = new ReceiveBudget(100_000);
    const { log: greedy } = newLog(1_000_000, 'pause', budget);
    greedy.write(Buffer.alloc(100_000));
    const { log, calls } = newLog(1_000_000, 'pause', budget);
    expect(log.room).toBe(BUDGET_RESERVE_BYTES);
    log.write(Buffer.alloc(BUDGET_RESERVE_BYTES));
    expect(log.room).toBe(0);
    greedy.commit('main', 100_000);
    expect(calls.room).toBe(1);
    expect(log.room).toBeGreaterThan(0);
  });

  test('makes a live feed give way, which is never stopped', () => {
    const budget = new ReceiveBudget(100_000);
    const { log } = newLog(1_000_000, 'drop-oldest', budget);
    for (let i = 0; i < 50; i += 1) log.write(Buffer.alloc(10_000));
    expect(budget.usedBytes).toBeLessThanOrEqual(100_000);
    expect(log.room).toBe(1_000_000);
  });

  test('gets everything back when logs are discarded', () => {
    const budget = new ReceiveBudget(100_000);
    const { log } = newLog(50_000, 'pause', budget);
    log.write(Buffer.alloc(30_000));
    log.discard();
    expect(budget.usedBytes).toBe(0);
  });
});
