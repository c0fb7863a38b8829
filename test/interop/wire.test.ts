import { spawnSync } from 'node:child_process';
import { dial, itWith, startProgram, stopPrograms, type Program } from '../support/peers.js';
import { type Service, startService } from '../support/service.js';

const check = mayCapture() ? itWith('tcpdump', 'python3') : skipped;
let service: Service;

beforeAll(async () => {
  service = await startService();
});

afterAll(async () => {
  expect(await service.stop()).toBe(0);
  await stopPrograms();
});

/** Without tcpdump `itWith` says so; it may also be there and not be allowed to look. */
function mayCapture(): boolean {
  const { status, error } = spawnSync('tcpdump', ['-i', 'lo', '-d']);
  return error !== undefined || status === 0;
}

function skipped(title: string, test: () => Promise<void>): void {
  console.warn('capture of packets skipped: no permission');
  it.skip(`${title} (skipped: no permission to capture)`, test);
}

/** Every packet from or to a port, as it passes. */
async function capture(port: number): Promise<Program> {
  const arguments_ = ['-i', 'lo', '-n', '-l', '--immediate-mode', `tcp port ${port}`];
  const tcpdump = startProgram('tcpdump', arguments_);
  await tcpdump.output('its begin', () => (tcpdump.stderr.includes('listening on lo') ? true : null));
  return tcpdump;
}

/** The flags of a packet that the service sent, once there is one that matches. */
function sentBy(tcpdump: Program, port: number, flags: RegExp): Promise<string> {
  const packet = new RegExp(`\\.${port} > [^ ]+: Flags \\[([^\\]]+)\\]`, 'g');
  return tcpdump.output(`a packet with ${flags.source}`, () => {
    const sent = [...tcpdump.stdout.toString().matchAll(packet)].map((match) => match[1]!);
    return sent.find((found) => flags.test(found)) ?? null;
  });
}

check('a reset is a RST on the wire, with no FIN before it, even with bytes queued', async () => {
  const listener = await service.listen();
  const tcpdump = await capture(listener.port);
  const peer = await dial(listener.port);
  const { id } = await service.connection(listener.id, peer.localPort);
  await service.post(`/v1/sockets/${id}/data`, Buffer.alloc(100_000));
  await service.del(`/v1/sockets/${id}?mode=reset`);
  await sentBy(tcpdump, listener.port, /R/);
  await peer.ask({ do: 'drain' }, 'error');
  expect(tcpdump.stdout.toString()).not.toMatch(new RegExp(`\\.${listener.port} > [^ ]+: Flags \\[[^\\]]*F`));
});

check('a graceful close is a FIN, and no RST, even with bytes unread', async () => {
  const listener = await service.listen();
  const tcpdump = await capture(listener.port);
  const peer = await dial(listener.port);
  const { id } = await service.connection(listener.id, peer.localPort);
  await peer.send(Buffer.alloc(50_000));
  await service.del(`/v1/sockets/${id}`);
  await sentBy(tcpdump, listener.port, /F/);
  expect((await peer.ask({ do: 'drain' }, 'eof')).bytes).toBe(0);
  await peer.ask({ do: 'close' }, 'closed');
  expect(tcpdump.stdout.toString()).not.toMatch(/Flags \[[^\]]*R/);
});
