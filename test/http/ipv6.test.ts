import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import type { SocketListDto } from '../../src/modules/common/list.dto.js';
import type { ListenerDto } from '../../src/modules/common/listener.dto.js';
import type { SocketDto } from '../../src/modules/common/socket.dto.js';
import { startApi, type Api } from '../support/api.js';
import { portOf } from '../support/ends.js';
import { listen } from './steps.js';

let api: Api;
const peers: Socket[] = [];

beforeAll(async () => (api = await startApi({ SOCKEYE_BIND_ALLOW: '::' })));
afterEach(() => {
  for (const peer of peers.splice(0)) peer.destroy();
});
afterAll(() => api.close());

async function connectionFrom(listener: ListenerDto, host: string): Promise<SocketDto> {
  const peer = connect({ host, port: portOf(listener) });
  peers.push(peer);
  await once(peer, 'connect');
  return api.application.eventually('it is accepted', async () => {
    const { body } = await api.get<SocketListDto>(`/v1/listeners/${listener.id}/connections`);
    const isOurs = ({ remoteAddress }: SocketDto): boolean =>
      remoteAddress !== null && 'port' in remoteAddress && remoteAddress.port === peer.localPort;
    return body.items.find(isOurs) ?? null;
  });
}

it('a listener on :: takes both families, and shows an IPv4 peer as IPv4', async () => {
  const listener = await listen(api, { host: '::' });
  expect(listener).toMatchObject({ family: 'ipv6', localAddress: { address: '::' } });
  const four = await connectionFrom(listener, '127.0.0.1');
  expect(four).toMatchObject({
    family: 'ipv4',
    localAddress: { address: '127.0.0.1' },
    remoteAddress: { address: '127.0.0.1' },
  });
  const six = await connectionFrom(listener, '::1');
  expect(six).toMatchObject({ family: 'ipv6', remoteAddress: { address: '::1' } });
});

it('with ipv6Only it takes IPv6 only', async () => {
  const listener = await listen(api, { host: '::', ipv6Only: true });
  expect((await connectionFrom(listener, '::1')).family).toBe('ipv6');
  await expect(connectionFrom(listener, '127.0.0.1')).rejects.toMatchObject({ code: 'ECONNREFUSED' });
});

it('needs leave to be bound on ::, and none for ::1', async () => {
  const strict = await startApi();
  await strict.refused(strict.post('/v1/listeners', { host: '::' }), 403, 'blocked-by-policy');
  expect((await strict.post('/v1/listeners', { host: '::1' })).status).toBe(201);
  await strict.close();
});

it('refuses a zone where it has no meaning', async () => {
  for (const host of [
    '::1%lo',
    '127.0.0.1%lo',
    'localhost%lo',
    'fe80::1%',
    'fe80::1%a b',
    `fe80::1%${'a'.repeat(16)}`,
  ]) {
    const problem = await api.refused(api.post('/v1/listeners', { host }), 400, 'validation-failed');
    expect(problem.errors?.[0]?.pointer).toBe('/host');
  }
});
