import { once } from 'node:events';
import net from 'node:net';
import { readdirSync } from 'node:fs';
import { stopPrograms, until } from '../support/peers.js';
import { EventSource, type ServerSentEvent } from '../support/event-source.js';
import { type Service, startService } from '../support/service.js';

const MIB = 1024 * 1024;
/** Labels that make each event some 9 KB. */
const LABELS = Object.fromEntries(Array.from({ length: 32 }, (_, i) => [`label-${i}`, 'x'.repeat(256)]));
const EVENTS = 3_000;

let service: Service;
beforeAll(async () => {
  service = await startService({ SOCKEYE_EVENT_HISTORY: '50', SOCKEYE_LOG_LEVEL: 'error' });
});
afterAll(async () => {
  expect(await service.stop()).toBe(0);
  await stopPrograms();
});

/** Reads what is there; whoever holds the stream back does so by not reading it. */
function asksForEvents(): net.Socket {
  const socket = net.connect(service.port, '127.0.0.1');
  socket.write('GET /v1/events HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n');
  return socket;
}

function descriptors(): number {
  return readdirSync(`/proc/${service.pid}/fd`).length;
}

it('a client that does not read holds no memory, and is told what it missed when it reads on', async () => {
  const listener = await service.listen({ labels: LABELS });
  const peer = net.connect(listener.port, '127.0.0.1');
  await once(peer, 'connect');
  const { id } = await service.connection(listener.id, peer.localPort ?? 0);
  const lazy = asksForEvents();
  await once(lazy, 'readable');
  const before = service.rss();
  for (let i = 0; i < EVENTS / 2; i += 1) {
    await service.post(`/v1/sockets/${id}/pause`, {});
    await service.post(`/v1/sockets/${id}/resume`, {});
  }
  expect(service.rss() - before).toBeLessThan(64 * MIB);
  const eager = await EventSource.open(service.url, 'lastEventId=0');
  const missedByEager = await eager.next('missed');
  const last = missedByEager.data.to + 50;
  eager.close();

  // Every id is there once, as an event or as missed, up to the last.
  let text = '';
  lazy.on('data', (chunk: Buffer) => (text += chunk.toString('latin1')));
  await until(
    'the last event',
    () => text.includes(`\nid: ${last}\n`) || text.includes(`id: ${last}\nevent`),
  );
  lazy.destroy();
  peer.destroy();
  const ids = [...text.matchAll(/^id: (\d+)\r?$(?=\n?\r?\n?event: (\w+))/gm)];
  expect(ids.length).toBeGreaterThan(50);
  let next = Number(ids[0]![1]);
  let missed = 0;
  for (const [, idText, event] of ids) {
    const at = Number(idText);
    if (event === 'missed') missed += at - next + 1;
    else expect(at).toBe(next);
    next = at + 1;
  }
  expect(missed).toBeGreaterThan(0);
  expect(next).toBe(last + 1);
}, 60_000);

it('callers that go away leave nothing behind', async () => {
  const before = descriptors();
  const sources = await Promise.all(Array.from({ length: 100 }, () => EventSource.open(service.url)));
  expect(descriptors()).toBeGreaterThan(100);
  const seen: ServerSentEvent[] = [];
  await service.listen();
  for (const source of sources) seen.push(await source.next('created'));
  expect(new Set(seen.map(({ id }) => id)).size).toBe(1);
  for (const source of sources) source.close();
  await until('the descriptors are closed', () => descriptors() < before + 20);
});

it('any number of calls can wait for events and for bytes: Node warns of no leak', async () => {
  const listener = await service.listen();
  const peer = net.connect(listener.port, '127.0.0.1');
  await once(peer, 'connect');
  const { id } = await service.connection(listener.id, peer.localPort ?? 0);
  const sources: EventSource[] = [];
  while (sources.length < 20) sources.push(await EventSource.open(service.url));
  const polls = Array.from({ length: 20 }, () => service.get(`/v1/sockets/${id}/data?waitMs=20000`));
  await until('they wait', async () => (await service.socket(id)).observers === polls.length);
  peer.destroy();
  await Promise.all(polls);
  for (const source of sources) source.close();
  expect(service.stderr).not.toContain('Warning');
});
