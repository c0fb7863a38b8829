import { existsSync, mkdtempSync, readdirSync, realpathSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { itWith, startPeer, stopPrograms, until, type Peer } from '../support/peers.js';
import { type List, type Service, type SocketView, startService } from '../support/service.js';
import { PipeClient, StreamClient, terminateClients } from '../support/ws-client.js';

const check = itWith('python3');
const root = realpathSync(mkdtempSync(join(tmpdir(), 'sk-seq-')));
const data = mkdtempSync(join(tmpdir(), 'sk-data-'));
const file = (name: string): string => join(root, name);
let service: Service;

interface SeqView extends Omit<SocketView, 'remoteAddress'> {
  remoteAddress: { path: string } | null;
  peerCredentials: { pid: number } | null;
}

interface Messages {
  datagrams: { sequence: number; from: { path: string }; bytes: number; data: string }[];
  nextOffset: number;
  eof?: boolean;
}

beforeAll(async () => {
  service = await startService({ SOCKEYE_UNIX_DIR: root, SOCKEYE_DATA_DIR: data });
});

afterAll(async () => {
  terminateClients();
  expect(await service.stop()).toBe(0);
  await stopPrograms();
  rmSync(root, { recursive: true });
  rmSync(data, { recursive: true });
});

async function listen(path: string, more: object = {}): Promise<SeqView> {
  const spec = { protocol: 'unix-seqpacket', path, ...more };
  const { status, body } = await service.post<SeqView>('/v1/listeners', spec);
  expect(status).toBe(201);
  return body;
}

async function accepted(path: string, more: object = {}): Promise<{ peer: Peer; id: string; view: SeqView }> {
  const listener = await listen(path, more);
  const peer = startPeer('peer.py', ['--unix-connect', file(path), '--seqpacket']);
  await peer.event('connected');
  let view: SeqView | undefined;
  await until('a connection', async () => {
    const { body } = await service.get<List<SeqView>>(`/v1/listeners/${listener.id}/connections`);
    view = body.items.at(-1);
    return view !== undefined;
  });
  return { peer, id: view!.id, view: view! };
}

async function dialled(path: string): Promise<{ peer: Peer; id: string; view: SeqView }> {
  const peer = startPeer('peer.py', ['--unix-listen', file(path), '--seqpacket']);
  await peer.ready();
  const spec = { protocol: 'unix-seqpacket', path };
  const { status, body } = await service.post<SeqView>('/v1/clients', spec);
  expect(status).toBe(201);
  await peer.event('connected');
  return { peer, id: body.id, view: body };
}

async function receive(id: string, maxBytes = 1_048_576, encoding = 'utf8'): Promise<Messages> {
  const asked = { waitMs: 5000, maxBytes, encoding };
  return (await service.post<Messages>(`/v1/sockets/${id}/receive`, asked)).body;
}

function send(id: string, bytes: Buffer | string): Promise<{ status: number; body: { code?: string } }> {
  return service.post(`/v1/sockets/${id}/data`, Buffer.from(bytes));
}

const untilState = (id: string, state: string): Promise<void> =>
  until(state, async () => (await service.socket(id)).state === state);

check('messages keep their bounds, both ways, and the end comes after them', async () => {
  const { peer, id, view } = await accepted('bounds.sock');
  expect(view).toMatchObject({ kind: 'connection', protocol: 'unix-seqpacket', remoteAddress: { path: '' } });
  expect(view.peerCredentials?.pid).toBe(peer.pid);
  for (const message of ['one', 'four', '', 'x']) await peer.send(message);
  await until('four messages', async () => (await service.socket(id)).received.headOffset === 4);
  const { datagrams } = await receive(id);
  expect(datagrams.map(({ sequence, data: text }) => [sequence, text])).toEqual([
    [0, 'one'],
    [1, 'four'],
    [2, ''],
    [3, 'x'],
  ]);
  expect(datagrams[0]!.from).toEqual({ path: '' });
  await send(id, 'ab');
  await send(id, 'cde');
  expect((await peer.ask({ do: 'message' }, 'received')).hex).toBe('6162');
  expect((await peer.ask({ do: 'message' }, 'received')).hex).toBe('636465');
  await peer.ask({ do: 'shutdown' }, 'shut-down');
  await untilState(id, 'half-closed-remote');
  await send(id, 'late');
  expect((await peer.ask({ do: 'message' }, 'received')).hex).toBe(Buffer.from('late').toString('hex'));
  await service.post(`/v1/sockets/${id}/shutdown`, { how: 'write' });
  expect((await peer.ask({ do: 'message' }, 'received')).hex).toBe('');
  await untilState(id, 'closed');
});

check('any number of empty messages is told from the end, which comes after them', async () => {
  const { peer, id } = await accepted('empty.sock');
  for (const message of ['', '', 'x', '', '', '']) await peer.send(message);
  await peer.ask({ do: 'shutdown' }, 'shut-down');
  await untilState(id, 'half-closed-remote');
  const { datagrams } = await receive(id);
  expect(datagrams.map(({ data: text }) => text)).toEqual(['', '', 'x', '', '', '']);
});

check('a close is EOF for the peer, though it had sent empty messages that nobody read', async () => {
  const { peer, id } = await accepted('skipped.sock', { receive: { windowBytes: 1024 } });
  await service.post(`/v1/sockets/${id}/pause`, {});
  for (const message of ['', 'x', '', '']) await peer.send(message);
  await service.del(`/v1/sockets/${id}`);
  expect((await peer.ask({ do: 'message' }, 'received')).hex).toBe('');
});

check('a client connects, and a python server gets each send as a message', async () => {
  const { peer, id, view } = await dialled('client.sock');
  expect(view.remoteAddress).toEqual({ path: file('client.sock') });
  const large = Buffer.alloc(100_000, 7);
  await send(id, large);
  expect((await peer.ask({ do: 'message' }, 'received')).hex?.length).toBe(200_000);
  const tooLarge = await send(id, Buffer.alloc(8 * 1024 * 1024));
  expect({ status: tooLarge.status, code: tooLarge.body.code }).toEqual({ status: 413, code: 'EMSGSIZE' });
  await service.post(`/v1/sockets/${id}/shutdown`, { how: 'write' });
  expect((await service.socket(id)).state).toBe('half-closed-local');
  expect((await send(id, 'no')).body.code).toBe('EPIPE');
  await peer.send('still');
  expect((await receive(id)).datagrams[0]?.data).toBe('still');
});

check('a full window stops the peer, and not one message is lost', async () => {
  const { peer, id } = await accepted('full.sock', { receive: { windowBytes: 65_536 } });
  const count = 300;
  const message = (n: number): Buffer => Buffer.alloc(10_000, n % 251);
  for (let n = 0; n < count; n += 1) peer.tell({ do: 'send', hex: message(n).toString('hex') });
  await until('the window is full', async () => (await service.socket(id)).received.paused);
  expect((await service.socket(id)).received.headOffset).toBeLessThan(10);
  let next = 0;
  while (next < count) {
    const offset = next;
    const { datagrams } = await receive(id, 50_000, 'hex');
    for (const { sequence, data: hex } of datagrams) {
      expect({ sequence, isWhole: hex === message(next).toString('hex') }).toEqual({
        sequence: next,
        isWhole: true,
      });
      next += 1;
    }
    expect(next).toBeGreaterThan(offset);
  }
});

check('a peer that goes away with bytes unread is seen, and a close is a close', async () => {
  const { peer, id } = await dialled('gone.sock');
  await send(id, 'unread');
  await peer.ask({ do: 'close' }, 'closed');
  await until('the end', async () => /half-closed-remote|failed/.test((await service.socket(id)).state));
  const other = await accepted('closed.sock');
  await other.peer.send('in vain');
  await service.del(`/v1/sockets/${other.id}`);
  expect((await other.peer.ask({ do: 'message' }, 'received')).hex).toBe('');
});

check('it goes over the pipe and the stream protocol message by message', async () => {
  const peer = startPeer('peer.py', ['--unix-listen', file('pipe.sock'), '--seqpacket']);
  await peer.ready();
  const pipe = await PipeClient.open(service, 'protocol=unix-seqpacket&path=pipe.sock');
  await peer.event('connected');
  pipe.send(Buffer.from('to'));
  pipe.send(Buffer.from('peer'));
  expect((await peer.ask({ do: 'message' }, 'received')).hex).toBe(Buffer.from('to').toString('hex'));
  expect((await peer.ask({ do: 'message' }, 'received')).hex).toBe(Buffer.from('peer').toString('hex'));
  await peer.send('back');
  expect((await pipe.bytes(4)).toString()).toBe('back');

  const { peer: other, id } = await accepted('stream.sock');
  const client = await StreamClient.open(service);
  await client.attach({ socketId: id, encoding: 'utf8' });
  await other.send('hello');
  expect((await client.message('data')).data).toMatchObject({ offset: 0, nextOffset: 1, data: 'hello' });
});

check('a listener that is closed takes its file along', async () => {
  const { id } = await listen('short.sock', { limits: { acceptCount: 1 } });
  const peer = startPeer('peer.py', ['--unix-connect', file('short.sock'), '--seqpacket']);
  await peer.event('connected');
  await untilState(id, 'closed');
  expect(existsSync(file('short.sock'))).toBe(false);
  const stream = await service.post<{ code: string }>('/v1/clients', { protocol: 'unix', path: 'full.sock' });
  expect({ status: stream.status, code: stream.body.code }).toEqual({ status: 422, code: 'EPROTOTYPE' });
  expect(readdirSync(root)).not.toContain('short.sock');
});
