/** What most tests begin with, and what they wait for. */
import type { ListenerDto } from '../../src/modules/common/listener.dto.js';
import type { SocketDto } from '../../src/modules/common/socket.dto.js';
import type { SocketListDto } from '../../src/modules/common/list.dto.js';
import type { DataAnswer } from '../../src/modules/sockets/data.dto.js';
import type { Api } from '../support/api.js';
import { Peer, PeerServer } from './peer.js';
import { portOf } from '../support/ends.js';

export async function listen(api: Api, spec: object = {}): Promise<ListenerDto> {
  const { status, body } = await api.post<ListenerDto>('/v1/listeners', spec);
  expect(status).toBe(201);
  return body;
}

/** A peer that has connected to the listener, and the connection that the service made of it. */
export async function accept(
  api: Api,
  listener: ListenerDto,
  options: { stalled?: boolean } = {},
): Promise<{ peer: Peer; connection: SocketDto }> {
  const peer = await Peer.connect(portOf(listener), options);
  const connection = await api.application.eventually('the connection is accepted', async () => {
    const { body } = await api.get<SocketListDto>(`/v1/listeners/${listener.id}/connections`);
    return (
      body.items.find(
        ({ remoteAddress }) =>
          remoteAddress !== null && 'port' in remoteAddress && remoteAddress.port === peer.port,
      ) ?? null
    );
  });
  return { peer, connection };
}

/** A client of the service, connected to a peer. */
export async function dial(
  api: Api,
  { stalled = false, ...spec }: { stalled?: boolean; [field: string]: unknown } = {},
): Promise<{ peer: Peer; client: SocketDto }> {
  const server = await PeerServer.open({ stalled });
  const { status, body } = await api.post<SocketDto>('/v1/clients', {
    host: '127.0.0.1',
    port: server.port,
    ...spec,
  });
  expect(status).toBe(201);
  return { peer: await server.next(), client: body };
}

export async function inspect(api: Api, idOrName: string): Promise<SocketDto> {
  const { status, body } = await api.get<SocketDto>(`/v1/sockets/${idOrName}`);
  expect(status).toBe(200);
  return body;
}

export function inState(api: Api, id: string, state: string): Promise<SocketDto> {
  return api.application.eventually(`${id} is ${state}`, async () => {
    const socket = await inspect(api, id);
    return socket.state === state ? socket : null;
  });
}

/** The socket has received the stream up to `offset`, looked at from `from` on; nothing is consumed. */
export async function hasReceived(api: Api, id: string, offset: number, from = 0): Promise<void> {
  for (let at = from; at < offset;) {
    const query = { offset: at, waitMs: 5000, encoding: 'latin1', maxBytes: 1024 * 1024 };
    const { status, body } = await api.get<DataAnswer>(`/v1/sockets/${id}/data`, query);
    expect(status).toBe(200);
    if (body.bytes === 0) throw new Error(`${id} received ${at} bytes, not ${offset}`);
    at = body.nextOffset;
  }
}

/** Asks again until it is so: for what announces nothing. */
export async function polled(what: string, isSo: () => Promise<boolean>): Promise<void> {
  const deadline = Date.now() + 30_000;
  while (!(await isSo())) if (Date.now() > deadline) throw new Error(`never so: ${what}`);
}

/** So many look at the received bytes of the socket, or wait for them. */
export function observers(api: Api, id: string, count: number): Promise<void> {
  return polled(`${count} observers`, async () => (await inspect(api, id)).observers === count);
}
