import { Duplex } from 'node:stream';
import { connect, type Socket } from 'node:net';
import { connect as tlsConnect, type TLSSocket } from 'node:tls';
import type { ListenerDto } from '../../src/modules/common/listener.dto.js';
import type { SocketDto } from '../../src/modules/common/socket.dto.js';
import type { TlsDto } from '../../src/modules/common/tls.dto.js';
import type { DataAnswer } from '../../src/modules/sockets/data.dto.js';
import { DEFAULT_LIMITS } from '../../src/sockets/limits.js';
import { startApi, type Api } from '../support/api.js';
import { Authority, describeWithOpenssl, type Certificate } from '../support/certificates.js';
import { portOf } from '../support/ends.js';
import { dial, inspect, inState, listen } from './steps.js';
import { closePeers, within } from './peer.js';

let api: Api;
let authority: Authority;
let server: Certificate;
const open = new Set<Socket>();

beforeAll(async () => (api = await startApi()));
afterEach(() => {
  closePeers();
  for (const socket of open) socket.destroy();
  open.clear();
});
afterAll(() => api.close());

/** What TLS writes, held back until it is let go: then it is one write. */
class Held extends Duplex {
  private parts: Buffer[] | null = null;

  constructor(readonly raw: Socket) {
    super();
    raw.on('data', (bytes) => this.push(bytes)).on('end', () => this.push(null));
    raw.on('error', () => undefined);
  }

  hold(): void {
    this.parts = [];
  }

  release(): Promise<void> {
    const all = Buffer.concat(this.parts ?? []);
    this.parts = null;
    return new Promise((resolve) => this.raw.write(all, () => resolve()));
  }

  override _read(): void {
    // What comes is pushed.
  }

  override _write(bytes: Buffer, _: BufferEncoding, done: () => void): void {
    if (this.parts === null) this.raw.write(bytes);
    else this.parts.push(bytes);
    done();
  }
}

interface SecurePeer {
  secured: TLSSocket;
  held: Held;
  connection: SocketDto;
}

async function securePeer(listener: ListenerDto, maxVersion?: 'TLSv1.2'): Promise<SecurePeer> {
  const raw = connect({ port: portOf(listener), host: '127.0.0.1' });
  open.add(raw);
  const held = new Held(raw);
  const secured = tlsConnect({ socket: held, ca: authority.ca, servername: 'localhost', maxVersion });
  secured.on('error', () => undefined);
  await within('the handshake', new Promise<void>((resolve) => secured.once('secureConnect', resolve)));
  const connection = await api.application.eventually('it is accepted', async () => {
    const path = `/v1/listeners/${listener.id}/connections`;
    return (await api.get<{ items: SocketDto[] }>(path)).body.items[0] ?? null;
  });
  return { secured, held, connection };
}

/** All that can be received until the end of the stream, in hex, and what the last answer said. */
async function drained(id: string): Promise<{ hex: string; last: DataAnswer }> {
  for (let hex = ''; ;) {
    const asked = { waitMs: 5000, encoding: 'hex', maxBytes: 1024 * 1024 };
    const { status, body } = await api.post<DataAnswer>(`/v1/sockets/${id}/receive`, asked);
    expect(status).toBe(200);
    hex += body.data;
    if (body.eof || body.bytes === 0) return { hex, last: body };
  }
}

describeWithOpenssl('the end of a stream with TLS', () => {
  beforeAll(() => {
    authority = new Authority('Test CA');
    server = authority.sign('localhost', { subjectAltName: 'DNS:localhost' });
  });
  afterAll(() => authority.remove());

  const tlsListener = (windowBytes: number) => {
    const tls = { certificate: server.certificate, key: server.key };
    return listen(api, { protocol: 'tls', tls, receive: { windowBytes } });
  };

  it.each([
    ['a window that is smaller than one record', 1000, 0, undefined],
    ['the last record straddling the window', 64 * 1024, 64 * 1024 - 500, undefined],
    ['the same in TLS 1.2', 64 * 1024, 64 * 1024 - 500, 'TLSv1.2' as const],
  ])('comes after all bytes: %s', async (_, windowBytes, first, version) => {
    const { secured, held, connection } = await securePeer(await tlsListener(windowBytes), version);
    const bytes = Buffer.from(Array.from({ length: first + 5000 }, (_, index) => index % 251));
    if (first > 0) {
      secured.write(bytes.subarray(0, first));
      await api.application.eventually('the first came', async () =>
        (await api.get<DataAnswer>(`/v1/sockets/${connection.id}/data`, { offset: first - 1, waitMs: 5000 }))
          .body.bytes > 0
          ? true
          : null,
      );
    }
    held.hold();
    secured.end(bytes.subarray(first));
    await held.release();
    await api.application.eventually('the window is full', async () =>
      (await inspect(api, connection.id)).received.paused ? true : null,
    );
    const { hex, last } = await drained(connection.id);
    expect(hex === bytes.toString('hex')).toBe(true);
    expect(last.eof).toBe(true);
    const ended = await inState(api, connection.id, 'half-closed-remote');
    expect((ended.tls as TlsDto).truncated).toBe(false);
  });

  it('comes after all bytes that were decrypted, where the peer resets', async () => {
    const { secured, held, connection } = await securePeer(await tlsListener(1000));
    const bytes = Buffer.alloc(20_000, 'what was decrypted ');
    held.hold();
    // Two records: the first fills the window, the second is decrypted in the same turn and waits in Node.
    await new Promise((resolve) => secured.write(bytes, resolve));
    await held.release();
    await api.application.eventually('the window is full', async () =>
      (await inspect(api, connection.id)).received.paused ? true : null,
    );
    held.raw.resetAndDestroy();
    const failed = await inState(api, connection.id, 'failed');
    expect(failed.closeReason).toMatchObject({ code: 'ECONNRESET' });
    const { hex, last } = await drained(connection.id);
    expect(hex === bytes.toString('hex')).toBe(true);
    expect(last.eof).toBe(true);
  });

  it('takes more than a kilobyte or four at once: mode=some on an idle connection', async () => {
    const { connection } = await securePeer(await tlsListener(1000));
    const send = () =>
      api.post<{ bytesSent: number }>(`/v1/sockets/${connection.id}/data`, Buffer.alloc(50_000), {
        query: { mode: 'some' },
      });
    expect((await send()).body.bytesSent).toBe(50_000);
  });

  describe('in the middle of STARTTLS', () => {
    const upgrade = (id: string, body: object = {}) =>
      api.post<SocketDto>(`/v1/sockets/${id}/starttls`, { role: 'client', ...body });

    it('is not for the user: shutdown answers 409 EALREADY', async () => {
      const { peer, client } = await dial(api);
      const call = upgrade(client.id);
      await peer.received(1);
      for (const how of ['read', 'write', 'both']) {
        const shutdown = api.post(`/v1/sockets/${client.id}/shutdown`, { how });
        expect((await api.refused(shutdown, 409, 'conflict')).code).toBe('EALREADY');
      }
      expect((await inspect(api, client.id)).state).toBe('open');
      peer.reset();
      await api.refused(call, 502, 'connection-reset');
    });

    it.each(['client', 'server'])(
      'is told the same to the caller and by the socket: FIN, as %s',
      async (role) => {
        const { peer, client } = await dial(api);
        const tls = role === 'server' ? { certificate: server.certificate, key: server.key } : {};
        const call = upgrade(client.id, { role, tls, send: 'go' });
        await peer.received(2);
        peer.finish();
        expect((await api.refused(call, 502, 'connection-reset')).code).toBe('ECONNRESET');
        const { state, closeReason } = await inspect(api, client.id);
        expect({ state, closeReason }).toMatchObject({
          state: 'failed',
          closeReason: { code: 'ECONNRESET' },
        });
      },
    );

    it('comes after the timeout of the socket, where the call has none of its own', async () => {
      const { client } = await dial(api);
      await api.put(`/v1/sockets/${client.id}/timeout`, { timeoutMs: 200 });
      const start = Date.now();
      await api.refused(upgrade(client.id), 504, 'timed-out');
      expect(Date.now() - start).toBeLessThan(DEFAULT_LIMITS.connectTimeoutMs / 2);
    });
  });
});
