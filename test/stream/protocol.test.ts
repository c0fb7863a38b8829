import { once } from 'node:events';
import dgram from 'node:dgram';
import net from 'node:net';
import { type Connected, serviceWithEnds } from '../support/far-ends.js';
import { type SocketView } from '../support/service.js';
import { StreamClient } from '../support/ws-client.js';

/* The table of docs/stream-protocol.md, from its first line to its last. */

const at = serviceWithEnds();
let client: StreamClient;

beforeAll(async () => {
  client = await StreamClient.open(at.service);
});

async function attached(options: object = {}): Promise<Connected & { channel: number }> {
  const both = await at.ends.connect();
  const { channel } = await client.attach({ socketId: both.id, ...options });
  return { ...both, channel };
}

/** The next bytes at the far end. */
async function arrived(peer: net.Socket): Promise<string> {
  const [data] = (await once(peer.resume(), 'data')) as [Buffer];
  return data.toString();
}

it('attach answers where the channel begins, and shows the socket', async () => {
  const { id, peer } = await at.ends.connect();
  const all = once(peer, 'finish');
  peer.end('0123456789');
  await all;
  const { data, ref } = await client.ask('attach', { socketId: id, from: 0 });
  expect(ref).toBeDefined();
  expect(data).toMatchObject({ socketId: id, offset: 0, socket: { id, kind: 'client' } });
  expect(data.earliestOffset).toBe(0);
  expect((await client.bytes(data.channel!, 10)).toString()).toBe('0123456789');
  expect((await client.message('eof', data.channel)).data.offset).toBe(10);
});

it('the window goes as far as the last ack, and an ack of what was not sent is an error', async () => {
  const { channel, peer } = await attached({ windowBytes: 4 });
  peer.write('abcdefgh');
  const frame = await client.inbox.take(
    'a frame',
    (item) => item.kind === 'frame' && item.channel === channel,
  );
  expect(frame).toMatchObject({ type: 1, flags: 0, reserved: 0, offset: 0, bytes: Buffer.from('abcd') });
  client.say('ack', { channel, offset: 5 }, 'early');
  expect(await client.message('error', channel)).toMatchObject({ ref: 'early', data: { status: 400 } });
  client.ack(channel, 2);
  expect((await client.bytes(channel, 2)).toString()).toBe('ef');
});

it('send and frames go out in order, and send is answered', async () => {
  const { channel, peer } = await attached();
  client.frame(channel, Buffer.from('one '));
  const { event, data } = await client.ask('send', { channel, data: '747776', encoding: 'hex' });
  client.frame(channel, Buffer.from(' three'));
  expect([event, data.bytesSent]).toEqual(['sent', 3]);
  let text = '';
  while (text.length < 13) text += await arrived(peer);
  expect(text).toBe('one twv three');
});

it('characters that are cut come whole, and offsets count bytes', async () => {
  const { channel, peer } = await attached({ encoding: 'utf8' });
  const [euro, rest] = [Buffer.from('a€').subarray(0, 3), Buffer.from('a€').subarray(3)];
  peer.write(euro);
  const first = await client.message('data', channel);
  expect(first.data).toMatchObject({
    offset: 0,
    nextOffset: 1,
    bytes: 1,
    data: 'a',
    encoding: 'utf8',
    lossy: false,
  });
  peer.write(rest);
  const second = await client.message('data', channel);
  expect(second.data).toMatchObject({ offset: 1, nextOffset: 4, bytes: 3, data: '€', lossy: false });
});

it('a window that is smaller than a character can be is refused where text is asked for', async () => {
  const { id } = await at.ends.connect();
  for (const [encoding, windowBytes] of [
    ['utf8', 3],
    ['cesu8', 5],
    ['gb18030', 3],
  ] as const) {
    const one = await client.ask('attach', { socketId: id, encoding, windowBytes });
    expect(one.data).toMatchObject({ status: 400, errors: [{ pointer: '/windowBytes' }] });
    const listed = await client.ask('attach', { attachments: [{ socketId: id, encoding, windowBytes }] });
    expect(listed.data).toMatchObject({ index: 0, errors: [{ pointer: '/attachments/0/windowBytes' }] });
  }
  expect((await client.ask('attach', { socketId: id, encoding: 'hex', windowBytes: 1 })).event).toBe(
    'attached',
  );
});

it('a character as long as the window comes whole', async () => {
  const { channel, peer } = await attached({ encoding: 'utf8', windowBytes: 4 });
  peer.write('a😀😀');
  for (const [offset, data] of [
    [0, 'a'],
    [1, '😀'],
    [5, '😀'],
  ] as const) {
    expect((await client.message('data', channel)).data).toMatchObject({ offset, data, lossy: false });
    client.ack(channel, offset + Buffer.byteLength(data));
  }
});

it('an offset that is beyond what came is told of `from`', async () => {
  const { id } = await at.ends.connect();
  const one = await client.ask('attach', { socketId: id, from: 1 });
  expect(one.data).toMatchObject({ code: 'OFFSET_OUT_OF_RANGE', errors: [{ pointer: '/from' }] });
  const listed = await client.ask('attach', { attachments: [{ socketId: id, from: 1 }] });
  expect(listed.data).toMatchObject({ index: 0, errors: [{ pointer: '/attachments/0/from' }] });
});

it('shutdown, close and detach are done', async () => {
  const { channel, peer } = await attached();
  const eof = once(peer.resume(), 'end');
  expect((await client.ask('shutdown', { channel })).event).toBe('done');
  await eof;
  expect((await client.ask('close', { channel })).event).toBe('done');
  expect((await client.message('closed', channel)).data.reason).toBe('api');
  const other = await attached();
  expect((await client.ask('detach', { channel: other.channel })).event).toBe('done');
  const answer = await client.ask('send', { channel: other.channel, data: 'x' });
  expect(answer).toMatchObject({ event: 'error', data: { status: 404, channel: other.channel } });
  expect((await at.service.socket(other.id)).state).toBe('open');
});

it('a listener brings its connections, present and to come, each on a channel of its own', async () => {
  const listener = await at.service.listen();
  const first = net.connect(listener.port, '127.0.0.1', () => first.write('first'));
  await at.service.connection(listener.id, await localPort(first));
  const { channel } = await client.attach({ listenerId: listener.id });
  const present = await client.message('accepted');
  expect(present.data.listenerChannel).toBe(channel);
  const second = net.connect(listener.port, '127.0.0.1', () => second.write('second'));
  const coming = await client.message('accepted');
  expect((await client.bytes(present.data.channel!, 5)).toString()).toBe('first');
  expect((await client.bytes(coming.data.channel!, 6)).toString()).toBe('second');
  first.destroy();
  second.destroy();
});

async function localPort(socket: net.Socket): Promise<number> {
  if (socket.connecting) await once(socket, 'connect');
  return socket.localPort!;
}

it('a datagram goes where `to` says, and comes as a record with its sender', async () => {
  const { body } = await at.service.post<SocketView>('/v1/listeners', {
    protocol: 'udp',
    host: '127.0.0.1',
    port: 0,
  });
  const far = dgram.createSocket('udp4').bind(0, '127.0.0.1');
  await once(far, 'listening');
  const { channel } = await client.attach({ socketId: body.id });
  const to = { address: '127.0.0.1', port: far.address().port };
  const got = once(far, 'message') as Promise<[Buffer, dgram.RemoteInfo]>;
  expect((await client.ask('send', { channel, data: 'ping', to })).event).toBe('sent');
  const [datagram, from] = await got;
  expect([datagram.toString(), from.port]).toEqual(['ping', body.localAddress.port]);
  far.send('pong', from.port, '127.0.0.1');
  const frame = await client.inbox.take(
    'datagrams',
    (item) => item.kind === 'frame' && item.channel === channel,
  );
  if (frame.kind !== 'frame') throw new Error('no frame');
  expect(frame).toMatchObject({ type: 2, offset: 0 });
  expect([frame.bytes.readUInt32BE(0), frame.bytes.readUInt16BE(12), frame.bytes[14]]).toEqual([
    4,
    to.port,
    4,
  ]);
  expect(frame.bytes.subarray(16)).toEqual(Buffer.from([127, 0, 0, 1, ...Buffer.from('pong')]));
  far.close();
});

it('an observer that is too slow gets the gap, and then what is there', async () => {
  const { id, peer } = await at.ends.connect({ receive: { windowBytes: 1024, overflow: 'drop-oldest' } });
  const { channel } = await client.attach({ socketId: id, mode: 'observe', windowBytes: 4 });
  peer.write('abcd');
  await client.inbox.take('a frame', (item) => item.kind === 'frame' && item.channel === channel);
  peer.write(Buffer.alloc(4096, 'x'));
  const { data } = await client.message('gap', channel);
  expect(data.from).toBe(4);
  expect(data.to).toBeGreaterThan(4);
});

it('watch tells what the filter lets through, until unwatch', async () => {
  expect((await client.ask('watch', { kind: 'client', events: ['closed'] })).data.watches).toBe(1);
  const { id } = await at.ends.connect();
  await at.service.del(`/v1/sockets/${id}`);
  const { data } = await client.message('event');
  expect(data).toMatchObject({ name: 'closed', socketId: id });
  expect((await client.ask('unwatch', {})).data.watches).toBe(0);
});

it('ping brings back anything, with its ref', async () => {
  for (const data of [null, 7, 'x', [1, { a: [] }], { b: true }])
    expect(await client.ask('ping', data)).toMatchObject({ event: 'pong', data });
});

it('what is wrong is an error with the ref of its question, and the WebSocket goes on', async () => {
  expect(await client.ask('dance', {})).toMatchObject({ event: 'error', data: { status: 400 } });
  expect(await client.ask('ack', { channel: 99_999, offset: 0 })).toMatchObject({
    data: { status: 404, channel: 99_999 },
  });
  client.ws.send('{"event":');
  expect((await client.message('error')).data.status).toBe(400);
  client.ws.send(Buffer.from([1, 0, 0]));
  expect((await client.message('error')).data.status).toBe(400);
  client.ws.send(Buffer.concat([Buffer.from([9]), Buffer.alloc(20)]));
  expect((await client.message('error')).data.detail).toMatch(/frame type 9/);
  expect((await client.ask('ping', 1)).event).toBe('pong');
});
