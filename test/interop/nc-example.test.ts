import { createHash, randomBytes } from 'node:crypto';
import { dial, itWith, type Program, startProgram, stopPrograms } from '../support/peers.js';
import { type Service, startService } from '../support/service.js';
import { Way } from '../support/way.js';

/* examples/nc.ts, a netcat through the service, against netcat itself and python on the other side. */

const check = itWith('nc');
const payload = randomBytes(3_000_000);
const sha256 = (bytes: Buffer): string => createHash('sha256').update(bytes).digest('hex');
let service: Service;

beforeAll(async () => {
  service = await startService();
});
afterAll(async () => {
  expect(await service.stop()).toBe(0);
  await stopPrograms();
});

function example(args: string[], url = service.url): Program {
  const node = [process.execPath, '--import', 'tsx', 'examples/nc.ts', '--url', url, ...args];
  return startProgram(node[0]!, node.slice(1));
}

async function portOf(listening: Program, words: RegExp): Promise<string> {
  return listening.output('its port', () => words.exec(listening.stderr)?.[1] ?? null, 20_000);
}

check(
  'connects to a netcat that listens: bytes of any value both ways, each direction to its end',
  async () => {
    const nc = startProgram('nc', ['-lvN', '127.0.0.1', '0']);
    const ours = example(['127.0.0.1', await portOf(nc, /Listening on \S+ (\d+)/)]);
    const answer = payload.subarray(1_000);
    nc.write(answer);
    nc.endInput();
    await ours.output('the answer', () => (ours.stdout.length === answer.length ? true : null), 20_000);
    expect(sha256(ours.stdout)).toBe(sha256(answer));
    // The other direction is open still.
    ours.write(payload);
    ours.endInput();
    expect(await ours.exit()).toEqual({ code: 0, signal: null });
    expect((await nc.exit()).code).toBe(0);
    expect(sha256(nc.stdout)).toBe(sha256(payload));
  },
);

check('listens for one netcat, and says where', async () => {
  const ours = example(['-l', '127.0.0.1', '0']);
  const nc = startProgram('nc', ['-N', '127.0.0.1', await portOf(ours, /port: (\d+)/)]);
  nc.write(payload);
  nc.endInput();
  ours.write('got it');
  ours.endInput();
  expect(await ours.exit(20_000)).toEqual({ code: 0, signal: null });
  expect(sha256(ours.stdout)).toBe(sha256(payload));
  expect((await nc.exit()).code).toBe(0);
  expect(nc.stdout.toString()).toBe('got it');
});

it('receives a python peer whole although its WebSocket is cut again and again, and sends to it whole', async () => {
  const way = await Way.to(service.port);
  const ours = example(['-l', '127.0.0.1', '0'], way.url);
  const peer = await dial(Number(await portOf(ours, /port: (\d+)/)));
  let left = 1_500_000;
  way.onReceived = (bytes) => {
    left -= bytes;
    if (left > 0) return;
    left = 1_500_000;
    way.cut();
  };
  const sent = await peer.ask({ do: 'send-random', bytes: 5_000_000, seed: 3 }, 'sent', 20_000);
  await peer.ask({ do: 'shutdown' }, 'shut-down');
  const end = peer.ask({ do: 'drain' }, 'eof', 20_000);
  ours.write(payload);
  ours.endInput();
  expect(await end).toMatchObject({ bytes: payload.length, sha256: sha256(payload) });
  const { code } = await ours.exit(20_000);
  expect([code, ours.stderr]).toEqual([0, expect.not.stringContaining('nc:')]);
  expect(sha256(ours.stdout)).toBe(sent.sha256);
  expect(way.made).toBeGreaterThan(2);
  await way.close();
}, 60_000);

it('prints all of it although who reads its output is slow', async () => {
  const command = `"${process.execPath}" --import tsx examples/nc.ts --url ${service.url} -l 127.0.0.1 0 | (sleep 2; sha256sum)`;
  const ours = startProgram('sh', ['-c', command]);
  const peer = await dial(Number(await portOf(ours, /port: (\d+)/)));
  const sent = await peer.ask({ do: 'send-random', bytes: 5_000_000, seed: 4 }, 'sent', 20_000);
  await peer.ask({ do: 'shutdown' }, 'shut-down');
  ours.endInput();
  expect((await ours.exit(20_000)).code).toBe(0);
  expect(ours.stdout.toString()).toContain(sent.sha256);
});

check('speaks UDP with netcat, from either side', async () => {
  const ours = example(['-ul', '-w', '1', '127.0.0.1', '0']);
  const nc = startProgram('nc', ['-u', '127.0.0.1', await portOf(ours, /port: (\d+)/)]);
  nc.write(Buffer.from([0, 255, 10, 13]));
  await ours.output('the datagram', () => (ours.stdout.length === 4 ? true : null));
  expect([...ours.stdout]).toEqual([0, 255, 10, 13]);
  ours.write('answer');
  await nc.output('the answer', () => (nc.stdout.toString() === 'answer' ? true : null));
  ours.endInput();
  expect((await ours.exit()).code).toBe(0);
  await nc.kill();

  const listening = startProgram('nc', ['-luv', '127.0.0.1', '0']);
  const port = await portOf(listening, /Bound on \S+ (\d+)/);
  const dialling = example(['-u', '-w', '1', '127.0.0.1', port]);
  dialling.write('hello');
  await listening.output(
    'the datagram',
    () => (listening.stdout.toString() === 'hello' ? true : null),
    20_000,
  );
  dialling.endInput();
  expect((await dialling.exit()).code).toBe(0);
});

it('says why it could not connect, or was cut short, and ends with 1', async () => {
  const refused = example(['127.0.0.1', '9']);
  expect((await refused.exit(20_000)).code).toBe(1);
  expect(refused.stderr).toMatch(/ECONNREFUSED/);

  const nobody = example(['127.0.0.1', '9'], 'http://127.0.0.1:1');
  expect((await nobody.exit(20_000)).code).toBe(1);
  expect(nobody.stderr).toMatch(/no WebSocket at/);

  const ours = example(['-l', '127.0.0.1', '0']);
  const peer = await dial(Number(await portOf(ours, /port: (\d+)/)));
  await peer.ask({ do: 'send', hex: '21' }, 'sent');
  // Before it is accepted a reset would only be counted.
  await ours.output('the byte', () => (ours.stdout.length === 1 ? true : null));
  await peer.ask({ do: 'reset' }, 'closed');
  expect((await ours.exit(20_000)).code).toBe(1);
  expect(ours.stderr).toMatch(/ECONNRESET/);
});

it('says how it is used: when asked, with 0; for what makes no sense, with 2', async () => {
  const asked = example(['--help']);
  expect((await asked.exit(20_000)).code).toBe(0);
  expect(asked.stdout.toString()).toMatch(/^usage: nc\.ts /);
  const senseless = [
    ['-w', 'x', '9'],
    ['-w', '3000000', '9'],
    ['-w', '', '9'],
    ['--wat', '9'],
    [],
    ['127.0.0.1', 'http'],
  ];
  const refused = senseless.map((args) => example(args));
  const exits = await Promise.all(refused.map((one) => one.exit(30_000)));
  expect(exits.map(({ code }) => code)).toEqual(senseless.map(() => 2));
  for (const { stderr } of refused) expect(stderr).toMatch(/^nc: .+\nusage: nc\.ts .+\n$/);
});
