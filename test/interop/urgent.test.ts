import type { SocketDto } from '../../src/modules/common/socket.dto.js';
import type { DataAnswer } from '../../src/modules/sockets/data.dto.js';
import { startApi, type Answer, type Api } from '../support/api.js';
import { itWith, startPeer, stopPrograms, until, type Peer } from '../support/peers.js';
import { hasReceived } from '../http/steps.js';

const check = itWith('python3');
let api: Api;
beforeAll(async () => (api = await startApi()));
afterAll(async () => {
  await stopPrograms();
  await api.close();
});

async function dialled(spec: object = {}): Promise<{ peer: Peer; id: string }> {
  const peer = startPeer('peer.py', ['--listen', '127.0.0.1']);
  const to = { host: '127.0.0.1', port: await peer.ready(), ...spec };
  const { status, body } = await api.post<SocketDto>('/v1/clients', to);
  expect(status).toBe(201);
  await peer.event('connected');
  return { peer, id: body.id };
}

function hex(text: string): string {
  return Buffer.from(text).toString('hex');
}

function receive(id: string, oob: boolean): Promise<Answer<DataAnswer>> {
  return api.post<DataAnswer>(`/v1/sockets/${id}/receive`, { oob });
}

function sendUrgent(id: string, data: Buffer): Promise<Answer<unknown>> {
  return api.call('POST', `/v1/sockets/${id}/data`, data, { query: { oob: true } });
}

/** The urgent byte of a peer is announced and then comes; nothing says when. */
async function urgentByte(id: string): Promise<DataAnswer> {
  let found: DataAnswer | undefined;
  await until('the urgent byte', async () => {
    const { status, body } = await receive(id, true);
    if (status === 200 && body.bytes === 1) found = body;
    return found !== undefined;
  });
  return found!;
}

check('an urgent byte of the peer stands beside the stream', async () => {
  const { peer, id } = await dialled();
  // Read past its place, it would be gone.
  await api.post(`/v1/sockets/${id}/pause`);
  await peer.send('abc');
  await peer.ask({ do: 'send-urgent', hex: hex('de!') }, 'sent');
  await peer.send('fgh');
  expect(await urgentByte(id)).toMatchObject({ bytes: 1, data: '!', offset: 0, nextOffset: 0, eof: false });
  const none = await api.refused(receive(id, true), 409, 'conflict');
  expect(none).toMatchObject({ code: 'EINVAL', errno: 22, syscall: 'recv' });
  await api.post(`/v1/sockets/${id}/resume`);
  await hasReceived(api, id, 8);
  expect((await receive(id, false)).body).toMatchObject({ bytes: 8, data: 'abcdefgh' });
});

check('with SO_OOBINLINE it stands in the stream', async () => {
  const { peer, id } = await dialled({ options: { SO_OOBINLINE: true } });
  await peer.send('abc');
  await peer.ask({ do: 'send-urgent', hex: hex('!') }, 'sent');
  await peer.send('def');
  await hasReceived(api, id, 7);
  await api.refused(receive(id, true), 409, 'conflict');
  expect((await receive(id, false)).body).toMatchObject({ bytes: 7, data: 'abc!def' });
});

check('urgent data is sent in its turn, its last byte urgent for the peer', async () => {
  const { peer, id } = await dialled();
  const before = api.post(`/v1/sockets/${id}/data`, Buffer.from('abc'));
  const urgent = sendUrgent(id, Buffer.from('de!'));
  const after = api.post(`/v1/sockets/${id}/data`, Buffer.from('fgh'));
  for (const answer of await Promise.all([before, urgent, after]))
    expect(answer).toMatchObject({ status: 200, body: { bytesSent: 3 } });
  await until('the urgent byte has come', async () => {
    peer.tell({ do: 'receive-urgent' });
    const said = await Promise.race([peer.event('received'), peer.event('error')]);
    return said.hex === hex('!');
  });
  expect((await peer.receive(8)).toString()).toBe('abcdefgh');
  const { body } = await api.get<SocketDto>(`/v1/sockets/${id}`);
  expect(body.sent).toEqual({ bytes: 9, queuedBytes: 0 });
});

check('urgent data waits for what is queued, and for room in the kernel', async () => {
  const { peer, id } = await dialled();
  const bulk = Buffer.alloc(8 * 1024 * 1024, 'x');
  const sending = api.post(`/v1/sockets/${id}/data`, bulk);
  await until('the send is stalled', async () => {
    const { body } = await api.get<SocketDto>(`/v1/sockets/${id}`);
    return body.sent.queuedBytes > 0;
  });
  const late = api.call('POST', `/v1/sockets/${id}/data`, Buffer.from('!'), {
    query: { oob: true, timeoutMs: 50 },
  });
  expect(await api.refused(late, 504, 'timed-out')).toMatchObject({ bytesSent: 0 });
  const urgent = sendUrgent(id, Buffer.from('?'));
  const [received] = await Promise.all([peer.receive(bulk.length), sending, urgent]);
  expect(received.equals(bulk)).toBe(true);
  peer.tell({ do: 'receive-urgent' });
  expect((await peer.event('received')).hex).toBe(hex('?'));
});

check('urgent data is neither sent in part nor waited for', async () => {
  const { id } = await dialled();
  const some = { query: { oob: true, mode: 'some' } };
  const call = api.call('POST', `/v1/sockets/${id}/data`, Buffer.from('!'), some);
  expect((await api.refused(call, 400, 'validation-failed')).errors?.[0]?.pointer).toBe('/mode');
  const waiting = api.post(`/v1/sockets/${id}/receive`, { oob: true, waitMs: 10 });
  expect((await api.refused(waiting, 400, 'validation-failed')).errors?.[0]?.pointer).toBe('/waitMs');
});

check('datagrams have no urgent data', async () => {
  const { status, body } = await api.post<SocketDto>('/v1/listeners', { protocol: 'udp' });
  expect(status).toBe(201);
  const none = { code: 'EOPNOTSUPP', errno: 95 };
  expect(await api.refused(receive(body.id, true), 422, 'not-supported')).toMatchObject(none);
  const to = { query: { oob: true, to: '127.0.0.1:9' } };
  const call = api.call('POST', `/v1/sockets/${body.id}/data`, Buffer.from('!'), to);
  expect(await api.refused(call, 422, 'not-supported')).toMatchObject(none);
});
