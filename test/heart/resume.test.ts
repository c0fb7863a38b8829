import { startPeer, stopPrograms } from '../support/peers.js';
import { type Service, startService } from '../support/service.js';
import { ConsumingReader, seeded, terminateClients } from '../support/ws-client.js';

const TOTAL = 200_000_000;
const CUTS = 20;

let service: Service;

beforeAll(async () => {
  service = await startService();
});

afterAll(async () => {
  terminateClients();
  await stopPrograms();
});

it('200 MB arrive once and in order at a reader that is cut off 20 times', async () => {
  const random = seeded(7);
  const cuts = Array.from({ length: CUTS }, () => Math.floor(random() * TOTAL)).sort((a, b) => a - b);
  const listener = await service.listen();
  const sender = startPeer('flood.py', ['--connect', `127.0.0.1:${listener.port}`, '--bytes', `${TOTAL}`]);
  const { ports } = await sender.event('connected');
  const { id } = await service.connection(listener.id, ports![0]!);

  const attachment = { socketId: id, reader: 'main', windowBytes: 512 * 1024 };
  const reader = new ConsumingReader(service, attachment, () => random() < 0.4);
  for (const cut of cuts) {
    await reader.attach();
    expect(await reader.read(cut)).toBeNull();
    reader.cut();
  }
  await reader.attach();
  expect(await reader.read()).toBe(TOTAL);

  const sent = await sender.event('sent');
  expect(reader.handed).toBe(TOTAL);
  expect(reader.hash.digest('hex')).toBe(sent.sha256);

  await reader.client!.message('pong');
  const { received, state } = await service.socket(id);
  expect(state).toBe('half-closed-remote');
  expect(received).toMatchObject({ bytes: TOTAL, headOffset: TOTAL, droppedBytes: 0, paused: false });
}, 90_000);
