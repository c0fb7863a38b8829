import { dial, itWith, type Peer, stopPrograms, until } from '../support/peers.js';
import { type Answer, type Problem, type Service, startService } from '../support/service.js';
import { type Message, StreamClient, terminateClients } from '../support/ws-client.js';

/** Text, the charset as Python calls it, and after how many bytes it is cut: within a character. */
const TEXTS: [text: string, charset: string, cut: number][] = [
  ['你好，世界', 'GBK', 5],
  ['你好，𠀀世界', 'gb18030', 8],
  ['こんにちは、ｶﾅ', 'shift_jis', 7],
  ['こんにちは', 'euc_jp', 3],
  ['繁體中文', 'big5', 1],
  ['안녕하세요', 'euc_kr', 9],
  ['a😀b', 'utf-16-le', 4],
  ['a😀b', 'utf-16-be', 3],
  ['a😀b', 'utf-32-le', 6],
  ['привет', 'koi8_r', 3],
];

const check = itWith('python3');
let service: Service;

beforeAll(async () => {
  service = await startService();
});

afterAll(async () => {
  expect(await service.stop()).toBe(0);
  terminateClients();
  await stopPrograms();
});

async function connected(spec: Record<string, unknown> = {}): Promise<{ peer: Peer; id: string }> {
  const listener = await service.listen(spec);
  const peer = await dial(listener.port);
  return { peer, id: (await service.connection(listener.id, peer.localPort)).id };
}

interface Received {
  offset: number;
  nextOffset: number;
  bytes: number;
  data: string;
  lossy: boolean;
  eof: boolean;
}

async function receive(id: string, encoding: string, waitMs = 5_000): Promise<Received> {
  const { status, body } = await service.post<Received>(`/v1/sockets/${id}/receive`, { waitMs, encoding });
  expect(status).toBe(200);
  return body;
}

/** A part of the text in that charset, and it has arrived. */
async function sendPart(peer: Peer, id: string, part: SendPart): Promise<number> {
  const before = (await service.socket(id)).received.bytes;
  const { bytes = 0 } = await peer.ask({ do: 'send-text', ...part }, 'sent');
  await until(
    'the part has arrived',
    async () => (await service.socket(id)).received.bytes === before + bytes,
  );
  return before + bytes;
}

type SendPart = { text: string; charset: string; from: number; to?: number };

check('text that python sends in two halves of a character is received as it was', async () => {
  for (const [text, charset, cut] of TEXTS) {
    const { peer, id } = await connected();
    await sendPart(peer, id, { text, charset, from: 0, to: cut });
    const first = await receive(id, charset);
    const sent = await sendPart(peer, id, { text, charset, from: cut });
    const second = await receive(id, charset);
    expect([charset, first.data + second.data]).toEqual([charset, text]);
    expect(second).toMatchObject({ offset: first.nextOffset, nextOffset: sent, lossy: false });
    expect(first).toMatchObject({ lossy: false, bytes: first.nextOffset });
    await peer.kill();
  }
});

check('an attached reader gets it as text messages, and acknowledges bytes', async () => {
  const client = await StreamClient.open(service);
  for (const [text, charset, cut] of TEXTS) {
    const { peer, id } = await connected();
    const { channel } = await client.attach({ socketId: id, encoding: charset });
    await sendPart(peer, id, { text, charset, from: 0, to: cut });
    const sent = await sendPart(peer, id, { text, charset, from: cut });
    expect([charset, await textUpTo(client, channel, sent)]).toEqual([charset, text]);
    await peer.kill();
  }
});

check('a small window ends where a character does', async () => {
  const { peer, id } = await connected();
  const client = await StreamClient.open(service);
  const { channel } = await client.attach({ socketId: id, encoding: 'GBK', windowBytes: 5 });
  const text = '你好，世界'.repeat(20);
  await sendPart(peer, id, { text, charset: 'gbk', from: 0 });
  expect(await textUpTo(client, channel, 200)).toBe(text);
});

/** All text of a channel up to that offset; nothing in it may be lossy, and the pieces must follow one another. */
async function textUpTo(client: StreamClient, channel: number, offset: number): Promise<string> {
  let text = '';
  for (let at = 0; at < offset;) {
    const { data }: Message = await client.message('data', channel);
    expect(data).toMatchObject({ offset: at, lossy: false });
    text += data.data ?? '';
    at += data.bytes ?? 0;
    client.ack(channel, at);
  }
  return text;
}

check('text posted in a charset arrives as the bytes that python reads it from', async () => {
  const { peer, id } = await connected();
  const client = await StreamClient.open(service);
  const { channel } = await client.attach({ socketId: id });
  for (const [data, charset] of TEXTS) {
    const posted: Answer<{ bytesSent: number }> = await service.post(`/v1/sockets/${id}/data`, {
      data,
      encoding: charset,
    });
    const bytes = posted.body.bytesSent;
    const receiving = { do: 'receive-text', bytes, charset } as const;
    expect(await peer.ask(receiving, 'received')).toMatchObject({ text: data });

    const said = await client.ask('send', { channel, data, encoding: charset });
    expect(said).toMatchObject({ event: 'sent', data: { bytesSent: bytes } });
    expect(await peer.ask(receiving, 'received')).toMatchObject({ text: data });
  }
});

check('bytes that are no text there are shown as such, and the offsets go on counting bytes', async () => {
  const { peer, id } = await connected();
  await peer.send(Buffer.from('d6d0ffd6d0d6', 'hex'));
  await peer.ask({ do: 'shutdown' }, 'shut-down');
  await until('its end has come', async () => (await service.socket(id)).state === 'half-closed-remote');
  expect(await receive(id, 'gbk')).toMatchObject({
    data: '中\ufffd中\ufffd',
    bytes: 6,
    lossy: true,
    eof: true,
  });
});

check('what cannot be used is refused, and the socket goes on', async () => {
  const { peer, id } = await connected();
  const client = await StreamClient.open(service);
  for (const encoding of ['klingon', 'utf-7']) {
    const { status, body } = await service.post<Problem>(`/v1/sockets/${id}/receive`, { encoding });
    expect([status, body.errors?.[0]?.pointer]).toEqual([400, '/encoding']);
    const answer = await client.ask('attach', { socketId: id, encoding });
    expect(answer).toMatchObject({ event: 'error', data: { errors: [{ pointer: '/encoding' }] } });
  }
  const { status } = await service.post(`/v1/sockets/${id}/data`, { data: '中😀', encoding: 'gbk' });
  expect(status).toBe(400);
  await service.post(`/v1/sockets/${id}/data`, { data: '中', encoding: 'gbk' });
  expect((await peer.receive(2)).toString('hex')).toBe('d6d0');
});
