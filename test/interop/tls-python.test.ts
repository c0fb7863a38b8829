/** TLS against python's ssl. */
import { createHash } from 'node:crypto';
import type { SocketDto } from '../../src/modules/common/socket.dto.js';
import type { TlsDto } from '../../src/modules/common/tls.dto.js';
import type { DataAnswer } from '../../src/modules/sockets/data.dto.js';
import { inState, inspect, listen } from '../http/steps.js';
import type { Api } from '../support/api.js';
import { describeWithOpenssl, identityOf, type Certificate } from '../support/certificates.js';
import { portOf } from '../support/ends.js';
import { dial, itWith, startPeer, until, type Peer, type PeerEvent } from '../support/peers.js';
import { TlsService } from './tls-service.js';

const MIB = 1024 * 1024;
const withPython = itWith('python3');

let on: TlsService;
let api: Api;
let server: Certificate;

const tlsOf = (socket: SocketDto) => socket.tls as TlsDto;

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
  const ca = on.authority.itself.files.certificate;
  return peer.ask({ do: 'start-tls', role: 'client', servername: 'localhost', ca }, 'secured');
}

describeWithOpenssl('TLS with python', () => {
  beforeAll(async () => {
    on = await TlsService.start();
    ({ api, server } = on);
  });
  afterAll(() => on.stop());

  withPython('8 MiB go through both ways, and are the same', async () => {
    const listener = await on.listen();
    const peer = await dial(portOf(listener));
    await secure(peer);
    const { id } = await on.connectionOf(listener);
    peer.tell({ do: 'send-random', bytes: 8 * MIB, seed: 7 });
    const digest = await digestOf(id, 8 * MIB);
    expect((await peer.event('sent')).sha256).toBe(digest);

    const bytes = Buffer.alloc(MIB, 'Sockeye over TLS ');
    const all = createHash('sha256');
    peer.tell({ do: 'drain' });
    for (let sent = 0; sent < 8; sent += 1) {
      bytes.writeUInt32BE(sent);
      all.update(bytes);
      expect((await on.send(id, bytes)).body).toEqual({ bytesSent: MIB });
    }
    await api.post(`/v1/sockets/${id}/shutdown`, { how: 'write' });
    expect(await peer.event('eof')).toMatchObject({ bytes: 8 * MIB, sha256: all.digest('hex') });
  });

  withPython('a peer that is not read is slowed down, and all of it comes later', async () => {
    const listener = await on.listen({}, { receive: { windowBytes: 64 * 1024 } });
    const peer = await dial(portOf(listener));
    await secure(peer);
    const { id } = await on.connectionOf(listener);
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
      const listener = await on.listen();
      const peer = await dial(portOf(listener));
      await secure(peer);
      const { id } = await on.connectionOf(listener);
      await peer.send('all of it');
      peer.tell({ do: how });
      const ended = await inState(api, id, 'half-closed-remote');
      expect(tlsOf(ended).truncated).toBe(truncated);
      expect(ended.received.bytes).toBe(9);
    }
  });

  withPython('half of it can end before the other: close_notify, then an answer', async () => {
    const peer = startPeer('peer.py', ['--listen', '127.0.0.1']);
    const call = on.connect(await peer.ready());
    await peer.event('connected');
    peer.tell({ do: 'start-tls', role: 'server', ...server.files });
    const { body } = await call;
    await on.send(body.id, 'question');
    await api.post(`/v1/sockets/${body.id}/shutdown`, { how: 'write' });
    expect((await peer.ask({ do: 'drain' }, 'eof')).bytes).toBe(8);
    await peer.send('answer');
    expect(await on.receive(body.id, 6)).toBe('answer');
    await peer.ask({ do: 'reset' }, 'closed');
    await inState(api, body.id, 'failed');
  });

  withPython('STARTTLS as server: the answer is sent and not a byte is read as it is after it', async () => {
    const listener = await listen(api);
    const peer = await dial(portOf(listener));
    const { id } = await on.connectionOf(listener);
    await peer.send('STARTTLS\r\n');
    expect(await on.receive(id, 10)).toBe('STARTTLS\r\n');
    const upgraded = api.post<SocketDto>(`/v1/sockets/${id}/starttls`, {
      role: 'server',
      tls: identityOf(server),
      send: '220 go ahead\r\n',
    });
    expect((await peer.receive(14)).toString()).toBe('220 go ahead\r\n');
    await secure(peer);
    expect((await upgraded).body).toMatchObject({ protocol: 'tls', tls: { servername: 'localhost' } });
    await peer.send('EHLO again\r\n');
    expect(await on.receive(id, 12)).toBe('EHLO again\r\n');
    expect((await inspect(api, id)).received.bytes).toBe(22);
    await on.send(id, '250 hello\r\n');
    expect((await peer.receive(11)).toString()).toBe('250 hello\r\n');
  });

  withPython('STARTTLS as client: dialogue as it is, then with TLS', async () => {
    const peer = startPeer('peer.py', ['--listen', '127.0.0.1']);
    const port = await peer.ready();
    const { body: client } = await api.post<SocketDto>('/v1/clients', { host: 'localhost', port });
    await peer.event('connected');
    await peer.send('220 mail\r\n');
    expect(await on.receive(client.id, 10)).toBe('220 mail\r\n');
    await on.send(client.id, 'STARTTLS\r\n');
    await peer.receive(10);
    await peer.send('220 go ahead\r\n');
    expect(await on.receive(client.id, 14)).toBe('220 go ahead\r\n');
    const upgraded = api.post<SocketDto>(`/v1/sockets/${client.id}/starttls`, {
      role: 'client',
      tls: { ca: on.authority.ca },
    });
    await peer.ask({ do: 'start-tls', role: 'server', ...server.files }, 'secured');
    // The name is that which was dialled.
    expect((await upgraded).body.tls).toMatchObject({ authorized: true, servername: 'localhost' });
    await peer.send('250 hello\r\n');
    expect(await on.receive(client.id, 11)).toBe('250 hello\r\n');
  });
});
