import { mkdtempSync, readdirSync, realpathSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Engine, type DataSocket, type ManagedSocket, type StreamListener } from '../../src/sockets/index.js';
import type { ListenRequest } from '../../src/sockets/listen/listeners.js';
import { portOf } from '../support/ends.js';
import { until } from '../support/peers.js';
import { LISTENER, POLICY, SOCKET, TCP_LISTENER } from '../support/engine.js';

const CYCLES = 10_000;
/** For all of a kind, on a slow machine. */
jest.setTimeout(300_000);
const AT_ONCE = 100;
const root = realpathSync(mkdtempSync(join(tmpdir(), 'sk-')));
let engine: Engine;
let baseline: number;

/** Descriptors of this process. */
const descriptors = (): number => readdirSync('/proc/self/fd').length;

beforeAll(() => {
  engine = new Engine({
    limits: { maxClosed: 100 },
    policy: POLICY,
    unix: { directory: root, records: join(root, 'records') },
  });
});

afterAll(async () => {
  await engine.close();
  rmSync(root, { recursive: true });
});

/** So often, so many at the same time. */
async function repeat(times: number, cycle: (n: number) => Promise<unknown>): Promise<void> {
  let next = 0;
  const one = async (): Promise<void> => {
    while (next < times) await cycle(next++);
  };
  await Promise.all(Array.from({ length: AT_ONCE }, one));
}

async function leavesNothing(): Promise<void> {
  await until('every descriptor is closed', () => engine.openCount === 0 && descriptors() <= baseline);
  expect(readdirSync(root).filter((name) => name.endsWith('.sock'))).toEqual([]);
  expect(readdirSync(join(root, 'records'))).toEqual([]);
}

/** Connects, and closes both ends once the other is accepted. */
async function connections(listener: StreamListener, connect: () => Promise<DataSocket>): Promise<void> {
  const accepted: ManagedSocket[] = [];
  const waiting: ((socket: ManagedSocket) => void)[] = [];
  const stop = engine.onEvent(({ name, socket }) => {
    if (name !== 'accepted') return;
    const next = waiting.shift();
    if (next === undefined) accepted.push(socket);
    else next(socket);
  });
  await repeat(CYCLES, async () => {
    const client = await connect();
    const other = accepted.shift() ?? (await new Promise<ManagedSocket>((resolve) => waiting.push(resolve)));
    await Promise.all([client.close('reset', 'api'), other.close('reset', 'api')]);
  });
  stop();
  await engine.remove(listener, 'graceful');
}

beforeEach(async () => {
  // What is opened once and stays: the records' directory, the addon's own descriptors.
  await engine.remove(await engine.listen({ ...LISTENER, path: 'first.sock' }), 'graceful');
  await until('nothing is open', () => engine.openCount === 0);
  baseline = descriptors();
});

test('TCP listeners leave no descriptor', async () => {
  await repeat(CYCLES, async () => engine.remove(await engine.listen(TCP_LISTENER), 'graceful'));
  await leavesNothing();
});

test('TCP clients and the connections accepted from them leave no descriptor', async () => {
  const listener = await engine.listen(TCP_LISTENER);
  const target = { host: '127.0.0.1', port: portOf(listener), family: 'any' } as const;
  const request = { ...SOCKET, ...target, localAddress: null, localPort: null, timeoutMs: 5000, tls: null };
  await connections(listener, () => engine.connect(request));
  await leavesNothing();
});

test.each(['unix', 'unix-seqpacket'] as const)(
  'listeners of %s leave no descriptor and no file',
  async (protocol) => {
    const type = protocol === 'unix' ? {} : ({ type: 'seqpacket' } as const);
    const request = (n: number): ListenRequest => ({ ...LISTENER, ...type, path: `${n}.sock` });
    await repeat(CYCLES, async (n) => engine.remove(await engine.listen(request(n)), 'graceful'));
    await leavesNothing();
  },
);

test.each(['unix', 'unix-seqpacket'] as const)('connections of %s leave no descriptor', async (protocol) => {
  const type = protocol === 'unix' ? {} : ({ type: 'seqpacket' } as const);
  const path = `${protocol}.sock`;
  const listener = await engine.listen({ ...LISTENER, ...type, path });
  await connections(listener, () => engine.connectUnix({ ...SOCKET, protocol, path, timeoutMs: 5000 }));
  await leavesNothing();
});
