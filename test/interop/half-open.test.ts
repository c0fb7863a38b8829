import { startApi, type Api } from '../support/api.js';
import { buildNetwork, cutNetwork, FAR, INSIDE, itInNetwork, removeNetwork } from '../support/network.js';
import { startPeer, stopPrograms } from '../support/peers.js';
import type { SocketDto } from '../../src/modules/common/socket.dto.js';
import { inState } from '../http/steps.js';

const possible = buildNetwork();
const check = itInNetwork(possible);
let api: Api;
beforeAll(async () => (api = await startApi()));
afterAll(async () => {
  await stopPrograms();
  await api.close();
  if (possible) removeNetwork();
});

/** A client connected to a peer on the other host. */
async function dialled(options: object, receive: object = {}): Promise<SocketDto> {
  const peer = startPeer('peer.py', ['--listen', FAR], INSIDE);
  const spec = { host: FAR, port: await peer.ready(), options, receive };
  const { status, body } = await api.post<SocketDto>('/v1/clients', spec);
  expect(status).toBe(201);
  return body;
}

check('a peer that vanishes is found by keep-alive, and by what it does not acknowledge', async () => {
  const probed = await dialled({ SO_KEEPALIVE: true, TCP_KEEPIDLE: 1, TCP_KEEPINTVL: 1, TCP_KEEPCNT: 2 });
  const paused = await dialled({ TCP_KEEPIDLE: 1, TCP_KEEPINTVL: 1, TCP_KEEPCNT: 2 }, { lingerMs: 100 });
  const sending = await dialled({ TCP_USER_TIMEOUT: 1500 });
  const unasked = await dialled({ SO_KEEPALIVE: false });
  expect((await api.post(`/v1/sockets/${paused.id}/pause`)).status).toBe(200);

  expect(cutNetwork()).toBe(true);
  const call = api.post(`/v1/sockets/${sending.id}/data`, Buffer.alloc(8 * 1024 * 1024));
  const problem = await api.refused(call, 504, 'timed-out');
  expect(problem).toMatchObject({ code: 'ETIMEDOUT', errno: 110 });
  const reason = { code: 'ETIMEDOUT', errno: 110 };
  expect(await inState(api, sending.id, 'failed')).toMatchObject({ closeReason: reason });
  expect(await inState(api, probed.id, 'failed')).toMatchObject({ closeReason: reason });
  // Nobody reads from this one, so nobody is told: the kernel is asked.
  expect(await inState(api, paused.id, 'failed')).toMatchObject({ closeReason: reason });
  // Where nobody asks, nobody knows.
  expect((await api.get(`/v1/sockets/${unasked.id}`)).body).toMatchObject({ state: 'open' });
});
