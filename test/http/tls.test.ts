import { connect } from 'node:net';
import { Server, connect as tlsConnect, type TLSSocket } from 'node:tls';
import { queryObjects } from 'node:v8';
import type { ListenerDto } from '../../src/modules/common/listener.dto.js';
import type { SocketDto } from '../../src/modules/common/socket.dto.js';
import type { ListenerTlsDto } from '../../src/modules/common/tls.dto.js';
import { startApi, type Api } from '../support/api.js';
import { Authority, describeWithOpenssl, identityOf, type Certificate } from '../support/certificates.js';
import { portOf } from '../support/ends.js';
import { MAX_HANDSHAKES } from '../../src/sockets/limits.js';
import { closePeers, freePort, Peer, PeerServer } from './peer.js';
import { inspect, inState, listen, polled } from './steps.js';

let api: Api;
beforeAll(async () => (api = await startApi()));
afterEach(closePeers);
afterAll(() => api.close());

let authority: Authority;
let server: Certificate;

/** A peer of Node's own over TLS, through its handshake. */
function secureConnect(port: number): Promise<TLSSocket> {
  return new Promise((resolve, reject) => {
    const socket = tlsConnect({ port, host: '127.0.0.1', ca: authority.ca, servername: 'localhost' });
    socket.once('secureConnect', () => resolve(socket)).once('error', reject);
  });
}

function handshakesOf(listener: ListenerDto | SocketDto): ListenerTlsDto['handshakes'] {
  return (listener.tls as ListenerTlsDto).handshakes;
}

describeWithOpenssl('TLS', () => {
  beforeAll(() => {
    authority = new Authority('Test CA');
    server = authority.sign('localhost', { subjectAltName: 'DNS:localhost,IP:127.0.0.1' });
  });
  afterAll(() => authority.remove());

  const tlsListener = (tls: object = {}, spec: object = {}) =>
    listen(api, { protocol: 'tls', tls: { ...identityOf(server), ...tls }, ...spec });
  const tlsClient = (port: number, tls: object = {}, spec: object = {}) =>
    api.post<SocketDto>('/v1/clients', {
      protocol: 'tls',
      host: 'localhost',
      port,
      tls: { ca: authority.ca, ...tls },
      ...spec,
    });

  describe('a listener', () => {
    it('shows what it was given, and no key', async () => {
      const listener = await tlsListener({
        alpn: ['h2', 'http/1.1'],
        sni: [{ servername: '*.test', ...identityOf(server) }],
      });
      expect(listener.protocol).toBe('tls');
      expect(listener.tls).toMatchObject({
        certificate: { subject: 'O=Sockeye, CN=localhost', issuer: 'CN=Test CA' },
        sni: ['*.test'],
        alpn: ['h2', 'http/1.1'],
        minVersion: 'TLSv1.2',
        requireClientCertificate: false,
        handshakes: { inProgress: 0, failed: 0, lastFailure: null },
      });
      const { body } = await api.get(`/v1/sockets/${listener.id}`);
      for (const shown of [listener, body]) expect(JSON.stringify(shown)).not.toContain('PRIVATE KEY');
    });

    it.each([
      ['/tls/certificate', () => ({ certificate: 'no PEM' })],
      ['/tls/certificate', () => ({ certificate: server.certificate.replace(/[A-Za-z0-9+/]{20}/, '') })],
      ['/tls/key', () => ({ key: 'no PEM' })],
      ['/tls/key', () => ({ key: authority.itself.key })],
      ['/tls/ca', () => ({ ca: 'no PEM' })],
      ['/tls/ca', () => ({ requireClientCertificate: true })],
      [
        '/tls/sni/0/key',
        () => ({ sni: [{ servername: 'a.test', ...identityOf(server), key: authority.itself.key }] }),
      ],
      ['/tls/sni/0/servername', () => ({ sni: [{ ...identityOf(server), servername: 'a b' }] })],
      ['/tls/alpn', () => ({ alpn: [''] })],
      ['/tls/minVersion', () => ({ minVersion: 'SSLv3' })],
    ])('answers 400 for what is wrong with %s, and binds nothing', async (pointer, wrong) => {
      const port = await freePort();
      const tls = { ...identityOf(server), ...wrong() };
      const call = api.post('/v1/listeners', { protocol: 'tls', port, tls });
      const problem = await api.refused(call, 400, 'validation-failed');
      expect(problem.errors?.[0]?.pointer).toBe(pointer);
      expect(problem.detail).toContain(`${pointer}: `);
      expect(JSON.stringify(problem)).not.toContain('BEGIN');
      await listen(api, { port });
    });

    it('answers 400 for TLS without a certificate, and for a certificate without TLS', async () => {
      for (const spec of [{ protocol: 'tls' }, { tls: identityOf(server) }]) {
        const problem = await api.refused(api.post('/v1/listeners', spec), 400, 'validation-failed');
        expect(problem.errors?.[0]?.pointer).toBe('/tls');
      }
    });

    it('counts what speaks no TLS as rejected, and says why; it never becomes a socket', async () => {
      const listener = await tlsListener();
      const peer = await Peer.connect(portOf(listener));
      peer.send('GET / HTTP/1.0\r\n\r\n');
      await peer.rest();
      const shown = await failedHandshakes(listener.id, 1);
      expect(shown.rejectedConnections).toBe(1);
      expect(shown.acceptedConnections).toBe(0);
      expect(handshakesOf(shown)).toMatchObject({
        inProgress: 0,
        lastFailure: { code: 'EPROTO', message: expect.stringMatching(/: http request$/) as string },
      });
    });

    it.each([
      ['goes away', (peer: Peer) => peer.finish()],
      ['resets', (peer: Peer) => peer.reset()],
    ])('counts a peer that %s in the handshake', async (_, leave) => {
      const listener = await tlsListener();
      leave(await Peer.connect(portOf(listener)));
      const shown = await failedHandshakes(listener.id, 1);
      expect(handshakesOf(shown).lastFailure?.code).toBe('ECONNRESET');
    });

    it.each([
      ['/tls/sni', 65, 10],
      ['/tls', 2, 100_000],
    ])('answers 400 for more than it takes: %s', async (pointer, names, filler) => {
      const { certificate, key } = server;
      const sni = Array.from({ length: names }, (_, index) => ({
        servername: `name-${index}.test`,
        certificate: `${'#'.repeat(filler)}\n${certificate}`,
        key,
      }));
      const tls = { certificate: `${'#'.repeat(filler)}\n${certificate}`, key, sni };
      const call = api.post('/v1/listeners', { protocol: 'tls', tls });
      const problem = await api.refused(call, 400, 'validation-failed');
      expect(problem.errors?.[0]?.pointer).toBe(pointer);
    });

    it('leaves no key and no context behind when it is closed', async () => {
      // It has the keys, and the contexts made of them.
      const contexts = () => queryObjects(Server, { format: 'count' });
      const before = contexts();
      const listener = await tlsListener({ sni: [{ servername: '*.test', ...identityOf(server) }] });
      expect(contexts()).toBeGreaterThan(before);
      await api.delete(`/v1/listeners/${listener.id}`);
      const { body } = await api.get<{ items: SocketDto[] }>('/v1/sockets', { state: 'closed', limit: 1000 });
      expect(body.items.map(({ id }) => id)).toEqual(expect.arrayContaining([listener.id]));
      await polled('contexts are gone', () => Promise.resolve(contexts() <= before));
    });

    it('lets handshakes finish when another takes its place by name', async () => {
      const declare = (certificate: Certificate) =>
        api.put<ListenerDto>('/v1/listeners/taken', { protocol: 'tls', tls: identityOf(certificate) });
      const { body: old } = await declare(server);
      const raw = connect({ port: portOf(old), host: '127.0.0.1' });
      await polled('the handshake goes on', async () => {
        const { body } = await api.get<ListenerDto>(`/v1/listeners/${old.id}`);
        return handshakesOf(body).inProgress === 1;
      });
      await declare(authority.sign('other', { subjectAltName: 'DNS:localhost' }));
      const secured = tlsConnect({ socket: raw, ca: authority.ca, servername: 'localhost' });
      await new Promise((resolve, reject) => secured.once('secureConnect', resolve).once('error', reject));
      expect(secured.getPeerCertificate().subject.CN).toBe('localhost');
      await polled('it is accepted', async () => {
        const { body } = await api.get<{ items: SocketDto[] }>(`/v1/listeners/${old.id}/connections`);
        return body.items[0]?.state === 'open';
      });
      secured.destroy();
    });

    it('sends away who is in the handshake when it closes', async () => {
      const listener = await tlsListener();
      const peer = await Peer.connect(portOf(listener));
      await api.application.eventually('the handshake goes on', async () => {
        const { body } = await api.get<ListenerDto>(`/v1/listeners/${listener.id}`);
        return handshakesOf(body).inProgress === 1 ? true : null;
      });
      await api.delete(`/v1/listeners/${listener.id}`);
      expect((await peer.rest()).ended).toBe('ECONNRESET');
    });

    it('resets who comes while all its handshakes are taken by silent peers', async () => {
      const listener = await tlsListener();
      const silent = await Promise.all(
        Array.from({ length: MAX_HANDSHAKES }, () => Peer.connect(portOf(listener))),
      );
      const look = async () => (await api.get<ListenerDto>(`/v1/listeners/${listener.id}`)).body;
      await polled('all are taken', async () => handshakesOf(await look()).inProgress === MAX_HANDSHAKES);
      // The reset can be there before the connect is noticed.
      const ended = Peer.connect(portOf(listener)).then(async (peer) => (await peer.rest()).ended);
      expect(await ended.catch((error: unknown) => (error as NodeJS.ErrnoException).code)).toBe('ECONNRESET');
      expect(await look()).toMatchObject({ rejectedConnections: 1, openConnections: 0 });
      silent[0]!.finish();
      await failedHandshakes(listener.id, 1);
      (await secureConnect(portOf(listener))).destroy();
    });

    it('is declared by name: the same again changes nothing, another certificate replaces it, a bad one does not', async () => {
      const tls = identityOf(server);
      const declare = (spec: object) =>
        api.put<ListenerDto>('/v1/listeners/declared', { protocol: 'tls', ...spec });
      const { status, body } = await declare({ tls });
      expect(status).toBe(201);
      expect((await declare({ tls })).body.id).toBe(body.id);
      await api.refused(declare({ tls: { ...tls, key: authority.itself.key } }), 400, 'validation-failed');
      expect((await inspect(api, 'declared')).id).toBe(body.id);
      const renewed = authority.sign('renewed', { subjectAltName: 'DNS:localhost' });
      const replaced = await declare({ tls: identityOf(renewed) });
      expect(replaced.body.tls).toMatchObject({ certificate: { subject: 'O=Sockeye, CN=renewed' } });
    });

    it('keeps room for real peers: over maxConnections a connection is sent away after its handshake', async () => {
      const listener = await tlsListener({}, { limits: { maxConnections: 1 } });
      const first = await secureConnect(portOf(listener));
      const second = await secureConnect(portOf(listener)).catch((error: unknown) => error as Error);
      if (!(second instanceof Error))
        await new Promise((resolve) => second.once('error', resolve).once('close', resolve));
      const { body } = await api.get<ListenerDto>(`/v1/listeners/${listener.id}`);
      expect(body).toMatchObject({ openConnections: 1, acceptedConnections: 1, rejectedConnections: 1 });
      first.destroy();
    });
  });

  describe('a client', () => {
    it('verifies the server, and shows what the handshake came to', async () => {
      const listener = await tlsListener({ alpn: ['two', 'one'] });
      const { status, body } = await tlsClient(portOf(listener), { alpn: ['one', 'two'] });
      expect(status).toBe(201);
      expect(body.protocol).toBe('tls');
      expect(body.tls).toMatchObject({
        protocol: 'TLSv1.3',
        cipher: { name: 'TLS_AES_256_GCM_SHA384', standardName: 'TLS_AES_256_GCM_SHA384' },
        alpn: 'two',
        servername: 'localhost',
        authorized: true,
        authorizationError: null,
        truncated: false,
        peerCertificate: {
          subject: 'O=Sockeye, CN=localhost',
          subjectAltName: 'DNS:localhost, IP Address:127.0.0.1',
          validTo: expect.stringMatching(/^\d{4}-\d\d-\d\dT.*Z$/) as string,
          pem: server.certificate,
        },
      });
    });

    it('looks for an address in the certificate, and asks for no name then', async () => {
      const listener = await tlsListener();
      const { body } = await tlsClient(portOf(listener), {}, { host: '127.0.0.1' });
      expect(body.tls).toMatchObject({ servername: null, authorized: true });
    });

    it('answers 502 tls-failed for a server that nobody vouches for, unless it is insecure', async () => {
      const listener = await tlsListener();
      const problem = await api.refused(tlsClient(portOf(listener), { ca: null }), 502, 'tls-failed');
      expect(problem).toMatchObject({
        code: 'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
        syscall: 'handshake',
        port: portOf(listener),
      });
      const { status, body } = await tlsClient(portOf(listener), { ca: null, insecure: true });
      expect(status).toBe(201);
      expect(body.tls).toMatchObject({
        authorized: false,
        authorizationError: 'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
      });
    });

    it('answers 502 tls-failed where the other speaks something else', async () => {
      const peers = await PeerServer.open();
      const call = tlsClient(peers.port);
      (await peers.next()).send('220 not TLS\r\n');
      const problem = await api.refused(call, 502, 'tls-failed');
      expect(problem).toMatchObject({
        code: 'EPROTO',
        errno: 71,
        detail: expect.stringMatching(/wrong version number|packet length/) as string,
      });
    });

    it('answers 502 connection-reset where the other goes away', async () => {
      for (const leave of [(peer: Peer) => peer.finish(), (peer: Peer) => peer.reset()]) {
        const peers = await PeerServer.open();
        const call = tlsClient(peers.port);
        leave(await peers.next());
        expect((await api.refused(call, 502, 'connection-reset')).code).toBe('ECONNRESET');
      }
    });

    it('answers 504 timed-out where the other is silent: the deadline is for all of it', async () => {
      const peers = await PeerServer.open();
      const call = tlsClient(peers.port, {}, { timeoutMs: 300, name: 'silent' });
      const problem = await api.refused(call, 504, 'timed-out');
      expect(problem).toMatchObject({ code: 'ETIMEDOUT', errno: 110, syscall: 'handshake' });
      expect(['end', 'ECONNRESET']).toContain((await (await peers.next()).rest()).ended);
      expect((await api.get<SocketDto>('/v1/clients/silent')).body.state).toBe('failed');
    });

    it('answers 400 for a certificate without its key', async () => {
      for (const [given, missing] of [
        ['certificate', 'key'],
        ['key', 'certificate'],
      ] as const) {
        const call = tlsClient(await freePort(), { [given]: server[given] });
        const problem = await api.refused(call, 400, 'validation-failed');
        expect(problem.errors?.[0]?.pointer).toBe(`/tls/${missing}`);
      }
      const mixed = tlsClient(await freePort(), {
        certificate: server.certificate,
        key: authority.itself.key,
      });
      expect((await api.refused(mixed, 400, 'validation-failed')).errors?.[0]?.pointer).toBe('/tls/key');
    });

    it('ends with a code when TLS breaks in the middle', async () => {
      const listener = await tlsListener();
      const { body: client } = await tlsClient(portOf(listener));
      const { body } = await api.get<{ items: SocketDto[] }>(`/v1/listeners/${listener.id}/connections`);
      await api.delete(`/v1/sockets/${body.items[0]!.id}?mode=reset`);
      expect((await inState(api, client.id, 'failed')).closeReason).toMatchObject({ code: 'ECONNRESET' });
    });
  });

  async function failedHandshakes(id: string, count: number): Promise<ListenerDto> {
    const look = async () => (await api.get<ListenerDto>(`/v1/listeners/${id}`)).body;
    await polled('the handshake has failed', async () => handshakesOf(await look()).failed === count);
    return look();
  }
});
