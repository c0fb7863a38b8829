import { once } from 'node:events';
import { mkdtempSync, readdirSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { createSocket } from 'node:dgram';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setImmediate as turn } from 'node:timers/promises';
import type { SocketListDto } from '../../src/modules/common/list.dto.js';
import type { ListenerDto } from '../../src/modules/common/listener.dto.js';
import type { SocketDto } from '../../src/modules/common/socket.dto.js';
import type { DatagramListAnswer } from '../../src/modules/sockets/data.dto.js';
import { startApi, type Api } from '../support/api.js';
import { closeDatagramPeers, DatagramPeer } from '../support/datagram-peer.js';
import { portOf } from '../support/ends.js';
import { startProgram } from '../support/peers.js';
import { accept, inspect } from './steps.js';

let api: Api;
const root = realpathSync(mkdtempSync(join(tmpdir(), 'sk-unix-')));
const data = mkdtempSync(join(tmpdir(), 'sk-data-'));
const records = join(data, 'unix');

beforeAll(async () => {
  const unix = { SOCKEYE_UNIX_DIR: root, SOCKEYE_DATA_DIR: data };
  api = await startApi({ ...unix, SOCKEYE_BIND_ALLOW: '0.0.0.0' });
});
afterEach(closeDatagramPeers);
afterAll(async () => {
  await api.close();
  expect(readdirSync(root)).toEqual([]);
  rmSync(root, { recursive: true });
  rmSync(data, { recursive: true });
});

let made = 0;
const newName = (): string => `declared-${String((made += 1))}`;

function declare(name: string, spec: object) {
  return api.put<ListenerDto>(`/v1/listeners/${name}`, spec);
}

async function declared(name: string, spec: object, status: number): Promise<ListenerDto> {
  const answer = await declare(name, spec);
  expect(answer.status).toBe(status);
  return answer.body;
}

/** What can be read from it, once there are so many. */
async function read(id: string, count: number): Promise<string[]> {
  const came: string[] = [];
  while (came.length < count) {
    const asked = { waitMs: 10_000, maxBytes: 1_048_576 };
    const { status, body } = await api.post<DatagramListAnswer>(`/v1/sockets/${id}/receive`, asked);
    expect(status).toBe(200);
    if (body.datagrams.length === 0) break;
    came.push(...body.datagrams.map((datagram) => datagram.data));
  }
  return came;
}

const waiting = async (id: string): Promise<number> =>
  (await api.get<SocketDto>(`/v1/sockets/${id}`)).body.received.headOffset;

/** Receives under the very id. */
async function serves({ id, localAddress }: ListenerDto): Promise<void> {
  expect(await inspect(api, id)).toMatchObject({ id, state: 'open' });
  if ('path' in localAddress) await sendToFile(localAddress.path, 'to the file');
  else await (await DatagramPeer.open()).send('to the port', portOf({ localAddress }));
  expect(await read(id, 1)).toHaveLength(1);
}

async function sendToFile(path: string, payload: string): Promise<void> {
  const script =
    'import socket, sys\n' +
    'socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM).sendto(sys.argv[2].encode(), sys.argv[1])';
  expect((await startProgram('python3', ['-c', script, path, payload]).exit()).code).toBe(0);
}

describe('declaring a UDP listener', () => {
  const udp = (more: object = {}): object => ({ protocol: 'udp', ...more });

  it('makes it the first time, leaves it alone after that, and renews its lease', async () => {
    const name = newName();
    const { status, headers, body } = await declare(name, udp({ leaseMs: 60_000, labels: { run: '7' } }));
    expect(status).toBe(201);
    expect(body).toMatchObject({ name, kind: 'listener', protocol: 'udp', state: 'open' });
    expect(headers.location).toBe(`/v1/listeners/${body.id}`);
    const again = await declared(
      name,
      udp({ leaseMs: 90_000, labels: { run: '7' }, host: '127.0.0.1' }),
      200,
    );
    expect(again).toMatchObject({ id: body.id, localAddress: body.localAddress, leaseMs: 90_000 });
    await serves(again);
  });

  it('takes what a POST has made under that name for its own', async () => {
    const name = newName();
    const { body } = await api.post<ListenerDto>('/v1/listeners', udp({ name }));
    expect((await declared(name, udp(), 200)).id).toBe(body.id);
  });

  it('replaces it on its port, where nothing that was sent is lost', async () => {
    const name = newName();
    const peer = await DatagramPeer.open();
    const listeners = [await declared(name, udp(), 201)];
    const port = portOf(listeners[0] as ListenerDto);
    let sent = 0;
    for (let run = 0; run < 5; run += 1) {
      const replaced = declared(name, udp({ port, labels: { run: String(run) } }), 200);
      const done = replaced.then(() => true);
      // Sends alone would leave the service no turn.
      do await peer.send(String((sent += 1)), port);
      while (!(await Promise.race([done, turn(false)])));
      listeners.push(await replaced);
    }
    await peer.send(String((sent += 1)), port);
    const came: string[] = [];
    for (const [i, { id }] of listeners.entries()) {
      if (i === 5)
        await api.application.eventually(
          'all came',
          async () => came.length + (await waiting(id)) === sent || null,
        );
      else expect(await inspect(api, id)).toMatchObject({ state: 'closed', closeReason: 'replaced' });
      came.push(...(await read(id, await waiting(id))));
    }
    expect(came).toEqual(Array.from({ length: sent }, (_, i) => String(i + 1)));
  });

  it('keeps what the kernel had for the old one, for as long as after any close', async () => {
    const name = newName();
    const old = await declared(name, udp(), 201);
    const port = portOf(old);
    expect((await api.post(`/v1/sockets/${old.id}/pause`)).status).toBe(200);
    const peer = await DatagramPeer.open();
    const payloads = Array.from({ length: 700 }, (_, i) => `unread ${String(i)}`);
    for (const payload of payloads) await peer.send(payload, port);
    expect(await waiting(old.id)).toBe(0);
    const replaced = await declared(name, udp({ port, receive: { overflow: 'drop-newest' } }), 200);
    await peer.send('new', port);
    expect(await read(replaced.id, 1)).toEqual(['new']);
    expect(await read(old.id, 700)).toEqual(payloads);
  });

  it('gives the new one the options it was asked for, and no other', async () => {
    const name = newName();
    const port = portOf(await declared(name, udp(), 201));
    await declared(name, udp({ port, host: '0.0.0.0' }), 200);
    const foreign = createSocket({ type: 'udp4', reuseAddr: true }).bind(port, '127.0.0.1');
    const [error] = (await once(foreign, 'error')) as [NodeJS.ErrnoException];
    expect(error.code).toBe('EADDRINUSE');
    foreign.close();
  });

  it('changes nothing with a spec that is not valid, or cannot be bound elsewhere', async () => {
    const name = newName();
    const old = await declared(name, udp(), 201);
    const port = portOf(old);
    await api.refused(declare(name, udp({ port, receive: { overflow: 'pause' } })), 400, 'validation-failed');
    await api.refused(declare(name, udp({ port, options: { SO_NO: 1 } })), 422, 'not-supported');
    await api.refused(declare(name, udp({ port, path: 'x' })), 400, 'validation-failed');
    await api.refused(declare(name, udp({ port, host: '192.0.2.1' })), 403, 'blocked-by-policy');
    await api.refused(declare(name, udp({ port, host: 'no-such-host.invalid' })), 502, 'name-not-resolved');
    await api.refused(declare(name, { protocol: 'icmp' }), 422, 'not-supported');
    const { port: taken } = await DatagramPeer.open();
    await api.refused(declare(name, udp({ port: taken })), 409, 'address-in-use');
    await serves(old);
  });

  it('goes on with the old one, as it was, where its port is wanted and cannot be had', async () => {
    const name = newName();
    const old = await declared(name, udp(), 201);
    const port = portOf(old);
    const other = createSocket('udp4').bind(port, '127.0.0.2');
    await once(other, 'listening');
    await api.refused(declare(name, udp({ port, host: '0.0.0.0' })), 409, 'address-in-use');
    await serves(old);
    const foreign = createSocket({ type: 'udp4', reuseAddr: true }).bind(port, '127.0.0.1');
    const [error] = (await once(foreign, 'error')) as [NodeJS.ErrnoException];
    expect(error.code).toBe('EADDRINUSE');
    for (const socket of [foreign, other]) socket.close();
    await serves(await declared(name, udp({ port, host: '0.0.0.0' }), 200));
  });

  it('replaces a TCP listener on a port of that number, and is replaced by one', async () => {
    const name = newName();
    const tcp = await declared(name, {}, 201);
    const port = portOf(tcp);
    const { peer } = await accept(api, tcp);
    const replaced = await declared(name, udp({ port }), 200);
    expect(replaced).toMatchObject({ name, protocol: 'udp', localAddress: { port } });
    await serves(replaced);
    expect(await inspect(api, tcp.id)).toMatchObject({ state: 'closed', closeReason: 'replaced' });
    peer.send('x');
    await accept(api, await declared(name, { port }, 200));
  });

  it('at the same time, with specs that differ, ends with one of them', async () => {
    const name = newName();
    const { port } = await DatagramPeer.open();
    closeDatagramPeers();
    const specs = Array.from({ length: 12 }, (_, i) =>
      udp({ host: 'localhost', port, labels: { run: String(i % 3) } }),
    );
    const answers = await Promise.all(specs.map((spec) => declare(name, spec)));
    expect(answers.map(({ status }) => status).sort()).toEqual([...Array<number>(11).fill(200), 201]);
    const { body } = await api.get<SocketListDto>('/v1/listeners', { name, state: 'open' });
    expect(body.items).toHaveLength(1);
    await serves(body.items[0] as ListenerDto);
  });
});

describe('declaring the listener of a file', () => {
  const file = (name: string, protocol: string, more: object = {}): object => ({
    protocol,
    path: `${name}.sock`,
    ...more,
  });

  async function listens({ localAddress }: ListenerDto): Promise<void> {
    const { path } = localAddress as { path: string };
    const peer = connect(path);
    await once(peer, 'connect');
    peer.destroy();
  }

  it.each(['unix', 'unix-seqpacket'])('of %s: replaces it on the same path', async (protocol) => {
    const name = newName();
    const old = await declared(name, file(name, protocol), 201);
    expect((await declared(name, file(name, protocol), 200)).id).toBe(old.id);
    const replaced = await declared(name, file(name, protocol, { backlog: 7 }), 200);
    expect(replaced).toMatchObject({ name, protocol, localAddress: old.localAddress });
    expect(replaced.id).not.toBe(old.id);
    expect(await inspect(api, old.id)).toMatchObject({ state: 'closed', closeReason: 'replaced' });
    if (protocol === 'unix') await listens(replaced);
    expect(readdirSync(root)).toEqual([`${name}.sock`]);
    await api.delete(`/v1/listeners/${name}`);
  });

  it('of datagrams: replaces it on the same path, and keeps what was not read', async () => {
    const name = newName();
    const old = await declared(name, file(name, 'unix-datagram'), 201);
    expect((await declared(name, file(name, 'unix-datagram'), 200)).id).toBe(old.id);
    await api.post(`/v1/sockets/${old.id}/pause`);
    await sendToFile(join(root, `${name}.sock`), 'unread');
    const replaced = await declared(name, file(name, 'unix-datagram', { labels: { run: '1' } }), 200);
    expect(replaced.id).not.toBe(old.id);
    await serves(replaced);
    expect(await read(old.id, 1)).toEqual(['unread']);
    expect(readdirSync(root)).toEqual([`${name}.sock`]);
    await listens(await declared(name, file(name, 'unix'), 200));
    await serves(await declared(name, file(name, 'unix-datagram'), 200));
    await api.delete(`/v1/listeners/${name}`);
  });

  it.each(['unix', 'unix-datagram'])(
    'by %s that fails once the file made way: it is back',
    async (protocol) => {
      const name = newName();
      const old = await declared(name, file(name, 'unix-datagram'), 201);
      rmSync(records, { recursive: true });
      writeFileSync(records, 'no directory: nothing can be noted there');
      const refused = await declare(name, file(name, protocol, { labels: { run: '1' } }));
      expect(refused.status).toBeGreaterThanOrEqual(400);
      rmSync(records);
      expect(readdirSync(root)).toEqual([`${name}.sock`]);
      await serves(old);
      await declared(name, file(name, protocol, { labels: { run: '1' } }), 200);
      await api.delete(`/v1/listeners/${name}`);
    },
  );
});
