import { itWith, startProgram, stopPrograms, until } from '../support/peers.js';
import { type Service, type SocketView, startService } from '../support/service.js';

const withPython = itWith('python3');
const withSocat = itWith('socat');
const withSs = itWith('python3', 'ss');
let service: Service;

beforeAll(async () => {
  service = await startService();
});

afterAll(async () => {
  expect(await service.stop()).toBe(0);
  await stopPrograms();
});

interface Datagrams {
  datagrams: { sequence: number; bytes: number; data: string; from: { port: number }; time: string }[];
}

async function receive(id: string, body: object = {}): Promise<Datagrams['datagrams']> {
  const asked = { waitMs: 10_000, maxBytes: 1_048_576, encoding: 'hex', ...body };
  return (await service.post<Datagrams>(`/v1/sockets/${id}/receive`, asked)).body.datagrams;
}

/** Sends datagrams of these lengths from one socket, and prints its port and the time before and after. */
const SENDER = `
import socket, sys, time
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.bind(("127.0.0.1", 0))
before = time.time_ns() // 1000
for length in map(int, sys.argv[2].split(",")):
    s.sendto(bytes([length % 256]) * length, ("127.0.0.1", int(sys.argv[1])))
print(s.getsockname()[1], before, time.time_ns() // 1000)
`;

/** Echoes in upper case what comes, three datagrams long. */
const ECHO = `
import socket
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.bind(("127.0.0.1", 0))
print("READY", s.getsockname()[1], flush=True)
for _ in range(3):
    data, address = s.recvfrom(65536)
    s.sendto(data.upper(), address)
`;

withPython('python sends datagrams of every length: bounds, sender and time are its own', async () => {
  const { id, port } = await service.listen({ protocol: 'udp' });
  const lengths = [1, 0, 1472, 65_507, 0, 9000];
  const python = startProgram('python3', ['-c', SENDER, String(port), lengths.join(',')]);
  expect((await python.exit()).code).toBe(0);
  const [sender, before, after] = python.stdout.toString().split(' ').map(Number) as [number, number, number];
  await until('all came', async () => (await service.socket(id)).received.headOffset === lengths.length);
  const datagrams = await receive(id);
  expect(datagrams.map(({ bytes }) => bytes)).toEqual(lengths);
  expect(datagrams.map(({ data }) => data)).toEqual(
    lengths.map((length) => (length % 256).toString(16).padStart(2, '0').repeat(length)),
  );
  for (const { from, time } of datagrams) {
    expect(from.port).toBe(sender);
    const micros = Date.parse(time) * 1000 + Number(time.slice(-4, -1));
    expect(micros).toBeGreaterThanOrEqual(before);
    expect(micros).toBeLessThanOrEqual(after);
  }
});

withPython('python answers a connected client, datagram by datagram', async () => {
  const python = startProgram('python3', ['-c', ECHO]);
  const port = await python.output('READY', () => {
    const match = /^READY (\d+)$/m.exec(python.stdout.toString());
    return match ? Number(match[1]) : null;
  });
  const asked = { protocol: 'udp', host: '127.0.0.1', port };
  const { id } = (await service.post<SocketView>('/v1/clients', asked)).body;
  for (const data of ['one', '', 'three']) {
    await service.post(`/v1/sockets/${id}/data`, Buffer.from(data));
    const [answer] = await receive(id, { encoding: 'utf8' });
    expect(answer).toMatchObject({ data: data.toUpperCase(), from: { port } });
  }
  expect((await python.exit()).code).toBe(0);
});

withSocat('socat sends a line, and prints what comes back to where it came from', async () => {
  const { id, port } = await service.listen({ protocol: 'udp' });
  const socat = startProgram('socat', ['-t', '10', 'STDIO', `UDP4:127.0.0.1:${port}`]);
  socat.write('hello\n');
  const [hello] = await receive(id, { encoding: 'utf8' });
  expect(hello).toMatchObject({ data: 'hello\n' });
  const to = { address: '127.0.0.1', port: hello!.from.port };
  await service.post(`/v1/sockets/${id}/data`, { data: 'to you', to });
  await socat.output('the answer', () => (socat.stdout.toString() === 'to you' ? true : null));
  await socat.kill();
});

withSs('the tables of the kernel show the socket as it is shown here', async () => {
  const { id, port } = await service.listen({ protocol: 'udp' });
  const asked = { protocol: 'udp', host: '127.0.0.1', port };
  const client = (await service.post<SocketView>('/v1/clients', asked)).body;
  const ss = startProgram('ss', ['-uanpH', `( sport = :${port} or dport = :${port} )`]);
  expect((await ss.exit()).code).toBe(0);
  const rows = ss.stdout.toString().trim().split('\n');
  expect(rows.find((row) => row.startsWith('UNCONN'))).toContain(`127.0.0.1:${port}`);
  const connected = `127.0.0.1:${client.localAddress.port}`;
  expect(rows.find((row) => row.startsWith('ESTAB'))).toContain(connected);
  for (const socket of [id, client.id]) expect((await service.del(`/v1/sockets/${socket}`)).status).toBe(204);
});
