/** TLS against openssl s_client and s_server. */
import type { ListenerDto } from '../../src/modules/common/listener.dto.js';
import type { SocketDto } from '../../src/modules/common/socket.dto.js';
import type { ListenerTlsDto, TlsDto } from '../../src/modules/common/tls.dto.js';
import type { DataAnswer } from '../../src/modules/sockets/data.dto.js';
import { inState, inspect, listen, polled } from '../http/steps.js';
import type { Api } from '../support/api.js';
import { Authority, describeWithOpenssl, identityOf, type Certificate } from '../support/certificates.js';
import { portOf } from '../support/ends.js';
import { startProgram, until, type Program } from '../support/peers.js';
import { PipeClient } from '../support/ws-client.js';
import { TlsService } from './tls-service.js';

let on: TlsService;
let api: Api;
let authority: Authority;
let server: Certificate;
let ours: Certificate;

const handshakesOf = ({ tls }: SocketDto) => (tls as ListenerTlsDto).handshakes;
const tlsOf = ({ tls }: SocketDto) => tls as TlsDto;

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

async function failure(listener: ListenerDto): Promise<{ code: string; message: string }> {
  const look = async () => handshakesOf(await inspect(api, listener.id));
  await polled('a handshake has failed', async () => (await look()).failed > 0);
  return (await look()).lastFailure!;
}

const told = (program: Program, what: RegExp) =>
  program.output(String(what), () => what.exec(program.tail()));

describeWithOpenssl('TLS with openssl', () => {
  beforeAll(async () => {
    on = await TlsService.start();
    ({ api, authority, server } = on);
    ours = authority.sign('our client');
  });
  afterAll(() => on.stop());

  describe('a listener and openssl s_client', () => {
    it('exchange bytes; the name and the protocol that it asked for are shown', async () => {
      const listener = await on.listen({ alpn: ['h2', 'http/1.1'] });
      const port = portOf(listener);
      const peer = sClient(port, '-servername', 'localhost', '-alpn', 'http/1.1', '-verify_return_error');
      const { id } = await on.connectionOf(listener);
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
      expect(await on.receive(id, 14)).toBe('from s_client\n');
      await on.send(id, 'from Sockeye\n');
      await told(peer, /from Sockeye/);
      expect(peer.stdout.toString()).toMatch(/Verify return code: 0 \(ok\)/);
    });

    it('speak TLS 1.2, unless the listener takes 1.3 only', async () => {
      const two = await on.listen();
      sClient(portOf(two), '-tls1_2');
      expect((await on.connectionOf(two)).tls).toMatchObject({ protocol: 'TLSv1.2' });
      const three = await on.listen({ minVersion: 'TLSv1.3' });
      const peer = sClient(portOf(three), '-tls1_2');
      expect(await failure(three)).toMatchObject({
        code: 'EPROTO',
        message: expect.stringMatching(/unsupported protocol/) as string,
      });
      await told(peer, /alert protocol version/);
    });

    it('agree on no application protocol when they have none in common', async () => {
      const listener = await on.listen({ alpn: ['h2'] });
      const peer = sClient(portOf(listener), '-alpn', 'spdy/1');
      await told(peer, /alert no application protocol/);
      expect((await failure(listener)).code).toBe('EPROTO');
    });

    it('choose the certificate by the name that is asked for', async () => {
      const other = authority.sign('other', { subjectAltName: 'DNS:a.example.test' });
      const listener = await on.listen({ sni: [{ servername: '*.example.test', ...identityOf(other) }] });
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
      const listener = await on.listen({ ca: authority.ca, requestClientCertificate: true });
      sClient(portOf(listener), '-cert', ours.files.certificate, '-key', ours.files.key);
      expect((await on.connectionOf(listener)).tls).toMatchObject({
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
        const listener = await on.listen({ ca: authority.ca, requestClientCertificate: true });
        sClient(portOf(listener), ...given);
        expect((await on.connectionOf(listener)).tls).toMatchObject(tls);
      }
    });

    it('do not go on where a client certificate is required and missing, or signed by somebody else', async () => {
      const tls = { ca: authority.ca, requireClientCertificate: true };
      const listener = await on.listen(tls);
      const without = sClient(portOf(listener));
      expect(await failure(listener)).toMatchObject({
        code: 'EPROTO',
        message: expect.stringMatching(/peer did not return a certificate/) as string,
      });
      await told(without, /alert certificate required/);

      const stranger = authority.selfSigned('stranger');
      const wary = await on.listen(tls);
      sClient(portOf(wary), '-cert', stranger.files.certificate, '-key', stranger.files.key);
      expect((await failure(wary)).code).toBe('DEPTH_ZERO_SELF_SIGNED_CERT');
      expect((await api.get<ListenerDto>(`/v1/listeners/${wary.id}`)).body.acceptedConnections).toBe(0);
    });

    it('fail where the client trusts somebody else', async () => {
      const listener = await on.listen();
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
      const { status, body } = await on.connect(port, { alpn: ['two'] });
      expect(status).toBe(201);
      expect(body.tls).toMatchObject({ protocol: 'TLSv1.3', alpn: 'two', authorized: true });
      await on.send(body.id, 'from Sockeye\n');
      await told(program, /from Sockeye/);
      program.write('from s_server\n');
      expect(await on.receive(body.id, 14)).toBe('from s_server\n');
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
      const problem = await api.refused(on.connect(port, tls), 502, 'tls-failed');
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
      const { body } = await on.connect(first.port, identityOf(ours));
      await on.send(body.id, 'known\n');
      await told(first.program, /CN = our client[^]*known/);

      const second = await sServer(server, ...required, '-tls1_2');
      const problem = await api.refused(on.connect(second.port), 502, 'tls-failed');
      expect(problem).toMatchObject({
        code: 'EPROTO',
        errno: 71,
        detail: expect.stringMatching(/alert handshake failure/) as string,
      });

      // In TLS 1.3 the client is through before the server has looked: the refusal comes after.
      const third = await sServer(server, ...required, '-tls1_3');
      const { body: refused } = await on.connect(third.port);
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

  it('openssl s_client -starttls smtp gets through a dialogue over HTTP', async () => {
    const listener = await listen(api);
    const peer = sClient(portOf(listener), '-starttls', 'smtp', '-verify_return_error');
    const { id } = await on.connectionOf(listener);
    await on.send(id, '220 mail.test ESMTP\r\n');
    expect(await on.receive(id, 6)).toMatch(/^EHLO /);
    await on.send(id, '250-mail.test\r\n250 STARTTLS\r\n');
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
