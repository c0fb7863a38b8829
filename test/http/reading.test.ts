import type { DataAnswer } from '../../src/modules/sockets/data.dto.js';
import { startApi, type Api } from '../support/api.js';
import { closePeers, within } from './peer.js';
import { dial, hasReceived, inspect, observers } from './steps.js';

const BYTES = { accept: 'application/octet-stream' };

let api: Api;
beforeAll(async () => (api = await startApi()));
afterEach(closePeers);
afterAll(() => api.close());

async function read(id: string, query: Record<string, string | number> = {}): Promise<DataAnswer> {
  const { status, body } = await api.get<DataAnswer>(`/v1/sockets/${id}/data`, query);
  expect(status).toBe(200);
  return body;
}

async function filled(bytes: string | Buffer, spec: object = {}) {
  const dialled = await dial(api, { ...spec });
  dialled.peer.send(bytes);
  await hasReceived(api, dialled.client.id, Buffer.byteLength(bytes));
  return dialled;
}

describe('reading without consuming', () => {
  it('answers the bytes with their offsets, again and again', async () => {
    const { client } = await filled('Hello world');
    const whole = {
      offset: 0,
      nextOffset: 11,
      bytes: 11,
      data: 'Hello world',
      encoding: 'utf8',
      lossy: false,
      eof: false,
    };
    expect(await read(client.id)).toEqual(whole);
    expect(await read(client.id)).toEqual(whole);
    expect((await inspect(api, client.id)).received.committedOffset).toBe(0);
  });

  it('starts at any offset and answers at most maxBytes', async () => {
    const { client } = await filled('0123456789');
    expect(await read(client.id, { offset: 3 })).toMatchObject({ offset: 3, data: '3456789' });
    expect(await read(client.id, { offset: 3, maxBytes: 4 })).toMatchObject({ data: '3456', nextOffset: 7 });
    expect(await read(client.id, { offset: 10 })).toMatchObject({ offset: 10, nextOffset: 10, bytes: 0 });
  });

  it('starts at the committed offset when none is given, and still answers history before it', async () => {
    const { client } = await filled('0123456789');
    await api.post(`/v1/sockets/${client.id}/commit`, { offset: 4 });
    expect(await read(client.id)).toMatchObject({ offset: 4, data: '456789' });
    expect(await read(client.id, { offset: 1, maxBytes: 2 })).toMatchObject({ data: '12' });
  });

  it.each([
    ['utf8', 'é\ufffd\u0000', true],
    ['latin1', 'Ã©ÿ\u0000', false],
    ['hex', 'c3a9ff00', false],
    ['base64', 'w6n/AA==', false],
    ['GB18030', '茅\ufffd\u0000', true],
    ['ISO-8859-2', 'ĂŠ˙\u0000', false],
    ['UTF-16BE', '쎩\uff00', false],
    ['utf-32', '\ufffd', true],
  ])('shows bytes in %s', async (encoding, data, lossy) => {
    const { client } = await filled(Buffer.from([0xc3, 0xa9, 0xff, 0x00]));
    expect(await read(client.id, { encoding })).toMatchObject({ data, encoding, lossy, bytes: 4 });
  });

  it('does not cut a character in two: its first half waits for the second', async () => {
    const { peer, client } = await filled(Buffer.from([0x61, 0xe2, 0x82]));
    expect(await read(client.id)).toMatchObject({ data: 'a', bytes: 1, nextOffset: 1, lossy: false });
    peer.send(Buffer.from([0xac]));
    await hasReceived(api, client.id, 4);
    expect(await read(client.id, { offset: 1 })).toMatchObject({ data: '€', bytes: 3, lossy: false });
  });

  it('nor one of any other charset, however often it is cut', async () => {
    const bytes = Buffer.from('8431a437d6d0', 'hex');
    const { peer, client } = await filled(bytes.subarray(0, 3));
    expect(await read(client.id, { encoding: 'GB18030' })).toMatchObject({ bytes: 0, nextOffset: 0 });
    peer.send(bytes.subarray(3, 5));
    await hasReceived(api, client.id, 5);
    const first = await read(client.id, { encoding: 'GB18030' });
    expect(first).toMatchObject({ data: '\ufffd', bytes: 4, nextOffset: 4, lossy: false });
    peer.send(bytes.subarray(5));
    await hasReceived(api, client.id, 6);
    const second = await read(client.id, { encoding: 'GB18030', offset: first.nextOffset });
    expect(second).toMatchObject({ data: '中', bytes: 2, encoding: 'GB18030', lossy: false });
  });

  it('answers bare bytes, with the offsets in headers', async () => {
    const { peer, client } = await filled(Buffer.from([0, 255, 128, 10]));
    const path = `/v1/sockets/${client.id}/data`;
    const first = await api.get<Buffer>(path, { offset: 1, maxBytes: 2 }, BYTES);
    expect(first.body).toEqual(Buffer.from([255, 128]));
    expect(first.headers).toMatchObject({
      'content-type': 'application/octet-stream',
      'sockeye-offset': '1',
      'sockeye-next-offset': '3',
      'sockeye-eof': 'false',
    });
    peer.finish();
    const last = await api.get<Buffer>(path, { offset: 4, waitMs: 60_000 }, BYTES);
    expect(last.body).toEqual(Buffer.alloc(0));
    expect(last.headers).toMatchObject({ 'sockeye-offset': '4', 'sockeye-eof': 'true' });
  });

  it('refuses an offset that is not there yet, and what is not a number', async () => {
    const { client } = await filled('abc');
    const path = `/v1/sockets/${client.id}/data`;
    const beyond = await api.refused(api.get(path, { offset: 4 }), 400, 'validation-failed');
    expect(beyond).toMatchObject({ code: 'OFFSET_OUT_OF_RANGE', errors: [{ pointer: '/offset' }] });
    const wrong = [
      { offset: -1 },
      { offset: '1.5' },
      { offset: 2 ** 53 },
      { maxBytes: 0 },
      { waitMs: 300_001 },
      { encoding: 'rot13' },
      { encoding: 'utf-7' },
      { follow: 'maybe' },
      { from: 0 },
    ];
    for (const query of wrong) {
      const problem = await api.refused(api.get(path, { ...query }), 400, 'validation-failed');
      expect(problem.errors?.[0]?.pointer).toBe(`/${Object.keys(query)[0] ?? ''}`);
    }
  });
});

describe('a long poll', () => {
  it('is answered when bytes arrive', async () => {
    const { peer, client } = await dial(api);
    const waiting = read(client.id, { waitMs: 60_000 });
    await observers(api, client.id, 1);
    peer.send('now');
    expect(await within('the answer', waiting)).toMatchObject({ data: 'now', nextOffset: 3, eof: false });
  });

  it('answers no bytes after waitMs: that is no error', async () => {
    const { client } = await dial(api);
    expect(await read(client.id, { waitMs: 50 })).toEqual({
      offset: 0,
      nextOffset: 0,
      bytes: 0,
      data: '',
      encoding: 'utf8',
      lossy: false,
      eof: false,
    });
  });

  it('is answered at the end of the stream, and from then on at once', async () => {
    const { peer, client } = await dial(api);
    const waiting = read(client.id, { waitMs: 60_000 });
    await observers(api, client.id, 1);
    peer.finish();
    expect(await within('the answer', waiting)).toMatchObject({ bytes: 0, nextOffset: 0, eof: true });
    expect(await within('the end', read(client.id, { waitMs: 60_000 }))).toMatchObject({ eof: true });
  });

  it('stands back for the end only when all bytes were answered', async () => {
    const { peer, client } = await dial(api);
    peer.finish('abc');
    await hasReceived(api, client.id, 3);
    await api.application.eventually('the end has come', async () =>
      (await inspect(api, client.id)).state === 'half-closed-remote' ? true : null,
    );
    expect(await read(client.id, { maxBytes: 2 })).toMatchObject({ data: 'ab', eof: false });
    expect(await read(client.id, { offset: 2, maxBytes: 2 })).toMatchObject({ data: 'c', eof: true });
  });
});

describe('a live feed (receive.overflow drop-oldest)', () => {
  it('answers 410 with the exact gap for bytes that are gone, and goes on behind it', async () => {
    const { peer, client } = await dial(api, { receive: { windowBytes: 1024, overflow: 'drop-oldest' } });
    peer.finish('x'.repeat(5000));
    const { received } = await api.application.eventually('all has come', async () => {
      const socket = await inspect(api, client.id);
      return socket.state === 'half-closed-remote' ? socket : null;
    });
    expect(received).toMatchObject({
      bytes: 5000,
      headOffset: 5000,
      earliestOffset: 3976,
      droppedBytes: 3976,
      paused: false,
    });
    const gone = api.get(`/v1/sockets/${client.id}/data`, { offset: 10 });
    expect(await api.refused(gone, 410, 'gone')).toMatchObject({
      code: 'OFFSET_GONE',
      gap: { from: 10, to: 3976 },
    });
    expect(await read(client.id, { offset: 3976 })).toMatchObject({ bytes: 1024, eof: true });
    // A receive is told of the gap once, and reads on.
    const first = api.post(`/v1/sockets/${client.id}/receive`, {});
    expect(await api.refused(first, 410, 'gone')).toMatchObject({ gap: { from: 0, to: 3976 } });
    const second = await api.post<DataAnswer>(`/v1/sockets/${client.id}/receive`, {});
    expect(second.body).toMatchObject({ offset: 3976, nextOffset: 5000, bytes: 1024 });
  });
});
