/** What responders do beyond a single answer: order, bounds, changes, and what they write down. */
import type { ListenerDto } from '../../src/modules/common/listener.dto.js';
import type { ResponderStateDto } from '../../src/modules/responders/responders.dto.js';
import type { TranscriptDto } from '../../src/modules/responders/transcript.dto.js';
import type { DataAnswer } from '../../src/modules/sockets/data.dto.js';
import { startApi, type Api } from '../support/api.js';
import { closeDatagramPeers, DatagramPeer } from '../support/datagram-peer.js';
import { portOf } from '../support/ends.js';
import { closePeers, Peer } from './peer.js';
import { accept, hasReceived, inState, listen, polled } from './steps.js';

let api: Api;
beforeAll(async () => (api = await startApi()));
afterEach(closePeers);
afterEach(closeDatagramPeers);
afterAll(() => api.close());

/** All that a peer gets which sends this and says that it is done. */
async function answerTo(listener: ListenerDto, said: string): Promise<string> {
  const peer = await Peer.connect(portOf(listener));
  peer.send(said);
  peer.finish();
  return (await peer.rest()).bytes.toString();
}

const LINES = { framing: { type: 'delimiter', delimiter: '\n' } };

describe('framing', () => {
  it('a message over its bound closes the connection, and says why', async () => {
    const framing = { type: 'delimiter', delimiter: '\n', maxBytes: 10 };
    const listener = await listen(api, { responder: { framing, otherwise: [{ send: 'ok\n' }] } });
    const { peer, connection } = await accept(api, listener);
    peer.send('fine\nthis is far too long');
    expect((await peer.rest()).bytes.toString()).toBe('ok\n');
    const { closeReason } = await inState(api, connection.id, 'failed');
    expect(closeReason).toMatchObject({ code: 'EMSGSIZE' });
  });

  it('a pause ends a message, and so does the end', async () => {
    const responder = {
      framing: { type: 'idle', idleMs: 30 },
      otherwise: [{ send: '[{{ message.text }}]' }],
    };
    const listener = await listen(api, { responder });
    const { peer } = await accept(api, listener);
    peer.send('one');
    expect((await peer.received(5)).toString()).toBe('[one]');
    peer.finish('two');
    expect((await peer.rest()).bytes.toString()).toBe('[one][two]');
  });

  it('without bounds a message still ends with a whole character', async () => {
    const listener = await listen(api, { responder: 'upper' });
    const { peer } = await accept(api, listener);
    const [lead, rest] = [Buffer.from([0xc3]), Buffer.from([0xa9])];
    peer.send(Buffer.concat([Buffer.from('a'), lead]));
    expect((await peer.received(1)).toString()).toBe('A');
    peer.send(rest);
    expect((await peer.received(3)).toString()).toBe('AÉ');
  });
});

describe('the presets', () => {
  it('tell the time as RFC 867 and 868 have it, a quote, and close', async () => {
    const dates = await answerTo(await listen(api, { responder: 'daytime' }), '');
    expect(Math.abs(Date.parse(dates) - Date.now())).toBeLessThan(10_000);
    const listener = await listen(api, { responder: 'time' });
    const peer = await Peer.connect(portOf(listener));
    const { bytes } = await peer.rest();
    expect(Math.abs(bytes.readUInt32BE() - 2_208_988_800 - Date.now() / 1000)).toBeLessThan(10);
    expect((await answerTo(await listen(api, { responder: 'qotd' }), '')).length).toBeGreaterThan(10);
  });

  it('discard what comes, and generate characters for as long as they are read', async () => {
    expect(await answerTo(await listen(api, { responder: 'discard' }), 'x'.repeat(100_000))).toBe('');
    const { peer, connection } = await accept(api, await listen(api, { responder: 'chargen' }));
    const lines = (await peer.received(1_000_000)).toString('latin1').split('\r\n');
    expect(lines[0]).toBe(String.fromCharCode(...Array.from({ length: 72 }, (_, i) => 32 + i)));
    expect(new Set(lines.slice(0, -1).map(({ length }) => length))).toEqual(new Set([72]));
    peer.reset();
    await inState(api, connection.id, 'failed');
  });
});

describe('answers', () => {
  it('of one connection come in order; a delayed one holds up nobody else', async () => {
    const rules = [{ when: { equals: 'slow' }, then: [{ delayMs: 300 }, { send: 'slow\n' }] }];
    const listener = await listen(api, {
      responder: { ...LINES, rules, otherwise: [{ send: '{{ message.text }}\n' }] },
    });
    const { peer: first } = await accept(api, listener);
    const { peer: second } = await accept(api, listener);
    first.send('slow\nafter\n');
    second.send('quick\n');
    expect((await second.received(6)).toString()).toBe('quick\n');
    expect((await first.received(11)).toString()).toBe('slow\nafter\n');
  });

  it('a peer that does not read is not listened to, and cut after the deadline', async () => {
    const listener = await listen(api, {
      responder: { ...LINES, otherwise: [{ send: 'x'.repeat(60_000) }] },
      options: { SO_SNDBUF: 65_536 },
    });
    const { peer, connection } = await accept(api, listener, { stalled: true });
    await api.put(`/v1/sockets/${connection.id}/timeout`, { timeoutMs: 300 });
    // Each line asks for 60,000 bytes, 120 MB in all: what is not read does not pile up.
    peer.send('a\n'.repeat(2000));
    const { closeReason, sent } = await inState(api, connection.id, 'failed');
    expect(closeReason).toMatchObject({ code: 'ETIMEDOUT' });
    expect(sent.bytes).toBeLessThan(20_000_000);
  });

  it('a template that never ends is stopped, and the service answers meanwhile', async () => {
    const endless = '{% for i in (1..100000) %}{% for j in (1..100000) %}{{ j }}{% endfor %}{% endfor %}';
    const listener = await listen(api, { responder: { otherwise: [{ send: endless }] } });
    const { peer, connection } = await accept(api, listener);
    peer.send('go');
    const { closeReason } = await inState(api, connection.id, 'failed');
    expect(closeReason).toMatchObject({ code: 'RESPONDER_FAILED' });
    const { body } = await api.get<ListenerDto>(`/v1/listeners/${listener.id}`);
    expect(body.responder).toMatchObject({ messages: 1, failures: 1 });
  });

  it('of a thousand connections at once none waits for another', async () => {
    const listener = await listen(api, {
      responder: { ...LINES, otherwise: [{ send: '{{ connection.index }}\n' }] },
    });
    const peers = await Promise.all(Array.from({ length: 1000 }, () => Peer.connect(portOf(listener))));
    for (const peer of peers) peer.send('who\n');
    const answers = await Promise.all(peers.map((peer) => peer.received(2)));
    expect(new Set(answers.map(String)).size).toBe(1000);
  });
});

describe('readers', () => {
  it('see what the responder reads; it consumes unless it is told not to', async () => {
    for (const consume of [true, false]) {
      const listener = await listen(api, { responder: { preset: 'echo', consume } });
      const { peer, connection } = await accept(api, listener);
      peer.send('seen');
      await peer.received(4);
      const path = `/v1/sockets/${connection.id}`;
      const { body } = await api.get<DataAnswer>(`${path}/data`, { offset: 0 });
      expect(body.data).toBe('seen');
      const readers = await api.get<{ items: { name: string; committedOffset: number }[] }>(
        `${path}/readers`,
      );
      expect(readers.body.items.map(({ name }) => name)).toEqual(consume ? ['responder'] : []);
      if (!consume) expect((await api.post<DataAnswer>(`${path}/receive`, {})).body.data).toBe('seen');
    }
  });
});

describe('changing the responder', () => {
  it('closes no connection, and goes on where messages begin', async () => {
    const listener = await listen(api, { responder: { ...LINES, otherwise: [{ send: 'old\n' }] } });
    const { peer, connection } = await accept(api, listener);
    peer.send('a\nhalf');
    await peer.received(4);
    const path = `/v1/listeners/${listener.id}/responder`;
    const changed = await api.put<ResponderStateDto>(path, {
      ...LINES,
      otherwise: [{ send: 'new {{ message.text }}\n' }],
    });
    expect(changed.body).toMatchObject({ messages: 0, responder: LINES });
    peer.send(' a line\n');
    expect((await peer.received(20)).toString()).toBe('old\nnew half a line\n');
    expect((await api.delete(path)).status).toBe(204);
    await api.refused(api.get(path), 404, 'not-found');
    peer.send('kept');
    await hasReceived(api, connection.id, 18, 14);
    expect((await api.put(path, '"echo"')).status).toBe(200);
    expect((await peer.received(24)).subarray(20).toString()).toBe('kept');
    await api.refused(api.put(path, { otherwise: [{ send: '{{' }] }), 400, 'validation-failed');
    expect((await api.get<ResponderStateDto>(path)).body.preset).toBe('echo');
  });

  it('a declaration with another one changes it in place', async () => {
    const declare = (responder: string) => api.put<ListenerDto>('/v1/listeners/declared', { responder });
    const first = (await declare('echo')).body;
    const { peer } = await accept(api, first);
    const second = await declare('upper');
    expect({ status: second.status, id: second.body.id }).toEqual({ status: 200, id: first.id });
    peer.send('abc');
    expect((await peer.received(3)).toString()).toBe('ABC');
  });

  it('a rule can close the listener; who is connected is answered on', async () => {
    const rules = [{ when: { equals: 'last' }, then: [{ closeListener: true }, { send: 'closed\n' }] }];
    const listener = await listen(api, { responder: { ...LINES, rules, otherwise: [{ send: 'ok\n' }] } });
    const { peer } = await accept(api, listener);
    peer.send('last\nmore\n');
    expect((await peer.received(10)).toString()).toBe('closed\nok\n');
    expect((await inState(api, listener.id, 'closed')).closeReason).toBe('responder');
  });
});

describe('the transcript', () => {
  it('says what came, which rule it met and what was answered, after the close, too', async () => {
    const rules = [{ when: { equals: 'exit' }, then: [{ send: 'bye\n' }, { close: true }] }];
    const listener = await listen(api, {
      responder: { ...LINES, onConnect: [{ send: 'hi\n' }], rules, otherwise: [{ send: 'what?\n' }] },
    });
    const { peer, connection } = await accept(api, listener);
    peer.send('a\r\nexit\n');
    expect((await peer.rest()).bytes.toString()).toBe('hi\nwhat?\nbye\n');
    peer.finish();
    await inState(api, connection.id, 'closed');
    const path = `/v1/sockets/${connection.id}/transcript`;
    const { items, nextCursor } = (await api.get<TranscriptDto>(path)).body;
    expect(nextCursor).toBeNull();
    expect(items).toMatchObject([
      { matched: 'onConnect', rule: null, received: null, answers: [{ offset: 0, data: 'hi\n' }] },
      {
        matched: 'otherwise',
        received: { offset: 0, nextOffset: 3, bytes: 1, data: 'a' },
        answers: [{ offset: 3, data: 'what?\n' }],
      },
      { matched: 'rule', rule: 0, received: { data: 'exit' }, answers: [{ offset: 9 }], actions: ['close'] },
    ]);
    const page = (await api.get<TranscriptDto>(path, { limit: 2 })).body;
    const rest = (await api.get<TranscriptDto>(path, { cursor: page.nextCursor!, encoding: 'hex' })).body;
    expect(rest.items.map(({ received }) => received?.data)).toEqual(['65786974']);
  });

  it('keeps the newest, and of each the beginning', async () => {
    const listener = await listen(api, { responder: { ...LINES } });
    const { peer, connection } = await accept(api, listener);
    peer.send(`${'x'.repeat(5000)}\n${'y\n'.repeat(1500)}`);
    peer.finish();
    await inState(api, connection.id, 'closed');
    const { items, dropped } = (
      await api.get<TranscriptDto>(`/v1/sockets/${connection.id}/transcript`, { limit: 1000 })
    ).body;
    expect(items.length).toBeLessThan(1001);
    expect(items.length + dropped).toBe(1501);
    expect(items.at(-1)).toMatchObject({ sequence: 1500, received: { data: 'y', truncated: false } });
  });
});

describe('datagrams', () => {
  it('are answered to who sent them, by rule, and written down', async () => {
    const listener = await listen(api, {
      protocol: 'udp',
      responder: {
        rules: [{ when: { equals: 'slow' }, then: [{ delayMs: 200 }, { send: 'late' }] }],
        otherwise: [{ send: '{{ peer.port }}:{{ message.text }}' }],
      },
    });
    const [first, second] = [await DatagramPeer.open(), await DatagramPeer.open()];
    await first.send('slow', portOf(listener));
    await first.send('next', portOf(listener));
    await second.send('quick', portOf(listener));
    const text = async (peer: DatagramPeer): Promise<string> => (await peer.next()).payload.toString();
    expect(await text(second)).toBe(`${second.port}:quick`);
    expect([await text(first), await text(first)]).toEqual(['late', `${first.port}:next`]);
    const { items } = (await api.get<TranscriptDto>(`/v1/sockets/${listener.id}/transcript`)).body;
    expect(items[0]).toMatchObject({ matched: 'rule', rule: 0, from: { port: first.port } });
  });

  it('of another responder are not answered: the two would never end', async () => {
    const [one, two] = [
      await listen(api, { protocol: 'udp', responder: 'echo' }),
      await listen(api, { protocol: 'udp', responder: 'echo' }),
    ];
    const to = { address: '127.0.0.1', port: portOf(two) };
    await api.post(`/v1/sockets/${one.id}/data`, { data: 'ping', to });
    const path = `/v1/sockets/${two.id}/transcript`;
    await polled(
      'it is refused',
      async () => (await api.get<TranscriptDto>(path)).body.items[0]?.error?.code === 'ELOOP',
    );
  });

  it('have no connection to close, and no bounds to find', async () => {
    const responder = {
      framing: { type: 'delimiter', delimiter: '\n' },
      onConnect: [{ send: 'x' }],
      otherwise: [{ close: true }],
    };
    const { errors = [] } = await api.refused(
      api.post('/v1/listeners', { protocol: 'udp', responder }),
      400,
      'validation-failed',
    );
    expect(errors.map(({ pointer }) => pointer)).toEqual([
      '/responder/framing',
      '/responder/onConnect',
      '/responder/otherwise/0/close',
    ]);
  });
});
