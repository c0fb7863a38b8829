import { eventStream } from '../../src/modules/events/event-stream.js';
import { EventFeed } from '../../src/modules/engine/event-feed.js';
import { Engine } from '../../src/sockets/index.js';
import { POLICY } from '../support/engine.js';

let engine: Engine;
let cuts: number;
let gone: AbortController;

beforeEach(() => {
  jest.useFakeTimers();
  engine = new Engine({
    policy: POLICY,
  });
  cuts = 0;
  gone = new AbortController();
});
afterEach(async () => {
  jest.useRealTimers();
  await engine.close();
});

function follow(): AsyncGenerator<string> {
  const feed = new EventFeed(engine);
  const cut = (): number => (cuts += 1);
  return eventStream(feed, { wanted: () => true, cursor: feed.follow(0), ends: [gone.signal], cut });
}

test('a quiet stream shows a sign of life, with its place, every 15 s, and ends when the caller goes', async () => {
  const stream = follow();
  const { value: first } = await stream.next();
  expect(first).toMatch(/^retry: 1000\nid: \d+\n\n$/);
  for (let i = 0; i < 2; i += 1) {
    const next = stream.next();
    await jest.advanceTimersByTimeAsync(15_000);
    expect((await next).value).toBe(`: keep-alive\n${String(first).split('\n')[1]}\n\n`);
  }
  const last = stream.next();
  gone.abort();
  expect(await last).toEqual({ done: true, value: undefined });
  expect(cuts).toBe(0);
});

test('a caller that takes nothing for 60 s is cut off; one that takes is not', async () => {
  const stream = follow();
  await stream.next();
  await jest.advanceTimersByTimeAsync(59_999);
  const waiting = stream.next();
  await jest.advanceTimersByTimeAsync(15_000);
  await waiting;
  expect(cuts).toBe(0);
  await jest.advanceTimersByTimeAsync(60_000);
  expect(cuts).toBe(1);
});
