import { startApi, type Api } from '../support/api.js';
import { closePeers, within } from './peer.js';
import { dial, hasReceived, inspect, inState, observers, polled } from './steps.js';

let api: Api;
beforeAll(async () => (api = await startApi()));
afterEach(closePeers);
afterAll(() => api.close());

/** Reads chunks until there are `count` bytes. */
async function take(reader: ReadableStreamDefaultReader<Uint8Array>, count: number): Promise<string> {
  const parts: Uint8Array[] = [];
  for (let got = 0; got < count;) {
    const { value } = await within(`${count} bytes`, reader.read());
    if (value === undefined) break;
    parts.push(value);
    got += value.length;
  }
  return Buffer.concat(parts).toString();
}

function follow(id: string, query = '', signal?: AbortSignal) {
  return api.open(`/v1/sockets/${id}/data?follow=true${query}`, signal);
}

describe('follow=true', () => {
  it('streams bare bytes as they come, until the end of the stream', async () => {
    const { peer, client } = await dial(api);
    peer.send('first');
    await hasReceived(api, client.id, 5);
    const { headers, chunks } = await follow(client.id);
    expect(headers.get('content-type')).toBe('application/octet-stream');
    expect(headers.get('sockeye-offset')).toBe('0');
    const reader = chunks.getReader();
    expect(await take(reader, 5)).toBe('first');
    peer.send('second');
    expect(await take(reader, 6)).toBe('second');
    peer.finish('last');
    expect(await take(reader, 4)).toBe('last');
    expect((await within('the end', reader.read())).done).toBe(true);
    expect((await inspect(api, client.id)).received.committedOffset).toBe(0);
  });

  it('answers its headers before the first byte has come', async () => {
    const { peer, client } = await dial(api);
    const { headers, chunks } = await follow(client.id);
    expect(headers.get('sockeye-offset')).toBe('0');
    peer.finish('late');
    expect(await take(chunks.getReader(), 4)).toBe('late');
  });

  it('starts at the offset that was asked for', async () => {
    const { peer, client } = await dial(api);
    peer.finish('0123456789');
    await hasReceived(api, client.id, 10);
    const { headers, chunks } = await follow(client.id, '&offset=7');
    expect(headers.get('sockeye-offset')).toBe('7');
    expect(await take(chunks.getReader(), 3)).toBe('789');
  });

  it('carries more than one window for a named reader: what was taken is committed', async () => {
    const { peer, client } = await dial(api, { receive: { windowBytes: 65_536 } });
    peer.finish('y'.repeat(1_000_000));
    const { chunks } = await follow(client.id, '&reader=tail');
    expect(await take(chunks.getReader(), 1_000_000)).toBe('y'.repeat(1_000_000));
    await api.application.eventually('all is committed', async () => {
      const { received } = await inspect(api, client.id);
      return received.committedOffset === 1_000_000 ? true : null;
    });
  });

  it('lets go of the socket when the caller goes away', async () => {
    const { client } = await dial(api);
    const caller = new AbortController();
    await follow(client.id, '', caller.signal);
    await observers(api, client.id, 1);
    caller.abort();
    await observers(api, client.id, 0);
  });

  it('gives its name back when the caller goes away', async () => {
    const { client } = await dial(api);
    const caller = new AbortController();
    await follow(client.id, '&reader=tail', caller.signal);
    const attached = async (): Promise<boolean> =>
      (await inspect(api, client.id)).readers.some((reader) => reader.attached);
    await polled('attached', attached);
    caller.abort();
    await polled('away', async () => !(await attached()));
    expect((await api.post(`/v1/sockets/${client.id}/receive`, { reader: 'tail' })).status).toBe(200);
  });

  it('is refused before it begins where there is nothing to follow', async () => {
    const { peer, client } = await dial(api);
    peer.send('abc');
    await hasReceived(api, client.id, 3);
    const path = `/v1/sockets/${client.id}/data`;
    await api.refused(api.get(path, { follow: true, offset: 4 }), 400, 'validation-failed');
    await api.refused(api.get(path, { follow: true, reader: 'a b' }), 400, 'validation-failed');
    await api.delete(`/v1/sockets/${client.id}`);
    await api.refused(api.get(path, { follow: true }), 410, 'gone');
  });

  it('is refused with 410 and the gap where it would begin with bytes that are gone', async () => {
    const { peer, client } = await dial(api, { receive: { windowBytes: 1024, overflow: 'drop-oldest' } });
    peer.finish('x'.repeat(3000));
    await inState(api, client.id, 'half-closed-remote');
    const call = api.get(`/v1/sockets/${client.id}/data`, { follow: true, offset: 0 });
    expect(await api.refused(call, 410, 'gone')).toMatchObject({ gap: { from: 0, to: 1976 } });
  });
});
