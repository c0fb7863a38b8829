import { ReceiveBudget } from '../../src/sockets/receive/receive-budget.js';
import { follow } from '../../src/sockets/receive/follow.js';
import { readAt, receiveAs, type ReadRequest } from '../../src/sockets/receive/read.js';
import { ByteLog } from '../../src/sockets/receive/byte-log.js';

const noop = (): void => undefined;

function newLog(windowBytes = 1000): ByteLog {
  const options = {
    windowBytes,
    overflow: 'pause' as const,
    now: () => 0,
    onRoom: noop,
    onDropped: noop,
  };
  return new ByteLog(options, new ReceiveBudget(2 ** 30));
}

const request = (over: Partial<ReadRequest> = {}): ReadRequest => ({
  maxBytes: 100,
  encoding: 'utf8',
  waitMs: 0,
  signal: new AbortController().signal,
  ...over,
});

test('receives at the same time get each byte once', async () => {
  const log = newLog();
  const waiting = Array.from({ length: 5 }, () =>
    receiveAs(log, 'main', request({ waitMs: 5000, maxBytes: 3 })),
  );
  for (const bytes of ['abc', 'def', 'ghi', 'jkl', 'mno']) log.write(Buffer.from(bytes));
  const answers = await Promise.all(waiting);
  expect(answers.map(({ text }) => text?.data).sort()).toEqual(['abc', 'def', 'ghi', 'jkl', 'mno']);
  expect(log.committedOffset).toBe(15);
});

test('a wait ends when nobody is there for the answer', async () => {
  const log = newLog();
  const gone = new AbortController();
  const reading = readAt(log, 0, request({ waitMs: 60_000, signal: gone.signal }));
  gone.abort();
  expect(await reading).toMatchObject({ offset: 0, nextOffset: 0, eof: false });
  expect(log.observerCount).toBe(0);
});

test('a wait ends with the stream', async () => {
  const log = newLog();
  const reading = readAt(log, 0, request({ waitMs: 60_000 }));
  log.end();
  expect(await reading).toMatchObject({ eof: true });
});

test('a character whose end has not come is waited for, and left when it does not', async () => {
  const log = newLog();
  const [first, second] = [Buffer.from([0xc3]), Buffer.from([0xa9])];
  log.write(first);
  expect(await readAt(log, 0, request())).toMatchObject({ nextOffset: 0, text: { data: '', lossy: false } });
  const reading = readAt(log, 0, request({ waitMs: 60_000 }));
  log.write(second);
  expect(await reading).toMatchObject({ nextOffset: 2, text: { data: 'é' } });
  expect(await readAt(log, 0, request({ maxBytes: 1 }))).toMatchObject({
    nextOffset: 1,
    text: { lossy: true },
  });
});

test('a window that is too small for a character does not hold its reader for ever', async () => {
  const log = newLog(1);
  log.write(Buffer.from([0xd6]));
  expect(await receiveAs(log, 'main', request({ encoding: 'GBK', waitMs: 60_000 }))).toMatchObject({
    nextOffset: 1,
    text: { data: '\ufffd', lossy: true },
  });
});

test('a gap is told once to a receive, which then goes on behind it', async () => {
  const options = {
    windowBytes: 4,
    overflow: 'drop-oldest' as const,
    now: () => 0,
    onRoom: noop,
    onDropped: noop,
  };
  const log = new ByteLog(options, new ReceiveBudget(2 ** 30));
  log.commit('main', 0);
  log.write(Buffer.from('abcdefgh'));
  await expect(receiveAs(log, 'main', request())).rejects.toMatchObject({
    code: 'OFFSET_GONE',
    details: { gap: { from: 0, to: 4 } },
  });
  expect(await receiveAs(log, 'main', request())).toMatchObject({ offset: 4, text: { data: 'efgh' } });
});

test('a reader that waits is not away: its time does not run out meanwhile', async () => {
  const log = newLog();
  const waiting = receiveAs(log, 'main', request({ waitMs: 60_000 }));
  log.forgetReadersUnusedSince(Infinity);
  log.write(Buffer.from('abc'));
  expect(await waiting).toMatchObject({ offset: 0, text: { data: 'abc' } });
  log.forgetReadersUnusedSince(Infinity);
  expect(log.readers()).toEqual([]);
});

describe('following', () => {
  test('gives the name back when its caller goes, also while nothing comes', async () => {
    const log = newLog();
    const gone = new AbortController();
    const following = follow(log, 0, 'main', gone.signal);
    const next = following.next();
    expect(log.readers()).toMatchObject([{ attached: true }]);
    gone.abort();
    await expect(next).rejects.toMatchObject({ code: 'ECANCELED' });
    expect(log.readers()).toMatchObject([{ attached: false }]);
  });

  test('commits what was taken when it goes on, and ends with the stream', async () => {
    const log = newLog();
    const following = follow(log, 0, 'main', new AbortController().signal);
    log.write(Buffer.from('abc'));
    expect(String((await following.next()).value)).toBe('abc');
    expect(log.committedOffset).toBe(0);
    const last = following.next();
    expect(log.committedOffset).toBe(3);
    log.end();
    expect((await last).done).toBe(true);
  });

  test('that is given up before it began leaves nothing attached', () => {
    const log = newLog();
    const gone = new AbortController();
    follow(log, 0, 'main', gone.signal);
    gone.abort();
    expect(log.readers()).toMatchObject([{ attached: false }]);
  });

  test('without a name holds nobody back', async () => {
    const log = newLog();
    const following = follow(log, 0, null, new AbortController().signal);
    log.write(Buffer.from('abc'));
    await following.next();
    expect(log.readers()).toEqual([]);
    await following.return(undefined);
    expect(log.observerCount).toBe(0);
  });
});
