import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { request, type IncomingMessage } from 'node:http';
import type { CommittedAnswer, DataAnswer } from '../../src/modules/sockets/data.dto.js';
import type { ReaderListDto } from '../../src/modules/sockets/sockets.dto.js';
import { startApi, type Api } from '../support/api.js';
import { StreamClient, terminateClients } from '../support/ws-client.js';
import { closePeers, within } from './peer.js';
import { dial, hasReceived, inspect, polled } from './steps.js';

let api: Api;
beforeAll(async () => (api = await startApi()));
afterEach(() => {
  terminateClients();
  closePeers();
});
afterAll(() => api.close());

async function receive(id: string, body: object = {}): Promise<DataAnswer> {
  const answer = await api.post<DataAnswer>(`/v1/sockets/${id}/receive`, body);
  expect(answer.status).toBe(200);
  return answer.body;
}

async function commit(id: string, body: object): Promise<number> {
  const answer = await api.post<CommittedAnswer>(`/v1/sockets/${id}/commit`, body);
  expect(answer.status).toBe(200);
  return answer.body.committedOffset;
}

async function readers(id: string): Promise<ReaderListDto['items']> {
  const { status, body } = await api.get<ReaderListDto>(`/v1/sockets/${id}/readers`);
  expect({ status, nextCursor: body.nextCursor }).toEqual({ status: 200, nextCursor: null });
  return body.items;
}

async function filled(bytes: string) {
  const dialled = await dial(api);
  dialled.peer.send(bytes);
  await hasReceived(api, dialled.client.id, bytes.length);
  return dialled;
}

const MIB = 1024 * 1024;

/** A client of the service that holds `data`, which came in many pieces. */
async function holding(data: Buffer, windowBytes: number) {
  const dialled = await dial(api, { receive: { windowBytes } });
  await send(dialled, data);
  return dialled;
}

async function send({ peer, client }: Awaited<ReturnType<typeof dial>>, data: Buffer): Promise<void> {
  const { headOffset } = (await inspect(api, client.id)).received;
  peer.send(data);
  await polled('all has come', async () => {
    const { received } = await inspect(api, client.id);
    return received.headOffset === headOffset + data.length;
  });
}

/** The head of an answer as bare bytes; its body waits, and nobody reads it yet. */
async function unread(id: string, maxBytes: number): Promise<IncomingMessage> {
  const headers = { 'content-type': 'application/json', accept: 'application/octet-stream' };
  const asked = request(`${api.application.url}/v1/sockets/${id}/receive`, { method: 'POST', headers });
  asked.end(JSON.stringify({ maxBytes }));
  const [answer] = (await within('the head of the answer', once(asked, 'response'))) as [IncomingMessage];
  return answer;
}

async function sha256(bytes: Buffer | IncomingMessage): Promise<string> {
  const hash = createHash('sha256');
  for await (const chunk of Buffer.isBuffer(bytes) ? [bytes] : bytes) hash.update(chunk as Buffer);
  return hash.digest('hex');
}

describe('receive', () => {
  it('answers bytes once: what it returned is committed', async () => {
    const { client } = await filled('0123456789');
    expect(await receive(client.id, { maxBytes: 4 })).toEqual({
      offset: 0,
      nextOffset: 4,
      bytes: 4,
      data: '0123',
      encoding: 'utf8',
      lossy: false,
      eof: false,
    });
    expect(await receive(client.id)).toMatchObject({ offset: 4, data: '456789' });
    expect(await receive(client.id)).toMatchObject({ offset: 10, nextOffset: 10, bytes: 0 });
    expect((await inspect(api, client.id)).received.committedOffset).toBe(10);
  });

  it('waits for the first byte, or for the end', async () => {
    const { peer, client } = await dial(api);
    const waiting = receive(client.id, { waitMs: 60_000, encoding: 'hex' });
    peer.send('\n');
    expect(await within('the byte', waiting)).toMatchObject({ data: '0a', encoding: 'hex', eof: false });
    const ending = receive(client.id, { waitMs: 60_000 });
    peer.finish();
    expect(await within('the end', ending)).toMatchObject({ bytes: 0, nextOffset: 1, eof: true });
  });

  it('answers bare bytes, with the offsets in headers', async () => {
    const { client } = await filled('abc');
    const headers = { accept: 'application/octet-stream' };
    const answer = await api.post<Buffer>(`/v1/sockets/${client.id}/receive`, { maxBytes: 2 }, { headers });
    expect(answer.body.toString()).toBe('ab');
    expect(answer.headers).toMatchObject({
      'sockeye-offset': '0',
      'sockeye-next-offset': '2',
      'sockeye-eof': 'false',
    });
  });

  it('answers many bare bytes whole, with their length', async () => {
    const data = randomBytes(3 * MIB);
    const { client } = await holding(data, 4 * MIB);
    const bare = { accept: 'application/octet-stream' };
    const there = `${api.application.url}/v1/sockets/${client.id}/data?maxBytes=${2 * MIB}`;
    const head = await fetch(there, { method: 'HEAD', headers: bare });
    expect(head.headers.get('content-length')).toBe(`${2 * MIB}`);
    const options = { headers: bare };
    const first = await api.post<Buffer>(`/v1/sockets/${client.id}/receive`, { maxBytes: 2 * MIB }, options);
    const rest = await api.post<Buffer>(`/v1/sockets/${client.id}/receive`, { maxBytes: 2 * MIB }, options);
    expect([first, rest].map(({ headers }) => headers['content-length'])).toEqual([`${2 * MIB}`, `${MIB}`]);
    expect(await sha256(Buffer.concat([first.body, rest.body]))).toBe(await sha256(data));
  });

  it('leaves what is on its way to a slow caller as it is, whatever comes meanwhile', async () => {
    const data = randomBytes(16 * MIB);
    const dialled = await holding(data, data.length);
    const { id } = dialled.client;
    const slow = await unread(id, data.length);
    // Several windows more: all memory of the first one is free to be read into, but for that caller.
    for (let window = 0; window < 3; window++) {
      const next = randomBytes(data.length);
      await send(dialled, next);
      expect(await sha256(await unread(id, next.length))).toBe(await sha256(next));
    }
    expect(await within('the slow answer', sha256(slow))).toBe(await sha256(data));
  });

  it('goes on for others when a caller leaves in the middle of an answer', async () => {
    const data = randomBytes(8 * MIB);
    const dialled = await holding(data, 2 * data.length);
    const answer = await unread(dialled.client.id, data.length);
    answer.destroy();
    await send(dialled, data);
    expect(await sha256(await unread(dialled.client.id, data.length))).toBe(await sha256(data));
  });

  it('gives each byte to one of many calls at the same time', async () => {
    const { peer, client } = await dial(api);
    const calls = Array.from({ length: 8 }, () => receive(client.id, { maxBytes: 100, waitMs: 60_000 }));
    const bytes = Array.from({ length: 800 }, (_, i) => String.fromCharCode(33 + (i % 90))).join('');
    peer.send(bytes);
    const answers = await within('all answers', Promise.all(calls));
    let rest = '';
    const got = answers.reduce((sum, answer) => sum + answer.bytes, 0);
    if (got < bytes.length) rest = (await receive(client.id)).data;
    const inOrder = answers.sort((a, b) => a.offset - b.offset).map(({ data }) => data);
    expect(inOrder.join('') + rest).toBe(bytes);
    expect(new Set(answers.map(({ offset }) => offset)).size).toBe(8);
  });

  it('refuses what is not valid, and consumes nothing then', async () => {
    const { client } = await filled('abc');
    const path = `/v1/sockets/${client.id}/receive`;
    const wrong = [{ maxBytes: 0 }, { maxBytes: '1' }, { waitMs: -1 }, { encoding: 'x' }, { reader: 'a b' }];
    for (const body of [...wrong, { reader: null }, { offset: 0 }]) {
      const problem = await api.refused(api.post(path, body), 400, 'validation-failed');
      expect(problem.errors?.[0]?.pointer).toBe(`/${Object.keys(body)[0] ?? ''}`);
    }
    expect(await readers(client.id)).toEqual([]);
    expect(await receive(client.id)).toMatchObject({ offset: 0, data: 'abc' });
  });
});

describe('commit', () => {
  it('moves a cursor forward, and only forward', async () => {
    const { client } = await filled('0123456789');
    expect(await commit(client.id, { offset: 6 })).toBe(6);
    expect(await commit(client.id, { offset: 2 })).toBe(6);
    expect(await receive(client.id)).toMatchObject({ offset: 6, data: '6789' });
  });

  it('refuses an offset that is not there yet, and creates no reader then', async () => {
    const { client } = await filled('abc');
    const call = api.post(`/v1/sockets/${client.id}/commit`, { offset: 4, reader: 'new' });
    const problem = await api.refused(call, 400, 'validation-failed');
    expect(problem.errors).toEqual([{ pointer: '/offset', detail: expect.any(String) as string }]);
    expect(await readers(client.id)).toEqual([]);
    await api.refused(api.post(`/v1/sockets/${client.id}/commit`, {}), 400, 'validation-failed');
  });
});

describe('readers', () => {
  it('are listed with their offset and lag, and the lowest is the committed offset of the socket', async () => {
    const { client } = await filled('0123456789');
    expect(await readers(client.id)).toEqual([]);
    await receive(client.id, { maxBytes: 7 });
    await receive(client.id, { maxBytes: 3, reader: 'audit' });
    expect(await readers(client.id)).toEqual([
      { name: 'main', committedOffset: 7, attached: false, lagBytes: 3, lagDatagrams: 0 },
      { name: 'audit', committedOffset: 3, attached: false, lagBytes: 7, lagDatagrams: 0 },
    ]);
    const shown = await inspect(api, client.id);
    expect(shown.received.committedOffset).toBe(3);
    expect(shown.readers).toEqual(await readers(client.id));
  });

  it('each get everything', async () => {
    const { client } = await filled('abc');
    expect(await receive(client.id, { reader: 'one' })).toMatchObject({ data: 'abc' });
    expect(await receive(client.id, { reader: 'two' })).toMatchObject({ data: 'abc' });
  });

  it('are removed once with 204, then 404; they hold nothing back any more', async () => {
    const { client } = await filled('0123456789');
    await commit(client.id, { offset: 9 });
    await commit(client.id, { offset: 2, reader: 'slow' });
    const path = `/v1/sockets/${client.id}/readers/slow`;
    expect((await api.delete(path)).status).toBe(204);
    expect((await inspect(api, client.id)).received.committedOffset).toBe(9);
    const problem = await api.refused(api.delete(path), 404, 'not-found');
    expect(problem.code).toBe('READER_NOT_FOUND');
    expect((await readers(client.id)).map(({ name }) => name)).toEqual(['main']);
  });

  it('are 64 at most', async () => {
    const { client } = await filled('x');
    for (let i = 0; i < 64; i += 1) await commit(client.id, { offset: 0, reader: `r${i}` });
    const call = api.post(`/v1/sockets/${client.id}/receive`, { reader: 'one-more' });
    const problem = await api.refused(call, 429, 'quota-exceeded');
    expect(problem.code).toBe('QUOTA_EXCEEDED');
    const following = api.get(`/v1/sockets/${client.id}/data`, { follow: true, reader: 'another' });
    await api.refused(following, 429, 'quota-exceeded');
  });

  it('that are attached over a WebSocket are refused to REST with 409, others are not', async () => {
    const { client } = await filled('0123456789');
    const webSocket = await StreamClient.open(api.application);
    await webSocket.attach({ socketId: client.id, reader: 'device' });
    const path = `/v1/sockets/${client.id}`;
    const received = api.post(`${path}/receive`, { reader: 'device' });
    expect((await api.refused(received, 409, 'conflict')).code).toBe('READER_ATTACHED');
    await api.refused(api.post(`${path}/commit`, { offset: 1, reader: 'device' }), 409, 'conflict');
    expect(await readers(client.id)).toMatchObject([{ name: 'device', attached: true }]);
    expect(await receive(client.id, { reader: 'other' })).toMatchObject({ data: '0123456789' });
    await webSocket.close();
    await detached(client.id, 'device');
    expect(await receive(client.id, { reader: 'device' })).toMatchObject({ offset: 0, data: '0123456789' });
  });
});

function detached(id: string, reader: string): Promise<void> {
  const isAttached = async (): Promise<boolean> =>
    (await readers(id)).some(({ name, attached }) => name === reader && attached);
  return polled(`${reader} is away`, async () => !(await isAttached()));
}
