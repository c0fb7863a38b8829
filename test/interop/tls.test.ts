/** TLS against programs that are not ours: openssl s_client and s_server, and python's ssl. */
import { createHash } from 'node:crypto';
import type { SocketListDto } from '../../src/modules/common/list.dto.js';
import type { ListenerDto } from '../../src/modules/common/listener.dto.js';
import type { SocketDto } from '../../src/modules/common/socket.dto.js';
import type { ListenerTlsDto, TlsDto } from '../../src/modules/common/tls.dto.js';
import type { DataAnswer } from '../../src/modules/sockets/data.dto.js';
import { inState, inspect, listen, polled } from '../http/steps.js';
import { startApi, type Api, type Answer } from '../support/api.js';
import { Authority, describeWithOpenssl, type Certificate } from '../support/certificates.js';
import { portOf } from '../support/ends.js';
import { PipeClient, terminateClients } from '../support/ws-client.js';
import {
  dial,
  itWith,
  startPeer,
  startProgram,
  stopPrograms,
  until,
  type Peer,
  type PeerEvent,
  type Program,
} from '../support/peers.js';

const MIB = 1024 * 1024;
const withPython = itWith('python3');

let api: Api;
let authority: Authority;
let server: Certificate;
let ours: Certificate;

beforeAll(async () => (api = await startApi()));
afterAll(async () => {
  terminateClients();
  await stopPrograms();
  await api.close();
});

const identityOf = ({ certificate, key }: Certificate) => ({ certificate, key });
const handshakesOf = ({ tls }: SocketDto) => (tls as ListenerTlsDto).handshakes;
const tlsOf = ({ tls }: SocketDto) => tls as TlsDto;

function tlsListener(tls: object = {}, spec: object = {}): Promise<ListenerDto> {
  return listen(api, { protocol: 'tls', tls: { ...identityOf(server), ...tls }, ...spec });
}

function tlsClient(port: number, tls: object = {}, spec: object = {}): Promise<Answer<SocketDto>> {
  const body = { protocol: 'tls', host: 'localhost', port, tls: { ca: authority.ca, ...tls }, ...spec };
  return api.post<SocketDto>('/v1/clients', body);
}

function sClient(port: number, ...args: string[]): Program {
  const options = ['-connect', `127.0.0.1:${port}`, '-CAfile', authority.itself.files.certificate];
  return startProgram('openssl', ['s_client', ...options, ...args]);
}

/** An openssl server that prints what it gets, and sends what it is told. */
async function sServer(with_: Certificate, ...args: string[]): Promise<{ program: Program; port: number }> {
  const { certificate, key } = with_.files;
  const options = ['-accept', '127.0.0.1:0', '-cert', certificate, '-key', key, '-naccept', '1'];
  const program = startProgram('openssl', ['s_server', ...options, ...args]);
  const port = await program.output('the port', () => {
    const found = /ACCEPT \S+:(\d+)/.exec(program.stdout.toString());
    return found === null ? null : Number(found[1]);
  });
  return { program, port };
}

async function connectionOf(listener: ListenerDto): Promise<SocketDto> {
  return api.application.eventually('the connection is accepted', async () => {
    const { body } = await api.get<SocketListDto>(`/v1/listeners/${listener.id}/connections`);
    return body.items[0] ?? null;
  });
}

async function failure(listener: ListenerDto): Promise<{ code: string; message: string }> {
  const look = async () => handshakesOf(await inspect(api, listener.id));
  await polled('a handshake has failed', async () => (await look()).failed > 0);
  return (await look()).lastFailure!;
}

function send(id: string, bytes: Buffer | string): Promise<Answer<unknown>> {
  return api.post(`/v1/sockets/${id}/data`, Buffer.from(bytes));
}

async function receive(id: string, bytes: number): Promise<string> {
  let text = '';
  while (text.length < bytes) {
    const body = { waitMs: 5000, maxBytes: bytes - text.length, encoding: 'latin1' };
    const answer = await api.post<DataAnswer>(`/v1/sockets/${id}/receive`, body);
    if (answer.body.bytes === 0) throw new Error(`${id}: only ${JSON.stringify(text)}`);
    text += answer.body.data;
  }
  return text;
}

/** Everything up to the end, consumed. */
async function digestOf(id: string, total: number): Promise<string> {
  const digest = createHash('sha256');
  for (let at = 0; at < total;) {
    const body = { waitMs: 10_000, maxBytes: MIB, encoding: 'base64' };
    const answer = await api.post<DataAnswer>(`/v1/sockets/${id}/receive`, body);
    if (answer.body.bytes === 0) throw new Error(`${id}: ${at} bytes of ${total}`);
    digest.update(Buffer.from(answer.body.data, 'base64'));
    at = answer.body.nextOffset;
  }
  return digest.digest('hex');
}

/** The python peer verifies the listener. */
function secure(peer: Peer): Promise<PeerEvent> {
  const ca = authority.itself.files.certificate;
  return peer.ask({ do: 'start-tls', role: 'client', servername: 'localhost', ca }, 'secured');
}

const told = (program: Program, what: RegExp) =>
  program.output(String(what), () => what.exec(program.tail()));

describeWithOpenssl('TLS with programs that are not ours', () => {
  beforeAll(() => {
    authority = new Authority('Test CA');
    server = authority.sign('localhost', { subjectAltName: 'DNS:localhost,IP:127.0.0.1' });
    ours = authority.sign('our client');
  });
  afterAll(() => authority.remove());

  describe('a listener and openssl s_client', () => {
    it('exchange bytes; the name and the protocol that it asked for are shown', async () => {
      const listener = await tlsListener({ alpn: ['h2', 'http/1.1'] });
      const port = portOf(listener);
      const peer = sClient(port, '-servername', 'localhost', '-alpn', 'http/1.1', '-verify_return_error');
      const { id } = await connectionOf(listener);
      expect(await inspect(api, id)).toMatchObject({
        protocol: 'tls',
        kind: 'connection',
        tls: {
          protocol: 'TLSv1.3',
          servername: 'localhost',
          alpn: 'http/1.1',
          authorized: false,
          peerCertificate: null,
        },
      });
      peer.write('from s_client\n');
      expect(await receive(id, 14)).toBe('from s_client\n');
      await send(id, 'from Sockeye\n');
      await told(peer, /from Sockeye/);
      expect(peer.stdout.toString()).toMatch(/Verify return code: 0 \(ok\)/);
    });

    it('speak TLS 1.2, unless the listener takes 1.3 only', async () => {
      const two = await tlsListener();
      sClient(portOf(two), '-tls1_2');
      expect((await connectionOf(two)).tls).toMatchObject({ protocol: 'TLSv1.2' });
      const three = await tlsListener({ minVersion: 'TLSv1.3' });
      const peer = sClient(portOf(three), '-tls1_2');
      expect(await failure(three)).toMatchObject({
        code: 'EPROTO',
        message: expect.stringMatching(/unsupported protocol/) as string,
      });
      await told(peer, /alert protocol version/);
    });

    it('agree on no application protocol when they have none in common', async () => {
      const listener = await tlsListener({ alpn: ['h2'] });
      const peer = sClient(portOf(listener), '-alpn', 'spdy/1');
      await told(peer, /alert no application protocol/);
      expect((await failure(listener)).code).toBe('EPROTO');
    });

    it('choose the certificate by the name that is asked for', async () => {
      const other = authority.sign('other', { subjectAltName: 'DNS:a.example.test' });
      const listener = await tlsListener({ sni: [{ servername: '*.example.test', ...identityOf(other) }] });
      await told(
        sClient(portOf(listener), '-servername', 'a.example.test'),
        /subject=O = Sockeye, CN = other/,
      );
      await told(
        sClient(portOf(listener), '-servername', 'localhost'),
        /subject=O = Sockeye, CN = localhost/,
      );
      await told(sClient(portOf(listener), '-noservername'), /subject=O = Sockeye, CN = localhost/);
    });

    it('show the certificate of a client that was asked for one', async () => {
      const listener = await tlsListener({ ca: authority.ca, requestClientCertificate: true });
      sClient(portOf(listener), '-cert', ours.files.certificate, '-key', ours.files.key);
      expect((await connectionOf(listener)).tls).toMatchObject({
        authorized: true,
        authorizationError: null,
        peerCertificate: { subject: 'O=Sockeye, CN=our client', pem: ours.certificate },
      });
    });

    it('go on without a good one when it is only requested', async () => {
      const stranger = authority.selfSigned('stranger');
      for (const [given, tls] of [
        [[], { authorized: false, authorizationError: null, peerCertificate: null }],
        [
          ['-cert', stranger.files.certificate, '-key', stranger.files.key],
          { authorized: false, authorizationError: 'DEPTH_ZERO_SELF_SIGNED_CERT' },
        ],
      ] as const) {
        const listener = await tlsListener({ ca: authority.ca, requestClientCertificate: true });
        sClient(portOf(listener), ...given);
        expect((await connectionOf(listener)).tls).toMatchObject(tls);
      }
    });

    it('do not go on where a client certificate is required and missing, or signed by somebody else', async () => {
      const tls = { ca: authority.ca, requireClientCertificate: true };
      const listener = await tlsListener(tls);
      const without = sClient(portOf(listener));
      expect(await failure(listener)).toMatchObject({
        code: 'EPROTO',
        message: expect.stringMatching(/peer did not return a certificate/) as string,
      });
      await told(without, /alert certificate required/);

      const stranger = authority.selfSigned('stranger');
      const wary = await tlsListener(tls);
      sClient(portOf(wary), '-cert', stranger.files.certificate, '-key', stranger.files.key);
      expect((await failure(wary)).code).toBe('DEPTH_ZERO_SELF_SIGNED_CERT');
      expect((await api.get<ListenerDto>(`/v1/listeners/${wary.id}`)).body.acceptedConnections).toBe(0);
    });

    it('fail where the client trusts somebody else', async () => {
      const listener = await tlsListener();
      const other = new Authority('Others');
      const options = ['-CAfile', other.itself.files.certificate, '-verify_return_error', '-no-CApath'];
      startProgram('openssl', ['s_client', '-connect', `127.0.0.1:${portOf(listener)}`, ...options]);
      expect(await failure(listener)).toMatchObject({
        code: 'EPROTO',
        message: expect.stringMatching(/alert unknown ca/) as string,
      });
      other.remove();
    });
  });

  describe('a client and openssl s_server', () => {
    it('exchange bytes', async () => {
      const { program, port } = await sServer(server, '-alpn', 'one,two');
      const { status, body } = await tlsClient(port, { alpn: ['two'] });
      expect(status).toBe(201);
      expect(body.tls).toMatchObject({ protocol: 'TLSv1.3', alpn: 'two', authorized: true });
      await send(body.id, 'from Sockeye\n');
      await told(program, /from Sockeye/);
      program.write('from s_server\n');
      expect(await receive(body.id, 14)).toBe('from s_server\n');
      // It hangs up without a close_notify.
      program.write('Q\n');
      expect(tlsOf(await inState(api, body.id, 'half-closed-remote')).truncated).toBe(true);
    });

    it.each([
      ['DEPTH_ZERO_SELF_SIGNED_CERT', () => authority.selfSigned('localhost'), {}],
      [
        'CERT_HAS_EXPIRED',
        () => authority.sign('localhost', { subjectAltName: 'DNS:localhost', days: -1 }),
        {},
      ],
      ['ERR_TLS_CERT_ALTNAME_INVALID', () => authority.sign('b.test', { subjectAltName: 'DNS:b.test' }), {}],
      ['ERR_TLS_CERT_ALTNAME_INVALID', () => server, { servername: 'other.test' }],
      ['UNABLE_TO_VERIFY_LEAF_SIGNATURE', () => server, { ca: null }],
    ])('answers 502 tls-failed with %s', async (code, certificate, tls) => {
      const { port } = await sServer(certificate());
      const problem = await api.refused(tlsClient(port, tls), 502, 'tls-failed');
      expect(problem).toMatchObject({ code, syscall: 'handshake', port });
    });

    it('takes an own certificate, and shows where one is required and missing', async () => {
      const required = [
        '-Verify',
        '1',
        '-verify_return_error',
        '-CAfile',
        authority.itself.files.certificate,
      ];
      const first = await sServer(server, ...required);
      const { body } = await tlsClient(first.port, identityOf(ours));
      await send(body.id, 'known\n');
      await told(first.program, /CN = our client[^]*known/);

      const second = await sServer(server, ...required, '-tls1_2');
      const problem = await api.refused(tlsClient(second.port), 502, 'tls-failed');
      expect(problem).toMatchObject({
        code: 'EPROTO',
        errno: 71,
        detail: expect.stringMatching(/alert handshake failure/) as string,
      });

      // In TLS 1.3 the client is through before the server has looked: the refusal comes after.
      const third = await sServer(server, ...required, '-tls1_3');
      const { body: refused } = await tlsClient(third.port);
      expect((await inState(api, refused.id, 'failed')).closeReason).toMatchObject({
        code: 'EPROTO',
        message: expect.stringMatching(/alert certificate required/) as string,
      });
    });
  });

  it('the pipe dials openssl s_server, verifies it, and goes on without when it may', async () => {
    const first = await sServer(server);
    const query = `protocol=tls&host=127.0.0.1&port=${first.port}`;
    const pipe = await PipeClient.open(api.application, `${query}&servername=localhost&insecure=true`);
    pipe.send('through the pipe\n');
    await told(first.program, /through the pipe/);
    first.program.write('and back\n');
    expect((await pipe.bytes(9)).toString()).toBe('and back\n');

    const second = await sServer(server);
    const refused = await PipeClient.open(api.application, `protocol=tls&host=localhost&port=${second.port}`);
    expect(await refused.closing()).toMatchObject({
      code: 4502,
      reason: expect.stringMatching(/tls-failed$/) as string,
    });
  });

  describe('python', () => {
    withPython('8 MiB go through both ways, and are the same', async () => {
      const listener = await tlsListener();
      const peer = await dial(portOf(listener));
      await secure(peer);
      const { id } = await connectionOf(listener);
      peer.tell({ do: 'send-random', bytes: 8 * MIB, seed: 7 });
      const digest = await digestOf(id, 8 * MIB);
      expect((await peer.event('sent')).sha256).toBe(digest);

      const bytes = Buffer.alloc(MIB, 'Sockeye over TLS ');
      const all = createHash('sha256');
      peer.tell({ do: 'drain' });
      for (let sent = 0; sent < 8; sent += 1) {
        bytes.writeUInt32BE(sent);
        all.update(bytes);
        expect((await send(id, bytes)).body).toEqual({ bytesSent: MIB });
      }
      await api.post(`/v1/sockets/${id}/shutdown`, { how: 'write' });
      expect(await peer.event('eof')).toMatchObject({ bytes: 8 * MIB, sha256: all.digest('hex') });
    });

    withPython('a peer that is not read is slowed down, and all of it comes later', async () => {
      const listener = await tlsListener({}, { receive: { windowBytes: 64 * 1024 } });
      const peer = await dial(portOf(listener));
      await secure(peer);
      const { id } = await connectionOf(listener);
      peer.tell({ do: 'send-random', bytes: 32 * MIB, seed: 3 });
      await until('the window is full', async () => (await inspect(api, id)).received.paused);
      expect((await inspect(api, id)).received.bytes).toBe(64 * 1024);
      expect(peer.stdout.toString()).not.toContain('"sent"');
      expect(await digestOf(id, 32 * MIB)).toBe((await peer.event('sent')).sha256);
    });

    withPython('a stream that ends with close_notify is whole, and one that is cut is not', async () => {
      for (const [how, truncated] of [
        ['notify', false],
        ['shutdown', true],
      ] as const) {
        const listener = await tlsListener();
        const peer = await dial(portOf(listener));
        await secure(peer);
        const { id } = await connectionOf(listener);
        await peer.send('all of it');
        peer.tell({ do: how });
        const ended = await inState(api, id, 'half-closed-remote');
        expect(tlsOf(ended).truncated).toBe(truncated);
        expect(ended.received.bytes).toBe(9);
      }
    });

    withPython('half of it can end before the other: close_notify, then an answer', async () => {
      const peer = startPeer('peer.py', ['--listen', '127.0.0.1']);
      const call = tlsClient(await peer.ready());
      await peer.event('connected');
      peer.tell({ do: 'start-tls', role: 'server', ...server.files });
      const { body } = await call;
      await send(body.id, 'question');
      await api.post(`/v1/sockets/${body.id}/shutdown`, { how: 'write' });
      expect((await peer.ask({ do: 'drain' }, 'eof')).bytes).toBe(8);
      await peer.send('answer');
      expect(await receive(body.id, 6)).toBe('answer');
      await peer.ask({ do: 'reset' }, 'closed');
      await inState(api, body.id, 'failed');
    });

    withPython(
      'STARTTLS as server: the answer is sent and not a byte is read as it is after it',
      async () => {
        const listener = await listen(api);
        const peer = await dial(portOf(listener));
        const { id } = await connectionOf(listener);
        await peer.send('STARTTLS\r\n');
        expect(await receive(id, 10)).toBe('STARTTLS\r\n');
        const upgraded = api.post<SocketDto>(`/v1/sockets/${id}/starttls`, {
          role: 'server',
          tls: identityOf(server),
          send: '220 go ahead\r\n',
        });
        expect((await peer.receive(14)).toString()).toBe('220 go ahead\r\n');
        await secure(peer);
        expect((await upgraded).body).toMatchObject({ protocol: 'tls', tls: { servername: 'localhost' } });
        await peer.send('EHLO again\r\n');
        expect(await receive(id, 12)).toBe('EHLO again\r\n');
        expect((await inspect(api, id)).received.bytes).toBe(22);
        await send(id, '250 hello\r\n');
        expect((await peer.receive(11)).toString()).toBe('250 hello\r\n');
      },
    );

    withPython('STARTTLS as client: dialogue as it is, then with TLS', async () => {
      const peer = startPeer('peer.py', ['--listen', '127.0.0.1']);
      const port = await peer.ready();
      const { body: client } = await api.post<SocketDto>('/v1/clients', { host: 'localhost', port });
      await peer.event('connected');
      await peer.send('220 mail\r\n');
      expect(await receive(client.id, 10)).toBe('220 mail\r\n');
      await send(client.id, 'STARTTLS\r\n');
      await peer.receive(10);
      await peer.send('220 go ahead\r\n');
      expect(await receive(client.id, 14)).toBe('220 go ahead\r\n');
      const upgraded = api.post<SocketDto>(`/v1/sockets/${client.id}/starttls`, {
        role: 'client',
        tls: { ca: authority.ca },
      });
      await peer.ask({ do: 'start-tls', role: 'server', ...server.files }, 'secured');
      // The name is that which was dialled.
      expect((await upgraded).body.tls).toMatchObject({ authorized: true, servername: 'localhost' });
      await peer.send('250 hello\r\n');
      expect(await receive(client.id, 11)).toBe('250 hello\r\n');
    });
  });

  it('openssl s_client -starttls smtp gets through a dialogue over HTTP', async () => {
    const listener = await listen(api);
    const peer = sClient(portOf(listener), '-starttls', 'smtp', '-verify_return_error');
    const { id } = await connectionOf(listener);
    await send(id, '220 mail.test ESMTP\r\n');
    expect(await receive(id, 6)).toMatch(/^EHLO /);
    await send(id, '250-mail.test\r\n250 STARTTLS\r\n');
    await until('STARTTLS', async () => {
      const query = { offset: 0, encoding: 'latin1' };
      return (await api.get<DataAnswer>(`/v1/sockets/${id}/data`, query)).body.data.endsWith('STARTTLS\r\n');
    });
    const { status } = await api.post(`/v1/sockets/${id}/starttls`, {
      role: 'server',
      tls: identityOf(server),
      send: '220 ready to start TLS\r\n',
    });
    expect(status).toBe(200);
    await told(peer, /Verify return code: 0 \(ok\)/);
    peer.write('EHLO again\n');
    await until('what it says with TLS', async () => {
      const query = { offset: 0, encoding: 'latin1' };
      return (await api.get<DataAnswer>(`/v1/sockets/${id}/data`, query)).body.data.endsWith('EHLO again\n');
    });
  });
});
