import { createHash, type Hash } from 'node:crypto';
import { startPeer, stopPrograms } from '../support/peers.js';
import { type Service, startService } from '../support/service.js';
import { type Message, StreamClient, terminateClients } from '../support/ws-client.js';

const SOCKETS = 100;
const BYTES = 1024 * 1024;
const LARGE = 64 * BYTES;
const WINDOW = 64 * 1024;

let service: Service;

beforeAll(async () => {
  service = await startService();
});

afterAll(async () => {
  terminateClients();
  await stopPrograms();
});

interface Channel {
  port: number;
  offset: number;
  hash: Hash;
  ended: boolean;
}

function accepted({ data }: Message): [number, Channel] {
  const port = data.socket!.remoteAddress!.port;
  return [data.channel!, { port, offset: 0, hash: createHash('sha256'), ended: false }];
}

it('one stalled socket among 100 on one WebSocket holds up none of the others, and goes on when it is read', async () => {
  const listener = await service.listen();
  const client = await StreamClient.open(service);
  await client.attach({ listenerId: listener.id, windowBytes: WINDOW });
  const sender = startPeer(
    'flood.py',
    ['--connect', `127.0.0.1:${listener.port}`, '--connections', `${SOCKETS}`].concat(
      ['--bytes', `${BYTES}`],
      ['--large', `${LARGE}`],
    ),
  );
  const stalledPort = (await sender.event('connected')).ports![0]!;

  const channels = new Map<number, Channel>();
  const stalled = (): [number, Channel] => [...channels].find(([, { port }]) => port === stalledPort)!;
  const endedCount = (): number => [...channels.values()].filter(({ ended }) => ended).length;

  /** Reads every channel, acknowledging those that are `read`, until so many have ended. */
  const follow = async (count: number, read: (channel: Channel) => boolean): Promise<void> => {
    for await (const item of client) {
      if (item.kind === 'message' && item.event === 'accepted') channels.set(...accepted(item));
      const number = item.kind === 'frame' ? item.channel : (item.data.channel ?? 0);
      const channel = channels.get(number);
      if (!channel) continue;
      if (item.kind === 'frame') {
        expect(item.offset).toBe(channel.offset);
        channel.offset += item.bytes.length;
        channel.hash.update(item.bytes);
        if (read(channel)) client.ack(number, channel.offset);
      } else if (item.event === 'eof') {
        expect(item.data.offset).toBe(channel.offset);
        channel.ended = true;
        if (endedCount() === count) return;
      }
    }
  };

  await follow(SOCKETS - 1, ({ port }) => port !== stalledPort);
  const [number, channel] = stalled();
  expect(channels.size).toBe(SOCKETS);
  expect(channel).toMatchObject({ ended: false, offset: WINDOW });

  client.ack(number, channel.offset);
  await follow(SOCKETS, () => true);
  const sums = new Map<number, string>();
  for (let count = 0; count < SOCKETS; count++) {
    const { port, sha256 } = await sender.event('sent');
    sums.set(port!, sha256!);
  }
  for (const { port, hash } of channels.values()) expect(hash.digest('hex')).toBe(sums.get(port));
}, 60_000);
