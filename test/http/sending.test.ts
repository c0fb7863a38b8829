import type { SentAnswer } from '../../src/modules/sockets/data.dto.js';
import { startApi, type Api } from '../support/api.js';
import { closePeers } from './peer.js';
import { dial, inspect, inState, polled } from './steps.js';

/** More than the buffers of both kernels hold for a peer that does not read. */
const TOO_MUCH = Buffer.alloc(15 * 1024 * 1024, 'x');

let api: Api;
beforeAll(async () => (api = await startApi()));
afterEach(closePeers);
afterAll(() => api.close());

async function send(
  id: string,
  body: Buffer | object,
  query: Record<string, string | number> = {},
): Promise<number> {
  const answer = await api.post<SentAnswer>(`/v1/sockets/${id}/data`, body, { query });
  expect(answer.status).toBe(200);
  return answer.body.bytesSent;
}

describe('sending', () => {
  it('takes every byte as it is from an octet-stream', async () => {
    const { peer, client } = await dial(api);
    const bytes = Buffer.from(Array.from({ length: 256 }, (_, value) => value));
    expect(await send(client.id, bytes)).toBe(256);
    expect(await peer.received(256)).toEqual(bytes);
  });

  it.each([
    ['utf8', 'né€😀', 'né€😀'],
    ['latin1', 'né\u00ff', Buffer.from([0x6e, 0xe9, 0xff])],
    ['hex', '00ffFE', Buffer.from([0x00, 0xff, 0xfe])],
    ['base64', 'AP/+', Buffer.from([0x00, 0xff, 0xfe])],
    ['base64', 'AP8=', Buffer.from([0x00, 0xff])],
    ['base64', 'AP8', Buffer.from([0x00, 0xff])],
    ['GBK', '中文', Buffer.from([0xd6, 0xd0, 0xce, 0xc4])],
    ['shift_jis', '日本', Buffer.from([0x93, 0xfa, 0x96, 0x7b])],
    ['UTF-16', 'a', Buffer.from([0x61, 0x00])],
    ['utf-7', 'ü', '+APw-'],
  ])('takes text in %s, and counts bytes', async (encoding, data, bytes) => {
    const { peer, client } = await dial(api);
    const expected = Buffer.from(bytes);
    expect(await send(client.id, { data, encoding })).toBe(expected.length);
    expect(await peer.received(expected.length)).toEqual(expected);
  });

  it('takes utf8 when nothing is said, and a name for an id', async () => {
    const { peer } = await dial(api, { name: 'named' });
    expect(await send('named', { data: 'é' })).toBe(2);
    expect((await peer.received(2)).toString()).toBe('é');
  });

  it('of nothing is done at once', async () => {
    const { client } = await dial(api);
    expect(await send(client.id, { data: '' })).toBe(0);
    expect(await send(client.id, Buffer.alloc(0))).toBe(0);
  });

  it('keeps the order of calls that overlap', async () => {
    const { peer, client } = await dial(api);
    const blocks = ['a', 'b', 'c'].map((letter) => Buffer.alloc(200_000, letter));
    await Promise.all(blocks.map((block) => send(client.id, block)));
    const runs = (await peer.received(600_000)).toString('latin1').match(/(.)\1*/g) ?? [];
    expect(runs.map((run) => run.length)).toEqual([200_000, 200_000, 200_000]);
  });

  it.each([
    ['latin1', '€', '/data'],
    ['hex', 'abc', '/data'],
    ['hex', 'zz', '/data'],
    ['base64', 'A===', '/data'],
    ['base64', 'A', '/data'],
    ['base64', 'AP_-', '/data'],
    ['utf8', '\ud800', '/data'],
    ['GBK', 'a😀', '/data'],
    ['ascii', 'é', '/data'],
    ['Windows-1252', 'Ā', '/data'],
    ['ebcdic', 'x', '/encoding'],
    ['utf8', 42, '/data'],
    ['utf8', null, '/data'],
    [null, 'x', '/encoding'],
    [['GBK'], 'x', '/encoding'],
    ['GBK'.padEnd(65, '-'), 'x', '/encoding'],
  ])('refuses in %s what it cannot carry: %p', async (encoding, data, pointer) => {
    const { client } = await dial(api);
    const call = api.post(`/v1/sockets/${client.id}/data`, { data, encoding });
    const problem = await api.refused(call, 400, 'validation-failed');
    expect(problem.errors?.map((error) => error.pointer)).toContain(pointer);
    expect((await inspect(api, client.id)).sent.bytes).toBe(0);
  });

  it('refuses a body without data, an unknown field, and a wrong query', async () => {
    const { client } = await dial(api);
    const path = `/v1/sockets/${client.id}/data`;
    for (const body of [{}, { data: 'x', colour: 'red' }, { encoding: 'hex' }, [], 'null']) {
      await api.refused(api.post(path, body), 400, 'validation-failed');
    }
    for (const query of [{ timeoutMs: 0 }, { timeoutMs: 'soon' }, { mode: 'most' }, { flags: 1 }]) {
      const problem = await api.refused(api.post(path, { data: 'x' }, { query }), 400, 'validation-failed');
      expect(problem.errors?.[0]?.pointer).toBe(`/${Object.keys(query)[0] ?? ''}`);
    }
  });

  it('to a peer that has reset answers what became of the socket', async () => {
    const { peer, client } = await dial(api);
    peer.reset();
    await inState(api, client.id, 'failed');
    const call = api.post(`/v1/sockets/${client.id}/data`, { data: 'x' });
    expect((await api.refused(call, 410, 'gone')).code).toBe('SOCKET_GONE');
  });
});

describe('sending to a peer that does not read', () => {
  it('answers 504 after timeoutMs with bytesSent, and exactly these bytes are of the stream', async () => {
    const { peer, client } = await dial(api, { stalled: true });
    const call = api.post(`/v1/sockets/${client.id}/data`, TOO_MUCH, { query: { timeoutMs: 300 } });
    const problem = await api.refused(call, 504, 'timed-out');
    expect(problem).toMatchObject({ code: 'ETIMEDOUT', errno: 110, syscall: 'send' });
    const bytesSent = problem.bytesSent ?? -1;
    expect(bytesSent).toBeGreaterThan(0);
    expect(bytesSent).toBeLessThan(TOO_MUCH.length);
    peer.read();
    await peer.received(bytesSent);
    // What comes next comes right behind.
    await send(client.id, Buffer.from('end'));
    await api.post(`/v1/sockets/${client.id}/shutdown`, { how: 'write' });
    const { bytes, ended } = await peer.rest();
    expect({ length: bytes.length, ended }).toEqual({ length: bytesSent + 3, ended: 'end' });
    expect(bytes.subarray(-4).toString()).toBe('xend');
  });

  it('with mode=some takes what fits now, and says how much that is', async () => {
    const { peer, client } = await dial(api, { stalled: true });
    let total = 0;
    for (let taken = TOO_MUCH.length; taken === TOO_MUCH.length; total += taken) {
      taken = await send(client.id, TOO_MUCH, { mode: 'some' });
    }
    expect(await send(client.id, TOO_MUCH, { mode: 'some' })).toBe(0);
    peer.read();
    await peer.received(total);
    await api.post(`/v1/sockets/${client.id}/shutdown`, { how: 'write' });
    expect((await peer.rest()).bytes.length).toBe(total);
  });

  it('ends with 502 connection-reset when the peer resets, and says what was taken', async () => {
    const { peer, client } = await dial(api, { stalled: true });
    const sending = api.post(`/v1/sockets/${client.id}/data`, TOO_MUCH, { query: { timeoutMs: 60_000 } });
    await waitForQueue(client.id);
    peer.reset();
    const problem = await api.refused(sending, 502, 'connection-reset');
    expect(problem.code).toBe('ECONNRESET');
    expect(problem.bytesSent).toBeLessThan(TOO_MUCH.length);
  });

  it('ends when the socket is closed meanwhile', async () => {
    const { client } = await dial(api, { stalled: true });
    const sending = api.post(`/v1/sockets/${client.id}/data`, TOO_MUCH, { query: { timeoutMs: 60_000 } });
    await waitForQueue(client.id);
    await api.delete(`/v1/sockets/${client.id}`, { mode: 'reset' });
    const { status } = await sending;
    expect(status).toBe(409);
  });
});

/** The send has reached the socket: its bytes wait there. */
function waitForQueue(id: string): Promise<void> {
  return polled('bytes wait', async () => (await inspect(api, id)).sent.queuedBytes > 0);
}
