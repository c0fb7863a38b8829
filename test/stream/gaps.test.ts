import { once } from 'node:events';
import dgram from 'node:dgram';
import { serviceWithEnds } from '../support/far-ends.js';
import { until } from '../support/peers.js';
import type { SocketView } from '../support/service.js';
import { type Frame, StreamClient } from '../support/ws-client.js';

/* A live feed of which a client that does not acknowledge sees a window, and gaps: RFC 9293, 3.8.6 for the window. */

const KiB = 1024;
const at = serviceWithEnds();

/** What has come for the client so far: its frames, and the offset behind the last gap. */
async function come(
  client: StreamClient,
): Promise<{ frames: Frame[]; gaps: { from: number; to: number }[] }> {
  await client.ask('ping');
  const items = client.inbox.takeAll(() => true);
  return {
    frames: items.filter((item) => item.kind === 'frame'),
    gaps: items.flatMap((item) =>
      item.kind === 'message' && item.event === 'gap' ? [{ from: item.data.from!, to: item.data.to! }] : [],
    ),
  };
}

it('bytes that are gone make no room for more: the window is what was not acknowledged', async () => {
  const receive = { overflow: 'drop-oldest', windowBytes: 64 * KiB };
  const { id, peer } = await at.ends.connect({ receive });
  const client = await StreamClient.open(at.service);
  const { channel } = await client.attach({ socketId: id, mode: 'observe', windowBytes: 5000 });
  let got = 0;
  let gone = 0;
  let last = 0;
  for (let round = 1; round <= 5; round += 1) {
    peer.write(Buffer.alloc(200 * KiB));
    await until('all came', async () => (await at.service.socket(id)).received.bytes === round * 200 * KiB);
    const { frames, gaps } = await come(client);
    for (const { offset, bytes } of frames) [got, last] = [got + bytes.length, offset + bytes.length];
    for (const { from, to } of gaps) gone += to - from;
  }
  expect(got).toBe(5000);
  expect(gone).toBeGreaterThan(800 * KiB);
  // What it acknowledges before the gap is room behind it.
  client.ack(channel, last);
  const { frames } = await come(client);
  expect(frames.reduce((sum, { bytes }) => sum + bytes.length, 0)).toBe(5000);
  expect(frames[0]!.offset).toBeGreaterThan(last);
});

it('datagrams that are gone make no room for more', async () => {
  const { body } = await at.service.post<SocketView>('/v1/listeners', {
    protocol: 'udp',
    host: '127.0.0.1',
    port: 0,
    receive: { windowBytes: 64 * KiB },
  });
  const client = await StreamClient.open(at.service);
  const { channel } = await client.attach({ socketId: body.id, mode: 'observe', windowBytes: 5000 });
  const sender = dgram.createSocket('udp4');
  sender.connect(body.localAddress.port, '127.0.0.1');
  await once(sender, 'connect');
  const datagram = Buffer.alloc(1000);
  let [count, last] = [0, 0];
  for (let sent = 1; sent <= 300; sent += 1) {
    sender.send(datagram);
    const { received } = await at.service.socket(body.id);
    if (received.headOffset < sent)
      await until('it came', async () => (await at.service.socket(body.id)).received.headOffset === sent);
  }
  for (const { offset, bytes } of (await come(client)).frames) [count, last] = [count + bytes.length, offset];
  expect(count).toBeLessThanOrEqual(5000);
  client.ack(channel, last + 1);
  expect((await come(client)).frames.length).toBeGreaterThan(0);
  sender.close();
});
