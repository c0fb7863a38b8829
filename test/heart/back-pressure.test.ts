import { type Peer, startPeer, stopPrograms } from '../support/peers.js';
import { type Service, type SocketView, startService } from '../support/service.js';
import { ConsumingReader, PipeClient, StreamClient, terminateClients } from '../support/ws-client.js';

const MiB = 1024 * 1024;
const GiB = 1024 * MiB;
const WINDOW = MiB;
/** The widest window a reader may ask for. */
const WIDE = 64 * MiB;
/** What the kernels of both ends may hold on top of the window. */
const KERNEL = 32 * MiB;
const MEMORY = 64 * MiB;

let service: Service;
let before: number;

// Each test has its own process: its memory is compared with what it was before.
beforeEach(async () => {
  service = await startService();
  before = service.rss();
});

afterEach(async () => {
  terminateClients();
  await stopPrograms();
});

async function listen(): Promise<{ id: string; flood: (bytes: number) => Promise<[Peer, SocketView]> }> {
  const { id, port } = await service.listen();
  const flood = async (bytes: number): Promise<[Peer, SocketView]> => {
    const peer = startPeer('flood.py', ['--connect', `127.0.0.1:${port}`, '--bytes', `${bytes}`]);
    const { ports } = await peer.event('connected');
    return [peer, await service.connection(id, ports![0]!)];
  };
  return { id, flood };
}

/** How much the sender got rid of when it had stood still for four reports in a row. */
async function standstill(sender: Peer): Promise<number> {
  let sent = -1;
  for (let same = 0; same < 3;) {
    const report = await sender.event('stalled', 30_000);
    expect(service.rss() - before).toBeLessThan(MEMORY);
    same = report.sent === sent ? same + 1 : 0;
    sent = report.sent!;
  }
  return sent;
}

async function expectFullWindow(id: string): Promise<void> {
  const { received } = await service.socket(id);
  expect(received.headOffset - received.committedOffset).toBe(WINDOW);
  expect(received).toMatchObject({ committedOffset: 0, droppedBytes: 0, paused: true });
  expect(service.rss() - before).toBeLessThan(MEMORY);
}

/** Bytes that came for a channel until now. */
function received(client: StreamClient, channel: number): number {
  let count = 0;
  for (const item of client.inbox.takeAll((each) => each.kind === 'frame' && each.channel === channel)) {
    if (item.kind === 'frame') count += item.bytes.length;
  }
  return count;
}

it('a sender whose bytes nobody reads is slowed by TCP, and memory stays', async () => {
  const [sender, { id }] = await (await listen()).flood(GiB);
  expect(await standstill(sender)).toBeLessThan(WINDOW + KERNEL);
  await expectFullWindow(id);
});

it('a sender is slowed by a WebSocket reader that never acknowledges', async () => {
  const { id: listenerId, flood } = await listen();
  const client = await StreamClient.open(service);
  await client.attach({ listenerId });
  const [sender, { id }] = await flood(GiB);
  const { data } = await client.message('accepted');
  expect(data.socket?.id).toBe(id);

  expect(await standstill(sender)).toBeLessThan(WINDOW + KERNEL);
  await expectFullWindow(id);
  const got = received(client, data.channel!);
  expect(got).toBeGreaterThan(0);
  expect(got).toBeLessThanOrEqual(WINDOW);
});

it('a sender is slowed by a WebSocket reader that allows 64 MiB ahead and acknowledges none', async () => {
  const { id: listenerId, flood } = await listen();
  const client = await StreamClient.open(service);
  await client.attach({ listenerId, windowBytes: WIDE });
  const [sender, { id }] = await flood(GiB);
  const { data } = await client.message('accepted');

  expect(await standstill(sender)).toBeLessThan(WINDOW + KERNEL);
  await expectFullWindow(id);
  expect(received(client, data.channel!)).toBe(WINDOW);
});

it('a sender is slowed by a WebSocket reader that has stopped reading its TCP connection', async () => {
  const { id: listenerId, flood } = await listen();
  const client = await StreamClient.open(service);
  await client.attach({ listenerId, windowBytes: WIDE });
  client.stopReading();
  const [sender, { id }] = await flood(GiB);

  expect(await standstill(sender)).toBeLessThan(WINDOW + KERNEL);
  await expectFullWindow(id);
});

it('a sender is slowed by a pipe that has stopped reading its TCP connection', async () => {
  const [sender, { id }] = await (await listen()).flood(GiB);
  const pipe = await PipeClient.open(service, `socketId=${id}`);
  pipe.stopReading();

  // The kernel's buffers of the pipe come on top: what it took counts as committed.
  expect(await standstill(sender)).toBeLessThan(WINDOW + 2 * KERNEL);
  const view = await service.socket(id);
  expect(view.received.headOffset - view.received.committedOffset).toBe(WINDOW);
  expect(view.received).toMatchObject({ droppedBytes: 0, paused: true });
});

it('observers that have stopped reading their TCP connections slow nobody and cost no memory', async () => {
  const total = 256 * MiB;
  const [sender, { id }] = await (await listen()).flood(total);
  // As many as would hold four times the bar between them, if what they may be ahead were kept for them.
  for (let i = 0; i < 4; i++) {
    const observer = await StreamClient.open(service);
    await observer.attach({ socketId: id, mode: 'observe', from: 'earliest', windowBytes: WIDE });
    observer.stopReading();
  }

  const reader = new ConsumingReader(service, { socketId: id, windowBytes: WINDOW });
  await reader.attach();
  // By then V8 has made its young generation as large as this traffic wants it, up to 64 MiB in newer versions.
  await reader.read(total / 2);
  const halfway = service.rss();
  expect(await reader.read()).toBe(total);
  expect(reader.hash.digest('hex')).toBe((await sender.event('sent')).sha256);
  expect(service.rss() - halfway).toBeLessThan(MEMORY);
}, 60_000);
