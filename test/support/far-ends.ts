/** Clients of the service and the ends they are connected to, which the test holds itself. */
import { once } from 'node:events';
import net from 'node:net';
import { stopPrograms, until } from './peers.js';
import { startService, type Service, type SocketView } from './service.js';
import { terminateClients } from './ws-client.js';

export interface Connected {
  id: string;
  peer: net.Socket;
}

export class FarEnds {
  private readonly sockets = new Set<net.Socket>();
  private readonly server = net.createServer({ pauseOnConnect: true, allowHalfOpen: true });

  private constructor(private readonly service: Service) {
    this.server.on('connection', (socket) => this.sockets.add(socket.on('error', () => undefined)));
  }

  static async of(service: Service): Promise<FarEnds> {
    const ends = new FarEnds(service);
    ends.server.listen(0, '127.0.0.1');
    await once(ends.server, 'listening');
    return ends;
  }

  /** A socket of the service, and the end of it that is not; paused, so that it reads nothing by itself. */
  async connect(spec: object = {}): Promise<Connected> {
    const accepted = once(this.server, 'connection') as Promise<[net.Socket]>;
    const { port } = this.server.address() as net.AddressInfo;
    const body = { protocol: 'tcp', host: '127.0.0.1', port, ...spec };
    const answer = await this.service.post<SocketView>('/v1/clients', body);
    if (answer.status !== 201) throw new Error(`POST clients: ${JSON.stringify(answer.body)}`);
    const [peer] = await accepted;
    return { id: answer.body.id, peer };
  }

  /** So many at once. */
  async many(count: number, spec: object = {}): Promise<Connected[]> {
    const before = this.sockets.size;
    const { port } = this.server.address() as net.AddressInfo;
    const body = { protocol: 'tcp', host: '127.0.0.1', port, ...spec };
    const made = Array.from({ length: count }, () => this.service.post<SocketView>('/v1/clients', body));
    const answers = await Promise.all(made);
    await until('all are accepted', () => this.sockets.size === before + count);
    const peers = new Map([...this.sockets].map((socket) => [socket.remotePort, socket]));
    return answers.map(({ status, body: socket }) => {
      const peer = status === 201 ? peers.get(socket.localAddress.port) : undefined;
      if (peer === undefined) throw new Error(`POST clients: ${JSON.stringify(socket)}`);
      return { id: socket.id, peer };
    });
  }

  /** So many, of which each has received `bytes` that nobody has read yet. */
  async withBacklog(count: number, bytes: number, spec: object = {}): Promise<Connected[]> {
    const all = await this.many(count, spec);
    for (const { peer } of all) peer.write(Buffer.alloc(bytes));
    for (const { id } of all)
      await until('it has come', async () => (await this.service.socket(id)).received.bytes === bytes);
    return all;
  }

  close(): void {
    for (const socket of this.sockets) socket.destroy();
    this.server.close();
  }
}

interface ServiceWithEnds {
  service: Service;
  ends: FarEnds;
}

/** A service for the test file, and far ends for it; both go with the last test, and every WebSocket with them. */
export function serviceWithEnds(): Readonly<ServiceWithEnds> {
  const at = {} as ServiceWithEnds;
  beforeAll(async () => {
    at.service = await startService();
    at.ends = await FarEnds.of(at.service);
  });
  afterAll(async () => {
    terminateClients();
    at.ends.close();
    await stopPrograms();
  });
  return at;
}
