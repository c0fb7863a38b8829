/** Responders over TLS and over every kind of Unix socket. */
import { mkdtempSync, realpathSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect, type TLSSocket } from 'node:tls';
import type { ListenerDto } from '../../src/modules/common/listener.dto.js';
import type { SocketDto } from '../../src/modules/common/socket.dto.js';
import type { TranscriptDto } from '../../src/modules/responders/transcript.dto.js';
import type { DataAnswer } from '../../src/modules/sockets/data.dto.js';
import { startApi, type Api } from '../support/api.js';
import { Authority, describeWithOpenssl, type Certificate } from '../support/certificates.js';
import { portOf } from '../support/ends.js';
import { itWith, startProgram, stopPrograms } from '../support/peers.js';
import { listen } from './steps.js';

const root = realpathSync(mkdtempSync(join(tmpdir(), 'sk-answering-')));
let api: Api;
beforeAll(async () => (api = await startApi({ SOCKEYE_UNIX_DIR: root })));
afterAll(async () => {
  await stopPrograms();
  await api.close();
  rmSync(root, { recursive: true });
});

describe('over Unix sockets', () => {
  const clientOf = async (protocol: string, path: string): Promise<string> => {
    const { status, body } = await api.post<SocketDto>('/v1/clients', { protocol, path });
    expect(status).toBe(201);
    return `/v1/sockets/${body.id}`;
  };

  it('a stream is answered line by line', async () => {
    const responder = { framing: { type: 'delimiter', delimiter: '\n' }, otherwise: [{ send: 'line\n' }] };
    await listen(api, { protocol: 'unix', path: 'stream.sock', responder });
    const path = await clientOf('unix', 'stream.sock');
    await api.post(`${path}/data`, { data: 'a\nb\n' });
    const { body } = await api.post<DataAnswer>(`${path}/receive`, { waitMs: 10_000 });
    expect('line\nline\n'.startsWith(body.data) && body.bytes > 0).toBe(true);
  });

  it.each(['unix-seqpacket', 'unix-datagram'])('%s: each message has its answer', async (protocol) => {
    const responder = { otherwise: [{ send: '<{{ message.text }}>' }] };
    await listen(api, { protocol, path: `${protocol}.sock`, responder });
    const path = await clientOf(protocol, `${protocol}.sock`);
    const came: string[] = [];
    for (const data of ['one', 'two']) await api.post(`${path}/data`, { data });
    while (came.length < 2) {
      const { body } = await api.post<{ datagrams: { data: string }[] }>(`${path}/receive`, {
        waitMs: 10_000,
      });
      if (body.datagrams.length === 0) break;
      came.push(...body.datagrams.map(({ data }) => data));
    }
    expect(came).toEqual(['<one>', '<two>']);
  });

  /** Asks from one socket that never reads, for more than its queue holds, and then from another. */
  const STALLED = `
import socket, sys, time
def client(name):
    s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    s.bind(sys.argv[1] + name)
    s.settimeout(9)
    s.connect(sys.argv[1] + '/echo.sock')
    return s
stalled, other = client('/stalled'), client('/other')
stalled.setblocking(False)
sent = 0
end = time.time() + 9
while sent < 200 and time.time() < end:
    try:
        sent += bool(stalled.send(b'x'))
    except BlockingIOError:
        time.sleep(0.001)
other.send(b'hello')
print(sent, other.recv(100).decode())
`;
  itWith('python3')('a datagram peer that does not read holds up nobody else', async () => {
    await listen(api, { protocol: 'unix-datagram', path: 'echo.sock', responder: 'echo' });
    const python = startProgram('python3', ['-c', STALLED, root]);
    expect((await python.exit()).code).toBe(0);
    expect(python.stdout.toString()).toBe('200 hello\n');
  });
});

describeWithOpenssl('over TLS', () => {
  let authority: Authority;
  let server: Certificate;
  beforeAll(() => {
    authority = new Authority('Test CA');
    server = authority.sign('localhost', { subjectAltName: 'DNS:localhost' });
  });
  afterAll(() => authority.remove());

  const answers = (responder: object | string): Promise<ListenerDto> => {
    const { certificate, key } = server;
    return listen(api, { protocol: 'tls', tls: { certificate, key }, responder });
  };

  /** All that comes, to the end. */
  async function said(listener: ListenerDto, ask: (socket: TLSSocket) => void): Promise<Buffer> {
    const socket = connect({
      port: portOf(listener),
      host: '127.0.0.1',
      ca: authority.ca,
      servername: 'localhost',
    });
    socket.once('secureConnect', () => ask(socket));
    const parts: Buffer[] = [];
    for await (const part of socket) parts.push(part as Buffer);
    return Buffer.concat(parts);
  }

  it('every byte comes back, more of them than fit anywhere, and the end', async () => {
    const bytes = Buffer.alloc(3_000_000, 'echo over TLS');
    const came = await said(await answers('echo'), (socket) => socket.end(bytes));
    expect(came.equals(bytes)).toBe(true);
  });

  it('greets, answers by rule, closes, and writes it down', async () => {
    const listener = await answers({
      framing: { type: 'delimiter', delimiter: '\n' },
      onConnect: [{ send: '{{ connection.id }}\n' }],
      rules: [{ when: { equals: 'exit' }, then: [{ send: 'bye\n' }, { close: true }] }],
    });
    const [id = '', bye] = (await said(listener, (socket) => socket.write('exit\n'))).toString().split('\n');
    expect(bye).toBe('bye');
    const { body } = await api.get<TranscriptDto>(`/v1/sockets/${id}/transcript`);
    expect(body.items).toMatchObject([
      { answers: [{ offset: 0, data: `${id}\n` }] },
      { answers: [{ offset: id.length + 1, data: 'bye\n' }], actions: ['close'] },
    ]);
  });
});
