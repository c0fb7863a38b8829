import { type Connected, serviceWithEnds } from '../support/far-ends.js';
import { type Message, StreamClient } from '../support/ws-client.js';

const READERS = 1_000;

const at = serviceWithEnds();

/** All answers to the list, in order. */
async function answers(client: StreamClient, attachments: object[]): Promise<Message[]> {
  client.say('attach', { attachments }, 'list');
  const all: Message[] = [];
  while (all.length < attachments.length) {
    const answer = (item: { kind: string; ref?: unknown }): boolean => item.ref === 'list';
    all.push((await client.inbox.take('an answer', answer)) as Message);
  }
  return all;
}

it('1,000 readers that come back go on where each has acknowledged, by one message', async () => {
  const sockets: Connected[] = [];
  for (let i = 0; i < READERS; i += 1) sockets.push(await at.ends.connect());
  sockets.forEach(({ peer }, i) => peer.write(`hello ${String(i).padStart(4, '0')}`));

  const list = sockets.map(({ id }) => ({ socketId: id, reader: 'fleet', from: 'committed' }));
  const first = await StreamClient.open(at.service);
  const attached = await answers(first, list);
  expect(attached.map(({ event, data }) => [event, data.index, data.socketId, data.offset])).toEqual(
    sockets.map(({ id }, index) => ['attached', index, id, 0]),
  );
  // Each reader acknowledges another part of its ten bytes.
  for (let bytes = 0; bytes < READERS * 10;) {
    const frame = await first.inbox.take('a frame', ({ kind }) => kind === 'frame');
    if (frame.kind === 'frame') bytes += frame.bytes.length;
  }
  attached.forEach(({ data }, i) => first.ack(data.channel!, i % 11));
  await first.ask('ping');
  await first.close();

  const second = await StreamClient.open(at.service);
  const back = await answers(second, list);
  expect(back.map(({ data }) => data.offset)).toEqual(sockets.map((_, i) => i % 11));
  for (const [i, { data }] of back.entries()) {
    if (i % 11 === 10) continue;
    const rest = await second.bytes(data.channel!, 10 - (i % 11));
    expect(rest.toString()).toBe(`hello ${String(i).padStart(4, '0')}`.slice(i % 11));
  }
}, 60_000);

it('what is wrong with one item is answered with its place; the others are attached', async () => {
  const { id } = await at.ends.connect();
  const listener = await at.service.listen();
  const client = await StreamClient.open(at.service);
  const got = await answers(client, [
    { socketId: id },
    { socketId: 'con_000000000000000000000000' },
    { listenerId: listener.id, windowBytes: 4096 },
    { socketId: id, listenerId: listener.id },
    { socketId: id, windowBytes: -1 },
    { socketId: id, colour: 'red' },
    { socketId: id, attachments: [] },
    null as unknown as object,
    { socketId: id, mode: 'observe' },
  ]);
  expect(got.map(({ event, data }) => [event, data.index])).toEqual(
    ['attached', 'error', 'attached', 'error', 'error', 'error', 'error', 'error', 'attached'].map(
      (event, index) => [event, index],
    ),
  );
  expect(got[1]?.data.type).toMatch(/\/not-found$/);
  const pointers = got.slice(3, 8).map(({ data }) => data.errors?.[0]?.pointer);
  expect(pointers).toEqual([3, 4, 5, 6, 7].map((n) => expect.stringMatching(`^/attachments/${n}(/|$)`)));
});

it.each([
  ['none', { attachments: [] }],
  ['more than 1,000', { attachments: Array.from({ length: 1_001 }, () => ({ socketId: 'x' })) }],
  ['what is no list', { attachments: { socketId: 'x' } }],
  ['a list and something beside it', { attachments: [{ socketId: 'x' }], reader: 'main' }],
])('a list of %s is refused as a whole', async (_, data) => {
  const client = await StreamClient.open(at.service);
  const { event, data: problem } = await client.ask('attach', data);
  expect(event).toBe('error');
  expect(problem.type).toMatch(/\/validation-failed$/);
  expect(problem.index).toBeUndefined();
  expect((await client.ask('ping', 1)).event).toBe('pong');
  expect(client.inbox.takeAll(() => true)).toEqual([]);
});
