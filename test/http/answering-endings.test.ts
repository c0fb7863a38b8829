/** Responders where something ends: the responder itself, its listener, one half of a connection, room. */
import type { ListenerDto } from '../../src/modules/common/listener.dto.js';
import type { TranscriptDto } from '../../src/modules/responders/transcript.dto.js';
import type { DataAnswer } from '../../src/modules/sockets/data.dto.js';
import { startApi, type Api } from '../support/api.js';
import { closeDatagramPeers, DatagramPeer } from '../support/datagram-peer.js';
import { portOf } from '../support/ends.js';
import { StreamClient, terminateClients } from '../support/ws-client.js';
import { closePeers, Peer } from './peer.js';
import { accept, inState, listen, polled } from './steps.js';

let api: Api;
beforeAll(async () => (api = await startApi()));
afterEach(closePeers);
afterEach(closeDatagramPeers);
afterAll(async () => {
  terminateClients();
  await api.close();
});

const LINES = { framing: { type: 'delimiter', delimiter: '\n' } };

async function transcriptOf(id: string): Promise<TranscriptDto> {
  return (await api.get<TranscriptDto>(`/v1/sockets/${id}/transcript`, { limit: 1000 })).body;
}

/** Takes everything as the reader `main`, `count` bytes of it. */
async function receives(id: string, count: number): Promise<DataAnswer[]> {
  const answers: DataAnswer[] = [];
  for (let at = 0; at < count; at += answers.at(-1)!.bytes) {
    const { body } = await api.post<DataAnswer>(`/v1/sockets/${id}/receive`, {
      maxBytes: 65_536,
      waitMs: 10_000,
    });
    if (body.bytes === 0) throw new Error(`${at} bytes came, not ${count}`);
    answers.push(body);
  }
  return answers;
}

describe('a responder that goes', () => {
  it.each([
    ['removed', null],
    ['told to look only', { preset: 'discard', consume: false }],
  ])('%s: holds back nothing of what comes then', async (_, next) => {
    const listener = await listen(api, { responder: 'echo', receive: { windowBytes: 65_536 } });
    const { peer, connection } = await accept(api, listener);
    peer.send('hello');
    await peer.received(5);
    const path = `/v1/listeners/${listener.id}/responder`;
    expect((await (next === null ? api.delete(path) : api.put(path, next))).status).toBeLessThan(300);
    peer.send(Buffer.alloc(300_000, 'x'));
    const [first] = await receives(connection.id, 300_000);
    expect(first?.offset).toBe(5);
  });

  it('whom somebody takes the reader from answers nothing more', async () => {
    const listener = await listen(api, { responder: { ...LINES, otherwise: [{ send: 'auto\n' }] } });
    const { peer, connection } = await accept(api, listener);
    peer.send('a\n');
    await peer.received(5);
    const client = await StreamClient.open(api.application);
    const { channel, offset } = await client.attach({ socketId: connection.id, reader: 'responder' });
    expect(offset).toBe(2);
    peer.send('b\n');
    expect((await client.bytes(channel, 2)).toString()).toBe('b\n');
    client.frame(channel, Buffer.from('by hand\n'));
    expect((await peer.received(13)).toString()).toBe('auto\nby hand\n');
    expect((await transcriptOf(connection.id)).items).toHaveLength(1);
  });
});

it('observers on a WebSocket see what a responder reads', async () => {
  const listener = await listen(api, { responder: 'upper' });
  const { peer, connection } = await accept(api, listener);
  const client = await StreamClient.open(api.application);
  const { channel } = await client.attach({ socketId: connection.id, mode: 'observe', from: 'earliest' });
  peer.send('seen');
  expect((await peer.received(4)).toString()).toBe('SEEN');
  expect((await client.bytes(channel, 4)).toString()).toBe('seen');
});

describe('draining a listener', () => {
  it('lets a peer that has said everything have its delayed answer', async () => {
    const onConnect = [{ delayMs: 600 }, { send: 'hello' }, { close: true }];
    const listener = await listen(api, { responder: { onConnect } });
    const { peer, connection } = await accept(api, listener);
    peer.finish();
    await inState(api, connection.id, 'half-closed-remote');
    const drained = api.delete(`/v1/listeners/${listener.id}?drainMs=10000`);
    expect((await peer.rest()).bytes.toString()).toBe('hello');
    expect((await drained).status).toBe(204);
  });

  it('lets conversations go on to their end, takes nobody new, and cuts who goes on for ever', async () => {
    const rules = [{ when: { equals: 'bye' }, then: [{ send: 'bye\n' }, { close: true }] }];
    const listener = await listen(api, { responder: { ...LINES, rules, otherwise: [{ send: 'ok\n' }] } });
    const { peer } = await accept(api, listener);
    const { peer: lasting } = await accept(api, listener);
    const drained = api.delete(`/v1/listeners/${listener.id}?drainMs=1500`);
    await inState(api, listener.id, 'closed');
    await expect(Peer.connect(portOf(listener))).rejects.toThrow('ECONNREFUSED');
    peer.send('a\nbye\n');
    expect((await peer.rest()).bytes.toString()).toBe('ok\nbye\n');
    lasting.send('a\n');
    expect((await lasting.rest()).bytes.toString()).toBe('ok\n');
    expect((await drained).status).toBe(204);
  });
});

describe('what cannot be sent', () => {
  it('ends the connection, and stands in the transcript', async () => {
    const responder = { ...LINES, otherwise: [{ shutdown: 'write' }, { send: 'never' }] };
    const listener = await listen(api, { responder });
    const { peer, connection } = await accept(api, listener);
    peer.send('x\n');
    expect((await peer.rest()).bytes.toString()).toBe('');
    expect((await inState(api, connection.id, 'failed')).closeReason).toMatchObject({ code: 'EPIPE' });
    expect((await transcriptOf(connection.id)).items).toMatchObject([{ error: { code: 'EPIPE' } }]);
    const { body } = await api.get<ListenerDto>(`/v1/listeners/${listener.id}`);
    expect(body.responder).toMatchObject({ messages: 1, failures: 1 });
  });

  it('a message over its bound counts as a failure', async () => {
    const framing = { type: 'delimiter', delimiter: '\n', maxBytes: 4 };
    const listener = await listen(api, { responder: { framing, otherwise: [{ send: 'ok' }] } });
    const { peer } = await accept(api, listener);
    peer.send('too long\n');
    await peer.rest();
    const { body } = await api.get<ListenerDto>(`/v1/listeners/${listener.id}`);
    expect(body.responder).toMatchObject({ failures: 1 });
  });
});

describe('transcripts', () => {
  it('of an answer without end do not grow for ever', async () => {
    const { peer, connection } = await accept(api, await listen(api, { responder: 'chargen' }));
    await peer.received(4_000_000);
    const [entry] = (await transcriptOf(connection.id)).items;
    expect(entry?.answers).toHaveLength(64);
    const { offset, bytes } = entry!.answers[63]!;
    expect(offset + bytes).toBeGreaterThan(3_000_000);
  });
});

describe('datagrams', () => {
  it('that are delayed in great number hold up the answers of their sender alone', async () => {
    const listener = await listen(api, {
      protocol: 'udp',
      responder: {
        rules: [{ when: { equals: 'slow' }, then: [{ delayMs: 60_000 }, { send: 'late' }] }],
        otherwise: [{ send: 'quick' }],
      },
    });
    const [slow, quick] = [await DatagramPeer.open(), await DatagramPeer.open()];
    for (let i = 0; i < 1200; i += 1) await slow.send('slow', portOf(listener));
    await quick.send('x', portOf(listener));
    expect((await quick.next()).payload.toString()).toBe('quick');
    const { body } = await api.get<ListenerDto>(`/v1/listeners/${listener.id}`);
    expect(body.responder).toMatchObject({ failures: body.responder!.messages - 65 });
    expect((await transcriptOf(listener.id)).items.at(-2)?.error).toMatchObject({ code: 'ENOBUFS' });
    await api.delete(`/v1/listeners/${listener.id}`);
  });

  it('are answered although callers have all the readers there may be', async () => {
    const listener = await listen(api, { protocol: 'udp' });
    for (let i = 0; i < 64; i += 1)
      await api.post(`/v1/sockets/${listener.id}/receive`, { reader: `reader-${i}` });
    expect((await api.put(`/v1/listeners/${listener.id}/responder`, '"echo"')).status).toBe(200);
    const peer = await DatagramPeer.open();
    await peer.send('hi', portOf(listener));
    expect((await peer.next()).payload.toString()).toBe('hi');
  });

  it('have the small services, too', async () => {
    const ask = async (preset: string, said = 'x'): Promise<Buffer> => {
      const listener = await listen(api, { protocol: 'udp', responder: preset });
      const peer = await DatagramPeer.open();
      await peer.send(said, portOf(listener));
      return (await peer.next()).payload;
    };
    expect((await ask('upper', 'grün')).toString()).toBe('GRÜN');
    expect(Math.abs(Date.parse((await ask('daytime')).toString()) - Date.now())).toBeLessThan(10_000);
    const time = await ask('time');
    expect(time).toHaveLength(4);
    expect(Math.abs(time.readUInt32BE() - 2_208_988_800 - Date.now() / 1000)).toBeLessThan(10);
    expect((await ask('qotd')).length).toBeLessThanOrEqual(512);
    const chargen = (await ask('chargen')).toString('latin1');
    expect(chargen.length).toBeLessThanOrEqual(512);
    expect(chargen.split('\r\n')[0]).toHaveLength(72);
  });

  it('that are discarded are read, counted and not answered', async () => {
    const listener = await listen(api, { protocol: 'udp', responder: 'discard' });
    const peer = await DatagramPeer.open();
    await peer.send('x', portOf(listener));
    await polled('it is heard', async () => (await transcriptOf(listener.id)).items.length === 1);
    expect((await transcriptOf(listener.id)).items[0]?.answers).toEqual([]);
  });
});
