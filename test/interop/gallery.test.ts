import { readFileSync } from 'node:fs';
import type { ExchangeDto } from '../../src/modules/exchanges/exchanges.dto.js';
import type { ListenerDto } from '../../src/modules/common/listener.dto.js';
import { startApi, type Api } from '../support/api.js';
import { portOf } from '../support/ends.js';
import { itWith, startProgram, stopPrograms } from '../support/peers.js';

/** The guide is the source: what it shows is what runs here. */
const GUIDE = readFileSync('docs/gallery.md', 'utf8');
const ENTRIES = new Map(
  [...GUIDE.matchAll(/^## (.+?)\n(?:(?!^## )[^])*?^```json\n([^]*?)^```/gm)].map(
    ([, title = '', json = '']) => [title, json] as const,
  ),
);

const withNc = itWith('nc');
const withCurl = itWith('curl');
const withPython = itWith('python3');
const tried = new Set<string>();
let api: Api;
beforeAll(async () => (api = await startApi()));
afterAll(async () => {
  await stopPrograms();
  await api.close();
});

/** Tries the listener that the guide shows under that title. */
function server(check: typeof withNc, title: string, attempt: (port: number) => Promise<void>): void {
  tried.add(title);
  check(title, async () => {
    const spec = JSON.parse(ENTRIES.get(title)!) as object;
    const { status, body } = await api.post<ListenerDto>('/v1/listeners', spec);
    expect(status).toBe(201);
    await attempt(portOf(body));
  });
}

/** What a program prints which is given this as its input, to its end. */
async function says(command: string, args: string[], input = ''): Promise<string> {
  const program = startProgram(command, args);
  program.write(input);
  program.endInput();
  expect((await program.exit()).code).toBe(0);
  return program.stdout.toString();
}

const nc = (port: number, input: string): Promise<string> =>
  says('nc', ['-N', '127.0.0.1', `${port}`], input);

server(withNc, 'One-shot greeting', async (port) => {
  // -d: reads no input. Whose input ends at once, nc may leave before it has looked at what came.
  expect(await says('nc', ['-d', '127.0.0.1', `${port}`])).toBe('hello, 127.0.0.1\n');
});

server(withNc, 'Serve one request', async (port) => {
  expect(await nc(port, 'hi\n')).toBe('got it\n');
  const refused = startProgram('nc', ['-N', '127.0.0.1', `${port}`]);
  expect((await refused.exit()).code).toBe(1);
});

server(withNc, 'Call-centre menu', async (port) => {
  const waiting = startProgram('nc', ['-N', '127.0.0.1', `${port}`]);
  await waiting.output('the greeting', () => (waiting.stdout.includes('caller 1.') ? true : null));
  const greeting = 'You are caller 2. Press 0 for a person, or say exit.\n';
  const answers = 'This call may be recorded.\nThere is no 7 here.\nGoodbye.\n';
  expect(await nc(port, '0\r\n7\nexit\n')).toBe(greeting + answers);
  waiting.write('exit\n');
  waiting.endInput();
  expect((await waiting.exit()).code).toBe(0);
  expect(waiting.stdout.toString()).toContain('Goodbye.');
});

server(withNc, 'Prompt and count', async (port) => {
  const said = await nc(port, 'grün\r\n');
  expect(said).toMatch(/^welcome, 127\.0\.0\.1:\d+\nPlease enter a string: You entered 4 characters\.\n$/);
});

server(withNc, 'Upper-case', async (port) => {
  expect(await nc(port, 'grün\n')).toBe('GRÜN\n');
});

server(withNc, 'Per-worker prefix', async (port) => {
  expect(await nc(port, 'a\nb\n')).toBe('worker-1: a (1)\nworker-1: b (2)\n');
  expect(await nc(port, 'c')).toBe('worker-2: c (1)\n');
});

server(withCurl, 'HTTP hello', async (port) => {
  expect(await says('curl', ['-sS', '--noproxy', '*', `http://127.0.0.1:${port}/world`])).toBe(
    'hello, world\n',
  );
  expect(await says('curl', ['-sS', '--noproxy', '*', `http://127.0.0.1:${port}/`])).toBe('hello, nobody\n');
});

server(withNc, 'UDP echo', async (port) => {
  const client = startProgram('nc', ['-u', '127.0.0.1', `${port}`]);
  client.write('over UDP\n');
  await client.output('its own words', () => (client.stdout.includes('over UDP\n') ? true : null));
});

server(withNc, 'Chat-bot', async (port) => {
  const said = await nc(port, 'Hi, my name is ada\nwhat time is it?\nI am rather tired of it all\nbye\n');
  expect(said).toMatch(
    /^Nice to meet you, Ada\.\nIt is \d\d:\d\d UTC\.\nTell me more about "I am rather tired\.\.\."\.\nBye!\n$/,
  );
});

/** Sends and receives messages of four bytes of length. */
const BINARY = `
import socket, struct, sys
peer = socket.create_connection(('127.0.0.1', int(sys.argv[1])))
for message in (b'abc', b'', bytes([0])):
    for byte in struct.pack('>I', len(message)) + message:
        peer.send(bytes([byte]))
answers = peer.makefile('rb')
for _ in range(3):
    length, = struct.unpack('>I', answers.read(4))
    print(answers.read(length))
`;

server(withPython, 'Length-prefixed binary protocol', async (port) => {
  expect(await says('python3', ['-c', BINARY, `${port}`])).toBe(
    "b'3 bytes: 616263'\nb'0 bytes: '\nb'\\x06'\n",
  );
});

server(withCurl, 'Gopher server', async (port) => {
  const get = (selector: string): Promise<string> =>
    says('curl', ['-sS', '--noproxy', '*', `gopher://127.0.0.1:${port}/${selector}`]);
  expect(await get('')).toContain(`0About this hole\t/about\t127.0.0.1\t${port}\r\n.\r\n`);
  expect(await get('0/about')).toBe('Dug with Sockeye.\r\n.\r\n');
  expect(await get('1/nowhere')).toMatch(/^3There is no \/nowhere\t/);
});

/** A client as RFC 4330 has it: what it gets must answer what it has sent. */
const SNTP = `
import socket, struct, sys
client = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
client.settimeout(10)
sent = struct.pack('>Q', 0x1122334455667788)
client.sendto(bytes([0x23]) + bytes(39) + sent, ('127.0.0.1', int(sys.argv[1])))
answer, _ = client.recvfrom(512)
seconds = struct.unpack('>I', answer[40:44])[0] - 2208988800
print(len(answer), answer[0] & 7, answer[1], answer[24:32] == sent, seconds)
`;

server(withPython, 'SNTP-like binary reply', async (port) => {
  expect(await says('python3', ['-c', SNTP, `${port}`])).toBe(`48 4 1 True ${Date.UTC(2026, 0, 1) / 1000}\n`);
});

/** What the client says that the guide shows under that title, to the server that it shows. */
async function client(title: string, server: string): Promise<ExchangeDto> {
  tried.add(title);
  const spec = JSON.parse(ENTRIES.get(server)!) as object;
  const { body: listener } = await api.post<ListenerDto>('/v1/listeners', { ...spec, name: null });
  const asked = { ...(JSON.parse(ENTRIES.get(title)!) as object), port: portOf(listener) };
  const { status, body } = await api.post<ExchangeDto>('/v1/exchanges', asked);
  expect({ status, body }).toMatchObject({ status: 200 });
  return body;
}

it('HTTP/1.0 client', async () => {
  const { data, endedBy } = await client('HTTP/1.0 client', 'HTTP hello');
  expect(data.split('\r\n\r\n')[1]).toBe('hello, world\n');
  expect(endedBy).toBe('eof');
});

it('Gopher client', async () => {
  expect((await client('Gopher client', 'Gopher server')).data).toBe('Dug with Sockeye.\r\n.\r\n');
});

it('Menu client', async () => {
  const { transcript } = await client('Menu client', 'Call-centre menu');
  expect(transcript?.map(({ data }) => data).slice(1)).toEqual([
    '0\n',
    'This call may be recorded.\n',
    'exit\n',
    'Goodbye.\n',
  ]);
});

it('every server and every client of the guide was tried', () => {
  expect(ENTRIES.size).toBeGreaterThan(13);
  expect([...ENTRIES.keys()].filter((title) => !tried.has(title))).toEqual([]);
});
