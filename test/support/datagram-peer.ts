/** The other end of datagrams: a plain UDP socket that sends, and remembers what came. */
import { createSocket, type RemoteInfo, type Socket } from 'node:dgram';
import { once } from 'node:events';
import { Inbox } from './peers.js';

export interface Came {
  payload: Buffer;
  from: RemoteInfo;
}

const open = new Set<DatagramPeer>();

/** For `afterEach`: nothing that a test opened stays. */
export function closeDatagramPeers(): void {
  for (const peer of [...open]) peer.close();
}

export class DatagramPeer {
  readonly came = new Inbox<Came>();

  private constructor(private readonly socket: Socket) {
    open.add(this);
    socket.on('message', (payload, from) => this.came.put({ payload, from }));
    socket.on('error', () => undefined);
  }

  static async open(address = '127.0.0.1'): Promise<DatagramPeer> {
    const socket = createSocket(address.includes(':') ? 'udp6' : 'udp4');
    socket.bind(0, address);
    await once(socket, 'listening');
    return new DatagramPeer(socket);
  }

  get port(): number {
    return this.socket.address().port;
  }

  /** Resolves once the kernel has it; over loopback it is in the other's buffer then, or dropped. */
  async send(payload: string | Buffer, port: number, address = '127.0.0.1'): Promise<void> {
    await new Promise<void>((resolve, reject) =>
      this.socket.send(payload, port, address, (error) => (error === null ? resolve() : reject(error))),
    );
  }

  next(): Promise<Came> {
    return this.came.take('a datagram', () => true);
  }

  close(): void {
    open.delete(this);
    this.socket.close();
  }
}
