import { type Peer, startPeer, stopPrograms, until } from '../support/peers.js';
import { type Service, startService } from '../support/service.js';
import { type Attached, ConsumingReader, StreamClient, terminateClients } from '../support/ws-client.js';

const TOTAL = 24 * 1024 * 1024;
const WINDOW = 256 * 1024;

let service: Service;

beforeAll(async () => {
  service = await startService();
});

afterAll(async () => {
  terminateClients();
  await stopPrograms();
});

async function flood(): Promise<{ sender: Peer; id: string }> {
  const listener = await service.listen();
  const sender = startPeer('flood.py', ['--connect', `127.0.0.1:${listener.port}`, '--bytes', `${TOTAL}`]);
  const { ports } = await sender.event('connected');
  return { sender, id: (await service.connection(listener.id, ports![0]!)).id };
}

/** An observer that keeps account of what it got and what it missed. */
class Observer {
  next: number;
  missed = 0;
  gaps = 0;
  /** Asks for more with each frame. */
  private eager = false;
  private readonly pieces: { offset: number; bytes: Buffer }[] = [];

  constructor(
    readonly client: StreamClient,
    private readonly attached: Attached,
  ) {
    this.next = attached.offset;
  }

  askForMore(): void {
    this.client.ack(this.attached.channel, this.next);
  }

  hurry(): void {
    this.eager = true;
    this.askForMore();
  }

  /** Follows to the end; every frame and gap has to start exactly where the last one ended. */
  async follow(): Promise<number> {
    for await (const item of this.client) {
      if (item.kind === 'frame') {
        expect(item.offset).toBe(this.next);
        this.pieces.push(item);
        this.next += item.bytes.length;
        if (this.eager) this.askForMore();
      } else if (item.event === 'gap') {
        expect(item.data.from).toBe(this.next);
        expect(item.data.to).toBeGreaterThan(this.next);
        this.missed += item.data.to! - item.data.from!;
        this.next = item.data.to!;
        this.gaps += 1;
        this.askForMore();
      } else if (item.event === 'eof') {
        return item.data.offset!;
      }
    }
    throw new Error('the WebSocket of the observer closed');
  }

  /** All it got stands at that place of the stream, and what it did not get was in gaps. */
  expectTrue(stream: Buffer): void {
    let bytes = 0;
    for (const piece of this.pieces) {
      const expected = stream.subarray(piece.offset, piece.offset + piece.bytes.length);
      if (!piece.bytes.equals(expected)) throw new Error(`other bytes at ${piece.offset}`);
      bytes += piece.bytes.length;
    }
    expect(this.gaps).toBeGreaterThan(0);
    expect(bytes + this.missed).toBe(TOTAL);
  }
}

async function observe(id: string, windowBytes: number): Promise<Observer> {
  const client = await StreamClient.open(service);
  const attached = await client.attach({ socketId: id, mode: 'observe', from: 'earliest', windowBytes });
  return new Observer(client, attached);
}

it('two consuming readers get everything, one of them after an absence; a slow observer gets exact gaps', async () => {
  const { sender, id } = await flood();
  const stream: Buffer[] = [];
  const keep = (bytes: Buffer): void => void stream.push(bytes);
  const spec = { socketId: id, windowBytes: WINDOW };
  const steady = new ConsumingReader(service, { ...spec, reader: 'steady' }, () => true, keep);
  const absent = new ConsumingReader(service, { ...spec, reader: 'absent' });
  const observer = await observe(id, 65_536);
  const observedEnd = observer.follow();
  await absent.attach();
  await steady.attach();

  // One goes away for a while: the other can get no further than a window ahead of it.
  const steadyEnd = steady.read();
  await absent.read(TOTAL / 3);
  absent.cut();
  await until('the window is full of what the absent reader has not had', async () => {
    const { received, readers } = await service.socket(id);
    const away = readers.find(({ name }) => name === 'absent');
    return received.paused && away?.attached === false;
  });
  expect(steady.handed).toBeLessThan(TOTAL);

  await absent.attach();
  for (let part = 4; part <= 12; part++) {
    await absent.read((TOTAL / 12) * part);
    observer.askForMore();
  }
  expect([await absent.read(), await steadyEnd]).toEqual([TOTAL, TOTAL]);
  observer.hurry();
  expect(await observedEnd).toBe(TOTAL);

  const { sha256 } = await sender.event('sent');
  expect(steady.hash.digest('hex')).toBe(sha256);
  expect(absent.hash.digest('hex')).toBe(sha256);
  observer.expectTrue(Buffer.concat(stream));
}, 60_000);

it('an observer that stops reading its TCP connection for a while gets true bytes and exact gaps', async () => {
  const { sender, id } = await flood();
  const stream: Buffer[] = [];
  const keep = (bytes: Buffer): void => void stream.push(bytes);
  const reader = new ConsumingReader(service, { socketId: id, windowBytes: WINDOW }, () => true, keep);
  const observer = await observe(id, 2 * TOTAL);
  observer.client.stopReading();
  await reader.attach();
  expect(await reader.read()).toBe(TOTAL);
  expect(reader.hash.digest('hex')).toBe((await sender.event('sent')).sha256);

  observer.client.ws.resume();
  expect(await observer.follow()).toBe(TOTAL);
  observer.expectTrue(Buffer.concat(stream));
}, 60_000);

it('a second reader under a name in use takes it over, and the first is told', async () => {
  const { id } = await flood();
  const [first, second] = [await StreamClient.open(service), await StreamClient.open(service)];
  const before = await first.attach({ socketId: id, reader: 'only', windowBytes: 4096 });
  const after = await second.attach({ socketId: id, reader: 'only', windowBytes: 4096 });

  const { data } = await first.message('error', before.channel);
  expect(data.type).toMatch(/taken-over$/);
  expect(after.offset).toBe(0);
  // The one that was put out acknowledges nothing any more.
  first.ack(before.channel, 4096);
  await first.ask('ping');
  expect((await service.socket(id)).received.committedOffset).toBe(0);
});
